"""What is observed of a job at one moment, and what is remembered of it: frozen values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from launcher.core.catalogue import Code
from launcher.core.ending.outcome import Outcome
from launcher.core.jobref import JobRef
from launcher.core.ownership import CONFIRMED, Ownership
from launcher.core.pending.clocks import Patience, Verdict
from launcher.core.pending.refusal import Refusal
from launcher.core.views import ContainerState, NodeView, PodEvent, PodView, ReleaseView, Seen

__all__ = ["Cleanup", "JobReport", "JobSample", "JobState", "Observation", "Track", "with_image_id"]


class JobState(str, enum.Enum):
    """State of a job, as ``fljob status`` shows it."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"
    UNKNOWN = "UNKNOWN"


class Cleanup(enum.Enum):
    """What to remove after the end."""

    REMOVE = "uninstall the release and delete the per-job Secret"
    RETAIN = "delete the per-job Secret and keep the release, so that the cause can be looked at"


@dataclass(frozen=True)
class Observation:
    """What was read of one job at one moment.

    Attributes:
        now: monotonic seconds.
        wall: wall clock time, aware.
        pod: the pod, its certain absence (with its last known state), or "could not be read".
        events: events of the pod's uid; UNAVAILABLE pauses the clocks of a pod whose cause only they show.
        nodes: all nodes, empty when they were not needed or may not be listed.
        claims: the newest event of each claim, by the claim's name; empty when they were not needed.
        refused: why there is no pod yet, while a refused creation is retried.
        release: the release of a pod that somebody else deletes; UNAVAILABLE when it was not needed.
        log: the last lines of a job process that ended with FLARE's 101; empty when they were not needed.
    """

    now: float
    wall: datetime
    pod: Seen[PodView]
    events: Seen[tuple[PodEvent, ...]] = field(default_factory=lambda: Seen.found(()))
    nodes: tuple[NodeView, ...] = ()
    claims: Mapping[str, PodEvent] = field(default_factory=dict)
    refused: Refusal | None = None
    release: Seen[ReleaseView] = field(default_factory=lambda: Seen.unavailable("not asked"))
    log: tuple[str, ...] = ()


@dataclass(frozen=True)
class Track:
    """Everything that is remembered about one job between two observations.

    Attributes:
        launched: monotonic seconds of the launch; FLARE's ``timeout`` counts from here.
        state: where the job is.
        pod: the pod as last seen.
        patience: the time that each cause has used up.
        verdict: why the pod is not running; None once it is.
        events: the events of the pod, as last read.
        ran: whether the pod was ever seen running; FLARE's ``timeout`` does not count after that.
        deleting_since: when the pod was first seen with a deletionTimestamp.
        absent_since: since when the pod has been absent without interruption.
        stale_since: since when the pod could not be read; None when it can.
        why_stale: why it cannot be read.
        outcome: the end; set once.
    """

    launched: float
    state: JobState = JobState.STARTING
    pod: PodView | None = None
    patience: Patience = field(default_factory=Patience)
    verdict: Verdict | None = None
    events: tuple[PodEvent, ...] = ()
    ran: bool = False
    deleting_since: float | None = None
    absent_since: float | None = None
    stale_since: float | None = None
    why_stale: str = ""
    outcome: Outcome | None = None

    @property
    def finished_at(self) -> datetime | None:
        """When the job container has ended, as the kubelet says; None while it has not, or nobody says."""
        main = self.pod.main if self.pod else None
        return None if main is None else main.finished_at

    @property
    def has_started(self) -> bool:
        """Whether the job container runs or has run: one that waits has no log (status 400)."""
        main = self.pod.main if self.pod else None
        return main is not None and main.state in (ContainerState.RUNNING, ContainerState.TERMINATED)


@dataclass(frozen=True)
class JobReport:
    """One job at one moment: its names, its release, everything known about its pod, and whose it is."""

    job: JobRef
    release: ReleaseView | None
    track: Track
    ownership: Ownership = CONFIRMED


@dataclass(frozen=True)
class JobSample:
    """A job at this moment.

    Attributes:
        state: where it is.
        code: why it does not run; None while it does.
        lasting: seconds for which that has been the cause.
    """

    state: JobState
    code: Code | None = None
    lasting: float = 0.0


def with_image_id(seen: Observation, before: PodView | None) -> Observation:
    """Return what was observed, with the image id that the job container had before where it has none now.

    Whoever writes the end of a container that nobody can ask any more leaves it out: a kubelet that has lost
    it (ContainerStatusUnknown), an eviction.

    Args:
        seen: what was observed now.
        before: the pod as seen earlier; None = never.
    """
    pod = seen.pod.value
    main = None if pod is None else pod.main
    earlier = None if before is None or pod is None or before.uid != pod.uid else before.main
    if pod is None or main is None or main.image_id or earlier is None or not earlier.image_id:
        return seen
    known = replace(main, image_id=earlier.image_id)
    containers = tuple(known if one is main else one for one in pod.containers)
    return replace(seen, pod=replace(seen.pod, value=replace(pod, containers=containers)))
