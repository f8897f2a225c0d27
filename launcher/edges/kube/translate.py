"""API object -> view. Whatever the JSON holds, the result is a view and never an exception."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from launcher.core import foreign
from launcher.core.admission import LimitRangeView
from launcher.core.names import ANNOTATION_JOB_ID, container_name
from launcher.core.views import (
    Condition,
    ContainerKind,
    ContainerState,
    ContainerView,
    NodeView,
    PodEvent,
    PodView,
    RestartRule,
    Taint,
    Toleration,
)
from launcher.edges.kube.untyped import as_map as _map
from launcher.edges.kube.untyped import as_maps as _maps
from launcher.edges.kube.untyped import as_name as _name
from launcher.edges.kube.untyped import as_text as _text

__all__ = [
    "event_view",
    "limit_range_view",
    "node_view",
    "pod_view",
    "when",
]

_TOO_BIG = 2**63
# fieldPath of an event about a container
_CONTAINER = re.compile(r"spec\.(?:initContainers|containers)\{(?P<name>[^{}]{1,63})\}")
# client-go's recorder puts it before the newest of more than ten alike within ten minutes.
_COMBINED = "(combined from similar events): "
_FRACTION = re.compile(r"\.(\d{1,6})\d*")


def _int(value: Any) -> int | None:
    is_int = isinstance(value, int) and not isinstance(value, bool)
    # Python prints no number of more than 4300 digits; Kubernetes has none beyond an int64.
    return value if is_int and abs(value) < _TOO_BIG else None


def _fields(item: Mapping[str, Any], *names: str) -> dict[str, str]:
    """Return text fields that the API object and the view name alike."""
    return {name: _text(item.get(name)) for name in names}


def _texts(value: Any) -> Mapping[str, str]:
    return {foreign.line(str(key)): _text(text) for key, text in _map(value).items()}


def when(value: Any) -> datetime | None:
    """Return an aware datetime of an RFC 3339 text, None for anything else."""
    text = _text(value)
    if not text:
        return None
    # Python 3.10 reads three or six digits of a second only; Kubernetes writes none, six or nine.
    text = _FRACTION.sub(lambda found: "." + found[1].ljust(6, "0"), text).replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):  # OverflowError: 0001-01-01T00:00:00+12:00
        return None


def pod_view(raw: Any, namespace: str = "") -> PodView:
    """Return the view of a pod's JSON; ``namespace`` is the one that was asked, whatever the JSON says."""
    pod = _map(raw)
    metadata, spec, status = (
        _map(pod.get("metadata")),
        _map(pod.get("spec")),
        _map(pod.get("status")),
    )
    annotations = _texts(metadata.get("annotations"))
    return PodView(
        name=_name(metadata.get("name")),
        uid=_name(metadata.get("uid")),
        namespace=namespace or _name(metadata.get("namespace")),
        **_fields(status, "phase", "reason", "message"),
        node=_name(spec.get("nodeName")),
        created=when(metadata.get("creationTimestamp")),
        deleted=when(metadata.get("deletionTimestamp")),
        grace_seconds=_int(metadata.get("deletionGracePeriodSeconds")),
        grace_period=_int(spec.get("terminationGracePeriodSeconds")),
        nominated_node=_name(status.get("nominatedNodeName")),
        node_selector=_texts(spec.get("nodeSelector")),
        tolerations=tuple(_toleration(item) for item in _maps(spec.get("tolerations"))),
        labels=_texts(metadata.get("labels")),
        annotations=annotations,
        conditions=tuple(_condition(item) for item in _maps(status.get("conditions"))),
        containers=tuple(_containers(spec, status, container_name(annotations.get(ANNOTATION_JOB_ID, "")))),
        resource_version=_text(metadata.get("resourceVersion")),
        claims=tuple(_claims(spec, _name(metadata.get("name")))),
        resource_claims=tuple(_resource_claims(spec)),
        pod_group=_pod_group(spec),
    )


def _claims(spec: Mapping[str, Any], pod: str) -> Iterator[str]:
    for volume in _maps(spec.get("volumes")):
        name = _name(_map(volume.get("persistentVolumeClaim")).get("claimName"))
        if name:
            yield name
        elif volume.get("ephemeral"):  # the controller makes a claim of this name
            yield f"{pod}-{_text(volume.get('name'))}"


def _resource_claims(spec: Mapping[str, Any]) -> Iterator[str]:
    for claim in _maps(spec.get("resourceClaims")):
        name = _name(claim.get("resourceClaimName")) or _name(claim.get("resourceClaimTemplateName"))
        yield name or _name(claim.get("name"))


def _pod_group(spec: Mapping[str, Any]) -> str:
    group = _name(_map(spec.get("schedulingGroup")).get("podGroupName"))  # Kubernetes 1.36
    return group or _name(_map(spec.get("workloadRef")).get("name"))  # 1.35


def _condition(item: Mapping[str, Any]) -> Condition:
    since = when(item.get("lastTransitionTime"))
    return Condition(**_fields(item, "type", "status", "reason", "message"), since=since)


def _containers(spec: Mapping[str, Any], status: Mapping[str, Any], main: str) -> Iterator[ContainerView]:
    """Yield a view per container of the spec, with its status if the kubelet has reported one.

    The job's container is found by the name that the launcher gave it: a webhook may put others before it,
    and may set the annotation ``kubectl.kubernetes.io/default-container``, which is for people.
    """
    policy = _text(spec.get("restartPolicy"))
    inits = {_name(s.get("name")): s for s in _maps(status.get("initContainerStatuses"))}
    for item in _maps(spec.get("initContainers")):
        kind = ContainerKind.SIDECAR_INIT if item.get("restartPolicy") == "Always" else ContainerKind.INIT
        yield _container(item, inits.get(_name(item.get("name")), {}), kind, policy)
    known = {_name(s.get("name")): s for s in _maps(status.get("containerStatuses"))}
    items = list(_maps(spec.get("containers")))
    names = [_name(item.get("name")) for item in items]
    chosen = main if main in names else next(iter(names), "")
    for name, item in zip(names, items, strict=True):
        kind = ContainerKind.MAIN if name == chosen else ContainerKind.SIDECAR
        yield _container(item, known.get(name, {}), kind, policy)


def _container(
    item: Mapping[str, Any], status: Mapping[str, Any], kind: ContainerKind, policy: str
) -> ContainerView:
    union = _map(status.get("state"))
    state = next((s for s in ContainerState if s.value in union), ContainerState.NONE)
    now, last = _map(union.get(state.value)), _map(_map(status.get("lastState")).get("terminated"))
    resources = _map(item.get("resources"))
    limits = _map(resources.get("limits"))
    return ContainerView(
        name=_name(item.get("name")),
        kind=kind,
        image=_text(item.get("image")),
        image_id=_text(status.get("imageID")),
        state=state,
        reason=_text(now.get("reason")),
        message=_text(now.get("message")),
        exit_code=_int(now.get("exitCode")),
        signal=_int(now.get("signal")),
        finished_at=when(now.get("finishedAt")),
        restarts=_int(status.get("restartCount")) or 0,
        memory_limit=_text(limits.get("memory")),
        has_probes=bool(item.get("livenessProbe") or item.get("startupProbe")),
        requests={**_texts(limits), **_texts(resources.get("requests"))},
        last_reason=_text(last.get("reason")),
        last_exit_code=_int(last.get("exitCode")),
        restart_policy=_text(item.get("restartPolicy")) or policy,
        restart_rules=tuple(_restart_rule(rule) for rule in _maps(item.get("restartPolicyRules"))),
    )


def _restart_rule(rule: Mapping[str, Any]) -> RestartRule:
    codes = _map(rule.get("exitCodes"))
    values = codes.get("values")
    known = (_int(value) for value in (values if isinstance(values, list) else ()))
    exit_codes = tuple(value for value in known if value is not None)
    return RestartRule(_text(rule.get("action")), _text(codes.get("operator")), exit_codes)


def node_view(raw: Any) -> NodeView:
    """Return the view of a node's JSON."""
    node = _map(raw)
    status = _map(node.get("status"))
    metadata, spec = _map(node.get("metadata")), _map(node.get("spec"))
    return NodeView(
        _name(metadata.get("name")),
        _texts(status.get("allocatable")),
        _texts(metadata.get("labels")),
        tuple(Taint(**_fields(item, "key", "effect", "value")) for item in _maps(spec.get("taints"))),
    )


def _toleration(item: Mapping[str, Any]) -> Toleration:
    operator = _text(item.get("operator")) or "Equal"
    return Toleration(**_fields(item, "key", "effect", "value"), operator=operator)


def _of_container(about: Mapping[str, Any]) -> str:
    found = _CONTAINER.fullmatch(_text(about.get("fieldPath")))
    return found["name"] if found else ""


def event_view(raw: Any) -> PodEvent:
    """Return the view of an event's JSON; its times are the oldest and newest that Kubernetes has set."""
    event = _map(raw)
    message = event.get("message")  # a probe's ends with the line end of its program
    series = _map(event.get("series"))
    begun = [
        when(event.get("eventTime")),
        when(event.get("firstTimestamp")),
        when(_map(event.get("metadata")).get("creationTimestamp")),
    ]
    times = [*begun, when(series.get("lastObservedTime")), when(event.get("lastTimestamp"))]
    return PodEvent(
        reason=_text(event.get("reason")),
        message=_text(message.removeprefix(_COMBINED).rstrip() if isinstance(message, str) else ""),
        type=_text(event.get("type")) or "Normal",
        last_seen=max((t for t in times if t is not None), default=None),
        count=_int(series.get("count")) or _int(event.get("count")) or 1,
        source=_text(event.get("reportingComponent")) or _text(_map(event.get("source")).get("component")),
        first_seen=min((t for t in begun if t is not None), default=None),
        container=_of_container(_map(event.get("involvedObject"))),
    )


def limit_range_view(raw: Any) -> LimitRangeView:
    """Return the view of a LimitRange's JSON: the limits that it gives to containers."""
    item = _map(raw)
    defaults: dict[str, str] = {}
    for limit in _maps(_map(item.get("spec")).get("limits")):
        if limit.get("type") == "Container":
            defaults |= _texts(limit.get("default"))
    return LimitRangeView(_name(_map(item.get("metadata")).get("name")), defaults)
