"""Which job is meant by a name that somebody has typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from launcher.core import names
from launcher.core.foreign import quoted
from launcher.core.jobref import ref_of_pod
from launcher.core.ownership import Owner, unclaimed
from launcher.core.views import PodView, ReleaseView
from launcher.errors import InvalidInput

__all__ = ["Known", "is_by_job_id", "known_names", "pick"]

_PREFIX = "fj-"
_SHOWN = 5


@dataclass(frozen=True)
class Known:
    """The jobs of a namespace that a name may mean.

    Attributes:
        releases: name of a release -> job id that its pod tells, without one its label value, which Helm's
            record has; empty where neither is known.
        alone: name of what only a pod tells of (the release that it claims, else the pod) -> job id.
    """

    releases: Mapping[str, str]
    alone: Mapping[str, str]


def known_names(
    releases: Mapping[str, ReleaseView], own: Mapping[str, PodView], others: Iterable[PodView]
) -> Known:
    """Return the jobs that a name may mean.

    Whoever may create a pod writes any job id and any claim on it: a release has the job id of its own pod
    alone, and a pod that is known to be foreign gives a name to nothing.

    Args:
        releases: those that Helm listed by our label.
        own: name of a release -> its pod.
        others: pods of none of them.
    """
    told = {
        name: ref_of_pod(own[name]).job_id if name in own else _recorded(view)
        for name, view in releases.items()
    }
    alone: dict[str, str] = {}
    for pod in others:
        job = ref_of_pod(pod)
        name = job.release or pod.name
        if name not in told and unclaimed(pod, releases).owner is Owner.POD_WITHOUT_RELEASE:
            alone[name] = "" if _has_release(job.job_id, told) else job.job_id
    return Known(told, alone)


def _recorded(view: ReleaseView) -> str:
    return view.revisions[-1].job_id if view.revisions else ""


def _has_release(job_id: str, releases: Iterable[str]) -> bool:
    """Tell whether some release is named after a job, at whatever site: the job id means that one."""
    begin = names.release_name(job_id, "").rpartition("-")[0]
    return any(release.startswith(f"{begin}-") for release in releases)


def pick(name: str, namespace: str, known: Known) -> str:
    """Return the release that ``name`` means: its name, its job id, or the beginning of one of them.

    A whole name goes before a beginning, a release's name before a job id, and what Helm knows before what
    only a pod tells. What fits none is returned.

    Raises:
        InvalidInput: it fits several.
    """
    everything = {**known.alone, **known.releases}
    for fits, jobs in (
        (_same_release, known.releases),
        (_same_job, known.releases),
        (_same_release, known.alone),
        (_same_job, known.alone),
        (_begins, everything),
    ):
        found = [release for release, job_id in jobs.items() if name and fits(name, release, job_id)]
        if len(found) == 1:
            return found[0]
        if found:
            raise _several(name, namespace, sorted(found))
    return name


def is_by_job_id(name: str, release: str, job_id: str) -> bool:
    """Tell whether a name means a release by a job id, which is the word of its pod."""
    return name == job_id or not _begins(name, release, "")


def _same_release(name: str, release: str, job_id: str) -> bool:
    del job_id
    return release == name


def _same_job(name: str, release: str, job_id: str) -> bool:
    del release
    return job_id in (name, names.label_value(name))


def _begins(name: str, release: str, job_id: str) -> bool:
    # "hello-1" for fj-hello-1-site-1-...: of a release whose pod is gone the list has no job id.
    return any(text.startswith(name) for text in (release, release.removeprefix(_PREFIX), job_id))


def _several(name: str, namespace: str, found: list[str]) -> InvalidInput:
    shown = ", ".join(found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
    return InvalidInput(
        f"{quoted(name)} may mean {len(found)} jobs of namespace {quoted(namespace)}: {shown}",
        cure="write more of the name",
    )
