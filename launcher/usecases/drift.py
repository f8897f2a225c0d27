"""Asking what has become of what an install made; :mod:`launcher.core.drift` judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launcher.core.drift import Drift, Installed, drift_of
from launcher.core.foreign import name
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import JobReport
from launcher.core.ownership import Owner
from launcher.core.views import ObjectRef, Presence, Seen
from launcher.errors import Conflict, LauncherError, NotFound, Unavailable
from launcher.usecases.ports import World

__all__ = ["Compared", "drift_seen", "installed_drift"]


@dataclass(frozen=True)
class Compared:
    """What has become of a release.

    Attributes:
        drift: of all its objects.
        manifests: as they were installed.
        not_asked: why the API server was not asked what the manifests would be today, by object; of these
            the fields were compared one by one.
    """

    drift: Drift
    manifests: tuple[Mapping[str, Any], ...]
    not_asked: Mapping[str, str]


def installed_drift(world: World, found: JobReport, *, dry_run: bool = True) -> Compared:
    """Return what has become of a job's release.

    Args:
        world: the ports.
        found: the job after one observation.
        dry_run: ask the API server what the manifests would be today; without, only read.

    Raises:
        Conflict: it is not ours, and is not compared.
        NotFound: Helm has no record of what was installed.
        Denied, Unavailable: something could not be asked, which is not the same as no difference.
    """
    if found.ownership.is_foreign:
        cure = f"`fljob list -n {found.job.namespace}` shows it; nothing is known of what was installed"
        raise Conflict(f"foreign: {found.ownership.sentence}; it is not compared", cure=cure)
    if found.ownership.owner is Owner.POD_WITHOUT_RELEASE or not found.job.release:
        said = f"{found.ownership.sentence}, so that nothing tells what was installed"
        raise NotFound(said, cure=f"`fljob terminate {name(found.job.pod_name)}` removes that pod")
    return _compared(world, found.job, dry_run=dry_run)


def _compared(world: World, job: JobRef, *, dry_run: bool) -> Compared:
    manifests = world.installed.manifests(job.release, job.namespace)
    if not manifests:
        raise NotFound(f"Helm has no record of release {job.namespace}/{job.release} any more")
    installed: list[Installed] = []
    not_asked: dict[str, str] = {}
    for ref, manifest in manifests:
        live = _live(world, ref)
        answer = None
        if live is not None and dry_run:
            answer, why = _answer(world, ref, manifest)
            not_asked |= {ref.text: why} if why else {}
        installed.append(Installed(manifest, live, answer))
    return Compared(drift_of(installed), tuple(manifest for _, manifest in manifests), not_asked)


def _live(world: World, ref: ObjectRef) -> Mapping[str, Any] | None:
    seen = world.installed.raw(ref)
    if seen.presence is Presence.UNAVAILABLE:
        raise Unavailable(f"cannot see what has become of {ref.text}: {seen.why}", cure=seen.cure)
    return seen.value if seen.presence is Presence.FOUND else None


def _answer(
    world: World, ref: ObjectRef, manifest: Mapping[str, Any]
) -> tuple[Mapping[str, Any] | None, str]:
    """Return what the API server says to the manifest, or why there is no answer: then fields are compared.

    Some are refused for what is no drift - a gate cannot come back, an amount only be resized -, others by a
    webhook that knows no dry run. The object itself was read, so that the comparison is as true without.
    """
    try:
        return world.installed.applied(ref, manifest), ""
    except LauncherError as error:
        return None, " ".join(error.message.split())


def drift_seen(world: World, found: JobReport) -> Seen[Drift]:
    """Return what has become of a job as ``fljob status`` and a diagnosis show it, by reading alone.

    UNAVAILABLE says why it is not known; ABSENT: it is foreign, or has no record: nothing can be known.
    """
    try:
        return Seen.found(installed_drift(world, found, dry_run=False).drift)
    except (Conflict, NotFound):
        return Seen.absent()
    except LauncherError as error:
        return Seen.unavailable(" ".join(error.message.split()), error.cure)
