"""A pod's JSON -> what a plan looks at: the objects that it names and where it may run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from launcher.core.plan.views import Need, PlannedImage, PlannedPod, Reference, Term, Use
from launcher.edges.kube.translate import pod_view
from launcher.edges.kube.untyped import as_map, as_maps, as_name, as_text

__all__ = ["planned_pod"]

_CLAIM = Use("v1", "PersistentVolumeClaim")
_SECRET, _CONFIG = Use("v1", "Secret"), Use("v1", "ConfigMap")
_ACCOUNT = Use("v1", "ServiceAccount")
_PRIORITY = Use("scheduling.k8s.io/v1", "PriorityClass", is_namespaced=False)
_RUNTIME = Use("node.k8s.io/v1", "RuntimeClass", is_namespaced=False)
_DEVICES = Use("resource.k8s.io/v1", "ResourceClaim")
_TEMPLATE = Use("resource.k8s.io/v1", "ResourceClaimTemplate")
# Field of the spec -> what it names.
_NAMED = (("serviceAccountName", _ACCOUNT), ("priorityClassName", _PRIORITY), ("runtimeClassName", _RUNTIME))
# Source of a volume or of a variable -> what it names, and the field with the name.
_VOLUMES = (("secret", _SECRET, "secretName"), ("configMap", _CONFIG, "name"))
_PROJECTED = (("secret", _SECRET), ("configMap", _CONFIG))
_KEYS = (("secretKeyRef", _SECRET), ("configMapKeyRef", _CONFIG))
_WHOLE = (("secretRef", _SECRET), ("configMapRef", _CONFIG))
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def planned_pod(raw: Any, namespace: str) -> PlannedPod:
    """Return what a plan looks at of a pod.

    Args:
        raw: the pod as JSON, from the API server or from Helm.
        namespace: of the job.
    """
    spec = as_map(as_map(raw).get("spec"))
    priority = spec.get("priority")
    return PlannedPod(
        view=pod_view(raw, namespace),
        references=tuple(one for one in _references(spec) if one.name),
        terms=tuple(_terms(spec)),
        gates=tuple(as_name(gate.get("name")) for gate in as_maps(spec.get("schedulingGates"))),
        scheduler=as_name(spec.get("schedulerName")),
        priority=priority if isinstance(priority, int) else 0,
        unjudged=tuple(_unjudged(spec)),
        images=tuple(_images(spec)),
    )


def _images(spec: Mapping[str, Any]) -> Iterator[PlannedImage]:
    """Yield the images of a pod, each where it is named first."""
    seen = {""}
    for one in _named_images(spec):
        if one.name not in seen:
            yield one
        seen.add(one.name)


def _named_images(spec: Mapping[str, Any]) -> Iterator[PlannedImage]:
    for part in ("initContainers", "containers"):
        for one in as_maps(spec.get(part)):
            yield _image(
                one.get("image"), one.get("imagePullPolicy"), f"container {as_name(one.get('name'))}"
            )
    for volume in as_maps(spec.get("volumes")):
        source = as_map(volume.get("image"))
        yield _image(
            source.get("reference"), source.get("pullPolicy"), f"volume {as_name(volume.get('name'))}"
        )


def _image(name: Any, policy: Any, where: str) -> PlannedImage:
    return PlannedImage(as_text(name), where, as_name(policy))


def _references(spec: Mapping[str, Any]) -> Iterator[Reference]:
    for field, use in _NAMED:
        yield Reference(use, as_name(spec.get(field)), field)
    for secret in as_maps(spec.get("imagePullSecrets")):
        yield Reference(_SECRET, as_name(secret.get("name")), "imagePullSecrets", for_pull=True)
    for claim in as_maps(spec.get("resourceClaims")):
        yield Reference(_DEVICES, as_name(claim.get("resourceClaimName")), "resourceClaims")
        yield Reference(_TEMPLATE, as_name(claim.get("resourceClaimTemplateName")), "resourceClaims")
    for volume in as_maps(spec.get("volumes")):
        yield from _of_volume(volume, f"volume {as_name(volume.get('name'))}")
    for part in ("initContainers", "containers"):
        for container in as_maps(spec.get(part)):
            yield from _of_container(container, f"container {as_name(container.get('name'))}")


def _of_volume(volume: Mapping[str, Any], where: str) -> Iterator[Reference]:
    yield Reference(_CLAIM, as_name(as_map(volume.get("persistentVolumeClaim")).get("claimName")), where)
    for source, use, field in _VOLUMES:
        yield _of_source(as_map(volume.get(source)), use, field, where)
    for one in as_maps(as_map(volume.get("projected")).get("sources")):
        for source, use in _PROJECTED:
            yield _of_source(as_map(one.get(source)), use, "name", where)


def _of_source(source: Mapping[str, Any], use: Use, field: str, where: str) -> Reference:
    keys = tuple(as_name(item.get("key")) for item in as_maps(source.get("items")))
    return Reference(use, as_name(source.get(field)), where, keys, optional=source.get("optional") is True)


def _of_container(container: Mapping[str, Any], where: str) -> Iterator[Reference]:
    for variable in as_maps(container.get("env")):
        place = f"{where}, variable {as_name(variable.get('name'))}"
        for source, use in _KEYS:
            named = as_map(as_map(variable.get("valueFrom")).get(source))
            keys, optional = (as_name(named.get("key")),), named.get("optional") is True
            yield Reference(use, as_name(named.get("name")), place, keys, optional=optional)
    for whole in as_maps(container.get("envFrom")):
        for source, use in _WHOLE:
            named = as_map(whole.get(source))
            yield Reference(
                use, as_name(named.get("name")), f"{where}, envFrom", optional=named.get("optional") is True
            )


def _terms(spec: Mapping[str, Any]) -> Iterator[Term]:
    affinity = as_map(as_map(spec.get("affinity")).get("nodeAffinity"))
    for term in as_maps(as_map(affinity.get(_REQUIRED)).get("nodeSelectorTerms")):
        yield Term(tuple(_needs(term.get("matchExpressions"))), tuple(_needs(term.get("matchFields"))))


def _needs(expressions: Any) -> Iterator[Need]:
    for one in as_maps(expressions):
        values = one.get("values")
        texts = tuple(as_text(value) for value in values) if isinstance(values, list) else ()
        yield Need(as_text(one.get("key")), as_text(one.get("operator")), texts)


def _unjudged(spec: Mapping[str, Any]) -> Iterator[str]:
    """Yield the rules about other pods and volumes, which only the scheduler knows how to apply."""
    affinity = as_map(spec.get("affinity"))
    for field in ("podAffinity", "podAntiAffinity"):
        if as_map(affinity.get(field)).get(_REQUIRED):
            yield field
    if any(
        one.get("whenUnsatisfiable") != "ScheduleAnyway"
        for one in as_maps(spec.get("topologySpreadConstraints"))
    ):
        yield "topologySpreadConstraints"
    containers = as_maps(spec.get("containers"))
    if any(port.get("hostPort") for container in containers for port in as_maps(container.get("ports"))):
        yield "hostPort"
    if any(volume.get("persistentVolumeClaim") for volume in as_maps(spec.get("volumes"))):
        yield "where volumes can be reached"
    if spec.get("resourceClaims"):
        yield "devices of ResourceClaims"
