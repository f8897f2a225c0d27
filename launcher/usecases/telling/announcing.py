"""Saying on a job's pod what was decided about it, in Events; see :mod:`launcher.usecases.telling.paced`."""

from __future__ import annotations

from collections import OrderedDict

from launcher.core.jobref import JobRef
from launcher.core.report.pod_events import EventReason, JobEvent
from launcher.errors import LauncherError
from launcher.logs import logger
from launcher.usecases.ports import Clock
from launcher.usecases.telling.paced import Key, Pace, Paced, Waiting, key_of, remember
from launcher.usecases.telling.ports import JobEvents

__all__ = ["Announcing"]

_LOG = logger(__name__)
# A new pod shows causes that pass: no scheduler has looked at it yet, or nobody at the nodes, which a parent
# does when it looks again, after five seconds.
_SETTLES = 6.0


class Announcing(Paced[JobEvent]):
    """The port ``Announcements`` over the events of the cluster.

    Args:
        events: the port.
        clock: monotonic seconds.
        pace: shared with whoever else writes for people; None = nobody does.
    """

    def __init__(self, events: JobEvents, clock: Clock, pace: Pace | None = None) -> None:
        super().__init__(clock, pace or Pace(clock), "fljob-events")
        self._events = events
        self._said: OrderedDict[Key, tuple[EventReason, object]] = OrderedDict()

    def tell(self, job: JobRef, event: JobEvent | None) -> None:
        """Say this of a job in a moment; see the port."""
        with self._lock:
            if event is not None:
                self._leave(job, event, hurry=event.reason is not EventReason.PENDING)
                return
            key = key_of(job)
            self._waiting.pop(key, None)
            self._said.pop(key, None)

    def _due(self, one: Waiting[JobEvent]) -> float:
        passes = one.what.reason is EventReason.PENDING and not self._is_over
        return one.since + (_SETTLES if passes else 0.0)

    def _is_news(self, one: Waiting[JobEvent]) -> bool:
        return self._said.get(key_of(one.job)) != (one.what.reason, one.what.code)

    def _write(self, one: Waiting[JobEvent]) -> None:
        self._events.put(one.job, one.what)

    def _written(self, one: Waiting[JobEvent]) -> None:
        if one.what.reason is EventReason.REMOVED:
            self._said.pop(key_of(one.job), None)
        else:
            remember(self._said, one.job, (one.what.reason, one.what.code))

    def _lacks_right(self, namespace: str, error: LauncherError) -> None:
        words = "no events on pods of namespace %s say why jobs wait (optional, `fljob rbac`): %s"
        _LOG.info(words, namespace, error.message)
