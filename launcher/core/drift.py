"""What has become of the objects that an install made: in what they are not as they were installed, and why.

A field that somebody changed is drift. What belongs to the life of a pod is none, and is told as a note: what
admission changed while the object was made, a scheduling gate that a queue took away, a resize, and whatever
others added. One thing that is added counts: a deadline, for it ends the job.
"""

from __future__ import annotations

import base64
import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from launcher.core.managed_fields import Entry, Path, is_creation, owners
from launcher.core.manifest_diff import Change, changes_of
from launcher.core.structural import MISSING, Spot, added, at, differences

__all__ = ["Drift", "Finding", "Installed", "ObjectDrift", "Why", "drift_of"]

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_CONTAINERS = frozenset({"containers", "initContainers"})
# Helm writes them on what it creates, and they are in no manifest.
_OF_HELM = frozenset({"meta.helm.sh/release-name", "meta.helm.sh/release-namespace"})
_MANAGED_BY = "app.kubernetes.io/managed-by"
# Fields that nobody has set since the creation, or that are told although: everything else is a default.
_TOLD = frozenset({"labels", "annotations", *_CONTAINERS})
# Added later, it decides how a pod ends.
_DECIDING: frozenset[Path] = frozenset({("spec", "activeDeadlineSeconds")})


class Why(str, enum.Enum):
    """Why a field is not as it was installed; the value is the word that is shown."""

    CHANGED = "changed"
    ADMITTED = "gate removed"
    RESIZED = "resized"
    AT_CREATION = "changed at creation"
    ADDED = "added"


@dataclass(frozen=True)
class Installed:
    """An object of a release.

    Attributes:
        manifest: as Helm has recorded it.
        live: as the API server has it; None = it is certainly not there.
        answer: what the object would be if the manifest were applied again, says the API server; None = it
            was not asked, or has refused.
    """

    manifest: Mapping[str, Any]
    live: Mapping[str, Any] | None
    answer: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Finding:
    """A field that is not as it was installed: the lines that differ, without credentials, and who did it."""

    why: Why
    changes: tuple[Change, ...]
    by: tuple[Entry, ...] = ()

    @property
    def is_drift(self) -> bool:
        """Whether somebody has changed what was installed."""
        return self.why is Why.CHANGED

    @property
    def who(self) -> str:
        """Who did it, empty where nothing tells."""
        return self.by[0].text if self.by else ""


@dataclass(frozen=True)
class ObjectDrift:
    """What has become of an object."""

    kind: str
    name: str
    is_gone: bool
    findings: tuple[Finding, ...] = ()

    @property
    def is_drifted(self) -> bool:
        """Whether it is gone, or somebody has changed it."""
        return self.is_gone or any(one.is_drift for one in self.findings)


@dataclass(frozen=True)
class Drift:
    """What has become of all objects of a release."""

    objects: tuple[ObjectDrift, ...]

    @property
    def is_drifted(self) -> bool:
        """Whether one of them is gone, or somebody has changed one."""
        return any(one.is_drifted for one in self.objects)


def drift_of(objects: Iterable[Installed]) -> Drift:
    """Return what has become of the objects of a release; it asks nobody."""
    return Drift(tuple(_object(one) for one in objects))


def _object(one: Installed) -> ObjectDrift:
    metadata = one.manifest.get("metadata")
    name = str(metadata.get("name") if isinstance(metadata, Mapping) else "")
    kind = str(one.manifest.get("kind"))
    if one.live is None:
        return ObjectDrift(kind, name, is_gone=True)
    manifest = _as_stored(one.manifest)
    found = [*_changed(manifest, one.live, one.answer), *_added(manifest, one.live)]
    # What one has done is one finding.
    findings: dict[tuple[Why, tuple[Entry, ...]], tuple[Change, ...]] = {}
    for why, spot, by in found:
        lines = findings.get((why, by), ())
        findings[why, by] = (*lines, *_lines(manifest, spot))
    told = tuple(Finding(why, lines, by) for (why, by), lines in findings.items())
    return ObjectDrift(kind, name, is_gone=False, findings=told)


def _as_stored(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a manifest in the form of the API server, which keeps stringData of a Secret as data."""
    text = manifest.get("stringData")
    if manifest.get("kind") != "Secret" or not isinstance(text, Mapping):
        return manifest
    packed = {key: base64.b64encode(str(value).encode()).decode() for key, value in text.items()}
    data = manifest.get("data")
    kept = {key: value for key, value in manifest.items() if key != "stringData"}
    return {**kept, "data": {**(data if isinstance(data, Mapping) else {}), **packed}}


_Judged = tuple[Why, Spot, tuple[Entry, ...]]


def _changed(
    manifest: Mapping[str, Any], live: Mapping[str, Any], answer: Mapping[str, Any] | None
) -> Iterator[_Judged]:
    for spot in differences(manifest, live):
        # The API server knows better what is the same: applied again, the manifest would change nothing here.
        if answer is not None and at(answer, spot.path) == spot.found:
            continue
        by = owners(live, spot.path)
        later = tuple(entry for entry in by if not is_creation(entry, live))
        yield _why(spot, by, later), spot, later


def _why(spot: Spot, by: tuple[Entry, ...], later: tuple[Entry, ...]) -> Why:
    # Gates can only be taken away, resources of a container only be changed by a resize (KEP-3521, KEP-1287).
    if spot.path[:2] == ("spec", "schedulingGates"):
        return Why.ADMITTED
    if by and not later:
        return Why.AT_CREATION
    if len(spot.path) > 3 and spot.path[1] in _CONTAINERS and spot.path[3] == "resources":  # noqa: PLR2004
        return Why.RESIZED
    return Why.CHANGED


def _added(manifest: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[_Judged]:
    for spot in added(manifest, live):
        if spot.path[-1] in _OF_HELM or spot.path[-1] == _MANAGED_BY:
            continue
        later = tuple(entry for entry in owners(live, spot.path) if not is_creation(entry, live))
        if later and spot.path in _DECIDING:
            yield Why.CHANGED, spot, later
        elif later or (len(spot.path) == 3 and spot.path[1] in _TOLD):  # noqa: PLR2004 - an item of them
            yield Why.ADDED, spot, later


def _lines(manifest: Mapping[str, Any], spot: Spot) -> Iterator[Change]:
    """Yield the lines in which one field differs, without credentials."""
    kind, annotations = manifest.get("kind"), at(manifest, ("metadata", "annotations"))
    # It tells which container is the job's, and is the same on both sides.
    job = annotations.get(_DEFAULT_CONTAINER) if isinstance(annotations, Mapping) else None
    sides = (_alone(spot.path, value, kind, job) for value in (spot.wanted, spot.found))
    return changes_of(*sides)


def _alone(path: Path, value: Any, kind: Any, job: Any) -> dict[str, Any]:
    """Return an object that has nothing but one field, for its lines."""
    one: dict[str, Any] = {"kind": kind}
    if job is not None:
        one["metadata"] = {"annotations": {_DEFAULT_CONTAINER: job}}
    if value is MISSING:
        return one
    below: Any = value
    for part in reversed(path):
        if isinstance(part, str):
            below = {part: below}
        else:
            below = [{part[0]: part[1], **(below if isinstance(below, Mapping) else {})}]
    return _joined(one, below)


def _joined(one: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    both = {**one, **more}
    for key in one.keys() & more.keys():
        if isinstance(one[key], Mapping) and isinstance(more[key], Mapping):
            both[key] = _joined(one[key], more[key])
    return both
