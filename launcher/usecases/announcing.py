"""Saying on a job's pod what was decided about it, in a thread of its own and at a bounded rate.

A handle only leaves a value. Of each job at most one event waits, the newest. Events are for people: what can
not be said is dropped, and no job waits for it or ends of it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from launcher.core.jobref import JobRef
from launcher.core.report.pod_events import EventReason, JobEvent
from launcher.errors import Denied, LauncherError, Unavailable
from launcher.logs import logger
from launcher.usecases.announcing_ports import JobEvents
from launcher.usecases.ports import Clock

__all__ = ["Announcing"]

_LOG = logger(__name__)
# Requests at once, and seconds until there may be another one: thirty in any minute at most.
_BURST, _EVERY = 6, 2.5
# A new pod shows causes that pass: no scheduler has looked at it yet, or nobody at the nodes, which a parent
# does when it looks again, after five seconds.
_SETTLES = 6.0
# Seconds until one that got no answer, or was denied the right, tries again.
_SILENT_FOR, _DENIED_FOR = 15.0, 600.0
# Jobs: of those that wait to be said, and of those whose cause is remembered.
_MOST = 500
_LAST_WORDS = 2.0


@dataclass(frozen=True)
class _Waiting:
    job: JobRef
    event: JobEvent
    since: float


class Announcing:
    """The port ``Announcements`` over the events of the cluster.

    Args:
        events: the port.
        clock: monotonic seconds.
    """

    def __init__(self, events: JobEvents, clock: Clock) -> None:
        self._events, self._clock = events, clock
        self._lock = threading.Lock()
        self._hurry, self._is_over = threading.Event(), False
        self._thread: threading.Thread | None = None
        self._is_acting: Callable[[], bool] = lambda: True
        self._waiting: OrderedDict[tuple[str, str], _Waiting] = OrderedDict()
        self._said: OrderedDict[tuple[str, str], tuple[EventReason, object]] = OrderedDict()
        self._tokens, self._counted = float(_BURST), clock.monotonic()
        self._silent_until = float("-inf")
        self._denied_until: dict[str, float] = {}

    def leads(self, is_acting: Callable[[], bool]) -> None:
        """Say nothing while ``is_acting`` returns False; see the port."""
        self._is_acting = is_acting

    def tell(self, job: JobRef, event: JobEvent | None) -> None:
        """Say this of a job in a moment; see the port."""
        key = (job.namespace, job.release)
        with self._lock:
            if event is None:
                self._waiting.pop(key, None)
                self._said.pop(key, None)
                return
            known = self._waiting.get(key)  # it keeps its turn
            since = self._clock.monotonic() if known is None else known.since
            self._waiting[key] = _Waiting(job, event, since)
            while len(self._waiting) > _MOST:
                self._waiting.popitem(last=False)
            if event.reason is not EventReason.PENDING:
                self._hurry.set()
            if self._thread is None and not self._is_over:
                self._start()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="fljob-events", daemon=True)
        with suppress(RuntimeError):  # no thread to be had, or Python ends: the next word tries again
            thread.start()
            self._thread = thread

    def stop(self) -> None:
        """Say what may be said at once: the process ends, and waits two seconds for it at most."""
        with self._lock:
            self._is_over, thread = True, self._thread
        self._hurry.set()
        if thread is not None:
            thread.join(_LAST_WORDS)

    def _run(self) -> None:
        while True:
            try:
                pause = self.say_due()
            except Exception:  # noqa: BLE001 - events are not worth a thread that is gone
                _LOG.exception("events on pods are not written for a while")
                pause = _SILENT_FOR
            with self._lock:
                if not self._waiting or self._is_over:
                    self._thread = None
                    return
            self._hurry.wait(pause)
            self._hurry.clear()

    def say_due(self) -> float:
        """Say all that may be said now; return the seconds until there may be more."""
        while True:
            with self._lock:
                now = self._clock.monotonic()
                pause = self._pause(now)
                if pause > 0 or not self._waiting:
                    return pause
                found = min(self._waiting.values(), key=self._due)
                if self._due(found) > now:
                    return self._due(found) - now
                del self._waiting[found.job.namespace, found.job.release]
                if not self._is_worth_saying(found, now):
                    continue
                self._tokens -= 1
            self._put(found)

    def _pause(self, now: float) -> float:
        self._tokens = min(float(_BURST), self._tokens + (now - self._counted) / _EVERY)
        self._counted = now
        return max(self._silent_until - now, (1 - self._tokens) * _EVERY, 0.0)

    def _due(self, one: _Waiting) -> float:
        passes = one.event.reason is EventReason.PENDING and not self._is_over
        return one.since + (_SETTLES if passes else 0.0)

    def _is_worth_saying(self, found: _Waiting, now: float) -> bool:
        if not self._is_acting() or now < self._denied_until.get(found.job.namespace, now):
            return False
        key = (found.job.namespace, found.job.release)
        return self._said.get(key) != (found.event.reason, found.event.code)

    def _put(self, found: _Waiting) -> None:
        job, event = found.job, found.event
        key = (job.namespace, job.release)
        try:
            self._events.put(job, event)
        except Denied as error:
            self._deny(job.namespace, error)
        except Unavailable as error:
            self._silent_until = self._clock.monotonic() + max(_SILENT_FOR, error.retry_after)
            with self._lock:
                self._waiting.setdefault(key, found)  # unless there is something newer to say
            _LOG.debug("release=%s is said again later: %s", job.release, error.message)
        except LauncherError as error:
            _LOG.debug("release=%s has no event %s: %s", job.release, event.reason.value, error.message)
        else:
            with self._lock:
                self._remember(key, event)

    def _deny(self, namespace: str, error: Denied) -> None:
        if namespace not in self._denied_until:
            words = "no events on pods of namespace %s say why jobs wait (optional, `fljob rbac`): %s"
            _LOG.info(words, namespace, error.message)
        self._denied_until[namespace] = self._clock.monotonic() + _DENIED_FOR

    def _remember(self, key: tuple[str, str], event: JobEvent) -> None:
        self._said.pop(key, None)
        if event.reason is EventReason.REMOVED:
            return
        self._said[key] = (event.reason, event.code)
        while len(self._said) > _MOST:
            self._said.popitem(last=False)
