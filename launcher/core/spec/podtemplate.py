"""A job merged into a Pod manifest template, by FLARE's rule, as pieces of chart values.

The job replaces what it owns (name, image, command, args, amounts of resources, its volumes, mounts and
environment, by name) and everything else of the template stays: node selector, service account, sidecars,
probes, security contexts of containers, devices (``resourceClaims``, and ``resources.claims`` of the job
container, which FLARE drops).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from launcher.core.checks import as_json, invalid, key_path, require_mapping
from launcher.core.foreign import quoted
from launcher.core.merge import named_items
from launcher.core.spec.jobspec import JobSpec
from launcher.errors import InvalidInput

__all__ = [
    "CONTAINER_OWNED",
    "POD_OWNED",
    "STARTUP_VOLUME",
    "WORKSPACE_VOLUME",
    "check_template",
    "owned_volumes",
    "prepare_template",
    "template_values",
    "template_warnings",
]

WORKSPACE_VOLUME = "workspace-job"
STARTUP_VOLUME = "startup-kit"

# FLARE's default container name; not a valid Kubernetes name, so only ever a mark in a template.
_MARK = "nvflare_job"
_LISTS = ("containers", "initContainers", "volumes", "imagePullSecrets")
POD_OWNED = frozenset({*_LISTS, "restartPolicy"})
CONTAINER_OWNED = frozenset(
    {"name", "image", "imagePullPolicy", "command", "args", "env", "volumeMounts", "resources"}
)
# By these the kubelet would run the job again (Kubernetes 1.34 and later).
_RESTARTS = ("restartPolicy", "restartPolicyRules")
_RESTART_ALL = "RestartAllContainers"
_NEVER = "Never"
_METADATA_KEPT = frozenset({"labels", "annotations"})
_METADATA_SILENT = frozenset({"name", "namespace", "creationTimestamp"})


def check_template(template: Any, source: str) -> dict[str, Any]:
    """Return a copy of a Pod manifest, checked as far as the merge looks at it.

    Null, which Kubernetes reads as not given, stays in the fields of the pod and of its containers, where it
    may leave out a default of the chart; everywhere else it is left out.

    Args:
        template: a parsed manifest.
        source: its file and key path, for errors.

    Raises:
        InvalidInput: not a Pod manifest, or one whose parts have the wrong type.
    """
    given = as_json(require_mapping(template, source), source, prune=True, keep_null=True)
    checked: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    kind = checked.get("kind")
    if kind and kind != "Pod":
        raise invalid(
            key_path(source, "kind"), kind, "must be Pod", cure="give a Pod manifest, not a controller"
        )
    checked["metadata"] = _metadata(checked.get("metadata", {}), key_path(source, "metadata"))
    spec = checked.setdefault("spec", {})
    require_mapping(spec, key_path(source, "spec"))
    for key in _LISTS:
        if spec.get(key, []) is None:
            del spec[key]
        _require_mappings(spec.get(key, []), key_path(source, f"spec.{key}"))
    # In a list null is left out, and so it was in those of the containers.
    spec["containers"] = [
        as_json(item, "", prune=True, keep_null=True)
        for item in (template.get("spec") or {}).get("containers") or [{}]
    ]
    return checked


def _metadata(given: Any, where: str) -> dict[str, Any]:
    metadata: dict[str, Any] = as_json(require_mapping(given, where), where, prune=True)
    for key in sorted(_METADATA_KEPT & metadata.keys()):
        for name, value in require_mapping(metadata[key], key_path(where, key)).items():
            if not isinstance(value, str):
                where = key_path(where, f"{key}.{name}")
                raise invalid(where, value, "must be text", cure="put it in quotes")
    return metadata


def _require_mappings(items: Any, where: str) -> None:
    if not isinstance(items, list):
        raise invalid(where, items, "must be a list", cure="write `- name: ...` items")
    for index, item in enumerate(items):
        require_mapping(item, f"{where}[{index}]")


def prepare_template(
    template: Mapping[str, Any], source: str, container_name: str, *, main_by_name: bool = True
) -> dict[str, Any]:
    """Return a checked copy of ``template`` in which the job container is the one named ``container_name``.

    The job container is the first one named ``container_name`` or ``nvflare_job``, else the only one, else
    (without ``main_by_name``) the first one.

    Raises:
        InvalidInput: ``main_by_name`` and several containers of which none is named; or a list whose items
            the merge must tell apart has an item without a name.
    """
    checked = check_template(template, source)
    containers = checked["spec"]["containers"]
    index = next((i for i, c in enumerate(containers) if c.get("name") in (container_name, _MARK)), None)
    if index is None and main_by_name and len(containers) > 1:
        raise InvalidInput(
            f"{len(containers)} containers and none is marked as the job's: "
            f"{', '.join(str(c.get('name', '(no name)')) for c in containers)}",
            where=key_path(source, "spec.containers"),
            cure=f"mark the main container: give it the name {_MARK}",
        )
    spec = checked["spec"]
    spec["containers"] = [
        _without_null_of_owned(item) if place == (index or 0) else as_json(item, "", prune=True)
        for place, item in enumerate(containers)
    ]
    main = spec["containers"][index or 0]
    main["name"] = container_name
    at = key_path(source, f"spec.containers[{index or 0}]")
    main["env"] = named_items(main.get("env"), f"{at}.env")
    main["volumeMounts"] = named_items(main.get("volumeMounts"), f"{at}.volumeMounts")
    main["resources"] = _claims(main.get("resources"), f"{at}.resources")
    _refuse_restarts(checked["spec"], main, key_path(source, "spec"), at)
    for key in ("volumes", "imagePullSecrets"):
        spec[key] = named_items(spec.get(key), key_path(source, f"spec.{key}"))
    return checked


def _without_null_of_owned(container: Mapping[str, Any]) -> dict[str, Any]:
    """Return a container in which null stands only where it can leave out a default of the chart."""
    return {
        key: value
        for key, value in container.items()
        if value is not None or key not in CONTAINER_OWNED - {"imagePullPolicy"}
    }


def _claims(resources: Any, where: str) -> dict[str, Any]:
    """Return what stays of the resources of the job container: its claims; the job has the amounts."""
    claims = resources.get("claims") if isinstance(resources, Mapping) else None
    return {"claims": named_items(claims, f"{where}.claims")} if claims else {}


def _refuse_restarts(spec: Mapping[str, Any], main: Mapping[str, Any], where: str, at: str) -> None:
    """Refuse containers for which the kubelet would run the job again: FLARE reads the end of one process.

    The pod's own ``restartPolicy`` is replaced by Never, as FLARE does. Sidecars may restart themselves, but
    not all containers.

    Raises:
        InvalidInput: with the key path.
    """
    for key in _RESTARTS:
        if main.get(key) not in (None, [], _NEVER):
            cure = "remove the key: FLARE decides whether a job runs again"
            raise invalid(f"{at}.{key}", main[key], "must not be set", cure=cure)
    for part in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(part, [])):
            rules = container.get("restartPolicyRules")
            for number, rule in enumerate(rules if isinstance(rules, list) else []):
                if isinstance(rule, Mapping) and rule.get("action") == _RESTART_ALL:
                    rule_at = f"{where}.{part}[{index}].restartPolicyRules[{number}].action"
                    cure = "remove the rule: FLARE decides whether a job runs again"
                    raise invalid(rule_at, _RESTART_ALL, "must not restart the job", cure=cure)


def owned_volumes(spec: JobSpec) -> frozenset[str]:
    """Return the names of the volumes that the job itself brings."""
    startup = {STARTUP_VOLUME} if spec.startup_secret else set()
    return frozenset(
        {
            WORKSPACE_VOLUME,
            *startup,
            *(d.volume for d in spec.datasets),
            *(m.volume for m in spec.secret_mounts),
        }
    )


def template_values(spec: JobSpec) -> dict[str, Any]:
    """Return the values that the pod template of ``spec`` contributes; empty without a template.

    ``env`` and ``imagePullSecrets`` hold the template's items alone: the job's are merged over them by name.
    A security context of the site replaces the template's as a whole (FLARE), so the template's is left out.
    """
    if spec.pod_template is None:
        return {}
    pod = spec.pod_template["spec"]
    main, others = _split(pod["containers"], spec.container_name)
    dropped = POD_OWNED | ({"securityContext"} if spec.security_context else set())
    owned = owned_volumes(spec)
    pieces = {
        "image": {"pullPolicy": main["imagePullPolicy"]} if "imagePullPolicy" in main else {},
        "imagePullSecrets": pod["imagePullSecrets"],
        "env": main["env"],
        "resources": main["resources"],
        "pod": {
            **{key: value for key, value in spec.pod_template["metadata"].items() if key in _METADATA_KEPT},
            "spec": {key: value for key, value in pod.items() if key not in dropped},
        },
        "container": {"spec": {key: value for key, value in main.items() if key not in CONTAINER_OWNED}},
        "extra": {
            "volumes": [item for item in pod["volumes"] if item["name"] not in owned],
            "volumeMounts": [item for item in main["volumeMounts"] if item["name"] not in owned],
            "initContainers": pod.get("initContainers", []),
            "containers": others,
        },
    }
    result: dict[str, Any] = as_json(_without_empty(pieces), "pod template", keep_null=True)
    return result


def _split(
    containers: Sequence[Mapping[str, Any]], name: str
) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    index = next(i for i, container in enumerate(containers) if container.get("name") == name)
    return containers[index], [*containers[:index], *containers[index + 1 :]]


def _without_empty(pieces: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what the template does not say, two levels deep: further down an empty map has a meaning."""
    trimmed = {
        key: {name: item for name, item in value.items() if item or item is None}
        if isinstance(value, dict)
        else value
        for key, value in pieces.items()
    }
    return {key: value for key, value in trimmed.items() if value}


def template_warnings(spec: JobSpec) -> tuple[str, ...]:
    """Return a sentence for each thing of the template that is replaced or left out; for the log."""
    if spec.pod_template is None:
        return ()
    metadata = spec.pod_template["metadata"]
    namespace = metadata.get("namespace", spec.namespace)
    restart = spec.pod_template["spec"].get("restartPolicy", _NEVER)
    warnings = [
        f"pod template: metadata.{key} is left out: only labels and annotations are carried over"
        for key in metadata
        if key not in _METADATA_KEPT | _METADATA_SILENT
    ]
    if restart != _NEVER:
        warnings.append(f"pod template: spec.restartPolicy {quoted(restart)} is replaced by {quoted(_NEVER)}")
    if namespace != spec.namespace:
        warnings.append(
            f"pod template: metadata.namespace {quoted(namespace)} is replaced by the site's, "
            f"{quoted(spec.namespace)}"
        )
    return tuple(warnings)
