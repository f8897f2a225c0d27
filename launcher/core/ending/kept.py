"""Which ended jobs their retention keeps, and for how long yet: from their pods alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from launcher.core.ending.job_end import ended
from launcher.core.jobref import ref_of_pod
from launcher.core.retention import Kept, kept_of
from launcher.core.views import PodView, age_seconds

__all__ = ["age_since_end", "time_left"]


@dataclass(frozen=True)
class _Ended:
    pod: PodView
    kept: Kept
    succeeded: bool
    age: float

    @property
    def group(self) -> tuple[object, ...]:
        """What ``keep`` counts together."""
        job = ref_of_pod(self.pod)
        study = job.study if self.kept.of_study else None
        return job.namespace, job.site, job.federation, study, self.succeeded


def age_since_end(pod: PodView, now: datetime) -> float:
    """Return the seconds since the job container of a pod ended, since the pod was made where nobody says.

    A kubelet's clock may be wrong: nothing has ended before it was made, and nothing ends later than now.
    """
    return max(0.0, age_seconds(_end_of(pod), now))


def _end_of(pod: PodView) -> datetime | None:
    finished = pod.main.finished_at if pod.main else None
    return max(filter(None, (finished, pod.created)), default=None)


def time_left(pods: Iterable[PodView], now: datetime) -> Mapping[str, float]:
    """Return uid -> seconds that retention keeps an ended job yet, 0 or less for one that is to go.

    A job of which its retention says nothing, or 0, is not in it: whoever waited for it has removed it, or
    kept it by hand.

    Args:
        pods: all pods of jobs; those of other sites do no harm.
        now: the API server's time.
    """
    groups: dict[tuple[object, ...], list[_Ended]] = {}
    for pod in pods:
        one = _ended(pod, now)
        if one is not None:
            groups.setdefault(one.group, []).append(one)
    left: dict[str, float] = {}
    for group in groups.values():
        # The uid decides between two of the same second, always in the same way.
        for newer, one in enumerate(sorted(group, key=_order)):
            seconds = one.kept.seconds(succeeded=one.succeeded) or 0.0
            is_surplus = one.kept.keep is not None and newer >= one.kept.keep
            is_endless = seconds == math.inf  # so may be the age of a pod without a time stamp
            left[one.pod.uid] = 0.0 if is_surplus else math.inf if is_endless else seconds - one.age
    return left


def _order(one: _Ended) -> tuple[float, str]:
    end = _end_of(one.pod)
    return (math.inf if end is None else -end.timestamp()), one.pod.uid


def _ended(pod: PodView, now: datetime) -> _Ended | None:
    kept = kept_of(pod.annotations)
    outcome = ended(pod) if kept.text and pod.deleted is None else None
    if outcome is None or not kept.seconds(succeeded=outcome.succeeded):
        return None
    return _Ended(pod, kept, outcome.succeeded, age_since_end(pod, now))
