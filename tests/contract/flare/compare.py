"""FLARE's pod against ours, field by field; every deliberate difference is a row with its reason.

Before the comparison both are brought to the form that the API server would make of them: nulls and empty
lists are absent, numbers where a quantity belongs are text, and lists whose items the API identifies by name
are maps. Environment, arguments, init containers and all other lists keep their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["ADDITIONS", "REPLACED", "differences", "leaves", "normalised"]

Path = tuple[str, ...]

# Where FLARE's pod has nothing and ours has something. `JOB` is the job container.
JOB = "JOB"
_LABELS, _ANNOTATIONS = ("metadata", "labels"), ("metadata", "annotations")
ADDITIONS: dict[Path, tuple[str, str]] = {
    # path -> (pattern of the value, reason)
    (*_LABELS, "fljob.internal/job-id"): (r".+", "finds a job's objects; the watch selects by it"),
    (*_LABELS, "fljob.internal/site"): (r".+", "finds a site's objects"),
    (*_LABELS, "fljob.internal/role"): (r"client|server", "tells server pods from client pods"),
    (*_LABELS, "fljob.internal/attempt"): (r"1", "tells a relaunch from the first launch"),
    (*_LABELS, "fljob.internal/federation"): (
        r"[0-9a-f]{16}",
        "a new parent removes its own jobs only",
    ),
    (*_LABELS, "app.kubernetes.io/name"): (r"fljob|c\d+", "Kubernetes' recommended labels"),
    (*_LABELS, "app.kubernetes.io/instance"): (r"fj-test", "Kubernetes' recommended labels"),
    (*_LABELS, "app.kubernetes.io/managed-by"): (r"Helm", "Kubernetes' recommended labels"),
    (*_LABELS, "app.kubernetes.io/component"): (r"(client|server)-job", "Kubernetes' recommended labels"),
    (*_LABELS, "helm.sh/chart"): (r"(fljob|c\d+)-\d+\.\d+\.\d+.*", "which chart printed the pod"),
    (*_ANNOTATIONS, "fljob.internal/job-id"): (r".+", "the job id verbatim; labels cannot hold every text"),
    (*_ANNOTATIONS, "fljob.internal/site"): (r"(?s).+", "the site's name verbatim"),
    (*_ANNOTATIONS, "fljob.internal/study"): (r".+", "the study's name verbatim"),
    (*_ANNOTATIONS, "fljob.internal/pending-timeout"): (r"none|[\d.]+", "another process can go on waiting"),
    (*_ANNOTATIONS, "kubectl.kubernetes.io/default-container"): (
        r"container-.+",
        "kubectl logs finds the job",
    ),
    ("spec", "containers", JOB, "workingDir"): (r"/.+", "FLARE walks its working directory; / costs 7 s"),
    ("spec", "terminationGracePeriodSeconds"): (r"1", "a FLARE job is PID 1 without a SIGTERM handler"),
    ("spec", "automountServiceAccountToken"): (r"False", "no FLARE job talks to the API server"),
    ("spec", "securityContext", "seccompProfile", "type"): (
        r"RuntimeDefault",
        "hardening, unnoticed by FLARE",
    ),
    ("spec", "containers", JOB, "securityContext", "allowPrivilegeEscalation"): (
        r"False",
        "hardening, unnoticed by FLARE",
    ),
    ("spec", "containers", JOB, "resources", "claims", "0", "name"): (
        r"x",
        "devices of a template: FLARE keeps the pod's claim and drops its use",
    ),
}
# Where ours differs from what FLARE's pod has.
REPLACED: dict[Path, str] = {
    ("metadata", "namespace"): "the release's namespace decides; FLARE sets it only if a template has one",
    (
        *_ANNOTATIONS,
        "kubectl.kubernetes.io/default-container",
    ): "the job container's name, not the template's",
}
_BY_NAME = ("volumes", "imagePullSecrets")
_QUANTITIES = ("requests", "limits")
_ABSENT_WHEN_EMPTY = ("labels", "annotations", "securityContext", "nodeSelector")


def differences(flare: Mapping[str, Any], ours: Mapping[str, Any], container: str) -> list[str]:
    """Return a message for each field that differs and is in none of the tables.

    Args:
        flare: the pod that FLARE sends.
        ours: the pod that the chart prints.
        container: name of the job container.
    """
    theirs = dict(leaves(normalised(flare, container)))
    mine = dict(leaves(normalised(ours, container)))
    found = []
    for path in sorted(theirs.keys() | mine.keys(), key=str):
        here, there = theirs.get(path), mine.get(path)
        if path in theirs and path in mine and _same(here, there):
            continue
        if path in REPLACED and path in theirs:
            continue
        if path not in theirs and path in ADDITIONS and re.fullmatch(ADDITIONS[path][0], str(there)):
            continue
        shown = [
            repr(value) if path in side else "nothing" for value, side in ((here, theirs), (there, mine))
        ]
        found.append(f"{'.'.join(path)}: FLARE has {shown[0]}, ours has {shown[1]}")
    return found


def _same(here: Any, there: Any) -> bool:
    # True == 1 in Python, not in YAML.
    return type(here) is type(there) and here == there


def normalised(pod: Mapping[str, Any], container: str) -> dict[str, Any]:
    """Return ``pod`` as the API server would see it, with named lists as maps."""
    clean: dict[str, Any] = _pruned(pod)
    spec = clean["spec"]
    containers = _by_name(spec["containers"], "containers")
    spec["containers"] = {JOB if name == container else name: item for name, item in containers.items()}
    for key in _BY_NAME:
        if key in spec:
            spec[key] = _by_name(spec[key], key)
    for volume in spec["volumes"].values():
        secret = volume.get("secret", {})
        if "items" in secret:
            secret["items"] = {item["key"]: item for item in secret["items"]}
    job = spec["containers"][JOB]
    # One volume may be mounted twice; the API identifies mounts by their path.
    mounts = job.get("volumeMounts", [])
    job["volumeMounts"] = {mount["mountPath"]: mount for mount in mounts}
    assert len(job["volumeMounts"]) == len(mounts), f"a mount path occurs twice: {mounts}"
    for kind in _QUANTITIES:
        amounts = job.get("resources", {}).get(kind, {})
        amounts.update({name: _quantity(value) for name, value in amounts.items()})
    return clean


def _by_name(items: list[dict[str, Any]], what: str) -> dict[str, dict[str, Any]]:
    found = {item["name"]: item for item in items}
    assert len(found) == len(items), f"a name occurs twice in {what}: {items}"
    return found


def _quantity(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, bool) else str(value)


def _pruned(value: Any) -> Any:
    if isinstance(value, Mapping):
        clean = {name: _pruned(item) for name, item in value.items()}
        return {
            name: item
            for name, item in clean.items()
            if not (item is None or item == [] or (item == {} and name in _ABSENT_WHEN_EMPTY))
        }
    if isinstance(value, (list, tuple)):
        return [_pruned(item) for item in value]
    return value


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield (path, value) of everything in ``value`` that has nothing below it."""
    children = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, item in children:
        yield from leaves(item, (*path, str(key)))
    if not isinstance(value, (Mapping, list)) or not value:
        yield path, value
