"""The jobs of one namespace, or of all, as a watch shows them, and what was made of each.

Pods come from the shared watch, which costs no request for a change. Helm's releases are listed again only
when a pod comes or goes, and twice a minute for releases that have none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from launcher.core.lifecycle.state import JobReport, JobState, Track
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.releases import ReleaseState, release_state
from launcher.core.views import PodView, ReleaseView
from launcher.errors import LauncherError, Unavailable
from launcher.usecases.listing import Listed, glance, listed
from launcher.usecases.ports import PodWatch, World

__all__ = ["LISTS_EVERY", "Roster", "Round"]

# helm is a process of 0.2 s: not for each of a hundred pods that come one after the other.
_LISTS_APART, LISTS_EVERY = 1.0, 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 30.0
# Of a pod that has just gone its waiter notes in Helm's record how the job has ended, soon.
_NOTED_WITHIN = 10.0
# A pod that waits may do so for another cause without a change of its own: an event, a clock. One that does
# not wait can only become the prey of time: a node that is dead for long.
_OLDEST_PENDING, _OLDEST = 2.0, 30.0
# Helm marks a record as uninstalling, has the pod deleted, and takes the record away, while the processes of
# the pod may have their grace period: nothing has failed meanwhile.
_GOES_WITHIN = 60.0


@dataclass(frozen=True)
class Round:
    """All jobs at one moment; a job of which nothing has changed is the same object as before.

    Attributes:
        jobs: the jobs, by namespace and name.
        as_of: when they were right.
        why: why nobody can tell whether they still are; empty while they are.
        left_out: namespaces in which there is no right to look.
    """

    jobs: tuple[JobReport, ...]
    as_of: datetime
    why: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Known:
    """A job as of an earlier round.

    Attributes:
        pod: its pod, None when there was none.
        at: monotonic seconds at which it was looked at.
        report: what was made of it.
        going: since when Helm has been taking it away; None while it does not.
    """

    pod: PodView | None
    at: float
    report: JobReport
    going: float | None = None


_Key = tuple[str, str, str]


class Roster:
    """Which jobs there are, and what was made of each.

    Args:
        world: the ports.
        policy: the site's patience.
        namespace: empty = all namespaces.
        lists_every: seconds after which Helm is asked although no pod has come or gone.

    Raises:
        LauncherError: the jobs could not be listed.
    """

    def __init__(
        self, world: World, policy: WaitPolicy, namespace: str, lists_every: float = LISTS_EVERY
    ) -> None:
        self._world, self._policy, self._namespace = world, policy, namespace
        self._lists_every = lists_every
        self._rows: tuple[Listed, ...] = ()
        self._known: dict[_Key, _Known] = {}
        # A pod without its record is no longer that of a release.
        self._by_pod: dict[str, _Known] = {}
        self._pods: frozenset[tuple[str, bool]] = frozenset()
        self._last: tuple[JobReport, ...] = ()
        self._as_of = world.clock.now()
        self._not_before = self._due = float("-inf")
        self._pause, self._why = _FIRST_PAUSE, ""
        seen = self.watch.all()
        if seen.value is None:
            world.pods.list(namespace)  # which says by its type what is wrong
            raise Unavailable(seen.why, cure=seen.cure)
        self._list(seen.value)

    @property
    def watch(self) -> PodWatch:
        """The watch, asked for each time, since it can end."""
        return self._world.pods.watch(self._namespace)

    def round(self) -> Round:
        """Return the jobs as the watch shows them."""
        seen = self.watch.all()
        if seen.value is None:
            return Round(self._last, self._as_of, seen.why)
        now = self._world.clock.monotonic()
        if now >= (self._due if _pods_of(seen.value) == self._pods else self._not_before):
            try:
                self._list(seen.value)
            except LauncherError as error:
                self._not_before = self._due = now + self._pause
                self._pause, self._why = min(2 * self._pause, _LONGEST_PAUSE), error.message
        pods = {pod.uid: pod for pod in seen.value}
        found = [known for row in self._rows if (known := self._seen(row, pods, now)) is not None]
        self._known = {_key(known.report): known for known in found}
        self._by_pod = {known.pod.uid: known for known in found if known.pod is not None}
        self._last = tuple(known.report for known in found)
        if not self._why:
            self._as_of = self._world.clock.now()
        return Round(self._last, self._as_of, self._why)

    def _list(self, pods: tuple[PodView, ...]) -> None:
        releases = self._world.releases.list(self._namespace)
        rows = listed(self._world, self._namespace, releases, pods)
        if any(row.pod is None and self._is_news(row) for row in rows):
            # The watch may be a moment behind: the same two questions as those of a list.
            pods = self._world.pods.list(self._namespace)
            rows = listed(self._world, self._namespace, releases, pods)
        now = self._world.clock.monotonic()
        self._rows, self._pods = rows, _pods_of(pods)
        self._not_before, self._pause, self._why = now + _LISTS_APART, _FIRST_PAUSE, ""
        lasts = [self._lists_every]
        lasts += [_LISTS_APART for row in rows if _is_going(row.release, self._world)]
        lasts += [_NOTED_WITHIN for row in rows if row.pod is None and self._is_news(row)]
        self._due = now + min(lasts)

    def _is_news(self, row: Listed) -> bool:
        known = self._known.get(_key(row))
        return known is None or known.pod is not None

    def _seen(self, row: Listed, pods: dict[str, PodView], now: float) -> _Known | None:
        """Return what is known of a job now; None = it is over with it, though Helm may still list it."""
        before = self._known.get(_key(row)) or self._by_pod.get(row.pod.uid if row.pod else "")
        pod = None if row.pod is None else pods.get(row.pod.uid)
        if row.pod is not None and pod is None:
            # It has gone since releases were listed: they say what has become of it, in a moment.
            return before or _Known(row.pod, now, glance(self._world, self._policy, row))
        had_release = before is not None and before.report.release is not None
        is_going = _is_going(row.release, self._world) or (had_release and row.release is None)
        if is_going and (pod is None or pod.deleted):
            going = now if before is None or before.going is None else before.going
            if before is not None and now - going <= _GOES_WITHIN:
                return replace(before, going=going)  # how its processes end now says nothing about it
            if pod is None:
                return None
        if before is not None and _is_fresh(before, row, pod, now):
            return before
        row = replace(row, pod=pod)
        if pod is None and _is_coming(row.release, self._world):
            track = Track(launched=now, state=JobState.STARTING)
            return _Known(pod, now, JobReport(row.job, row.release, track, row.ownership))
        return _Known(pod, now, glance(self._world, self._policy, row))


def _pods_of(pods: Iterable[PodView]) -> frozenset[tuple[str, bool]]:
    """Return which pods there are, and which of them are being deleted."""
    return frozenset((pod.uid, pod.deleted is not None) for pod in pods)


def _is_fresh(known: _Known, row: Listed, pod: PodView | None, now: float) -> bool:
    report = known.report
    if known.pod is not pod or report.release != row.release or report.ownership != row.ownership:
        return False
    return now - known.at < (_OLDEST_PENDING if report.track.verdict else _OLDEST)


def _key(one: Listed | JobReport) -> _Key:
    job = one.job
    return job.namespace, job.release, "" if job.release else job.pod_name


def _is_going(release: ReleaseView | None, world: World) -> bool:
    is_there = release is not None
    return is_there and release_state(release, world.clock.now()) is ReleaseState.UNINSTALLING


def _is_coming(release: ReleaseView | None, world: World) -> bool:
    return release_state(release, world.clock.now()) is ReleaseState.INSTALLING
