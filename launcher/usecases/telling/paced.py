"""Writing something about jobs in a thread of its own, at a bounded rate, without any job waiting for it.

A handle only leaves a value. Of each job at most one waits, the newest. What is written is for people and for
other shells: what can not be written is dropped, and no job ends of it.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from launcher.core.jobref import JobRef
from launcher.errors import Denied, LauncherError, Unavailable
from launcher.logs import logger
from launcher.usecases.ports import Clock

__all__ = ["MOST", "Key", "Pace", "Paced", "Waiting", "key_of", "remember"]

T = TypeVar("T")
# Namespace and release.
Key = tuple[str, str]

_LOG = logger(__name__)
# Requests at once, and seconds until there may be another one: thirty in any minute at most.
_BURST, _EVERY = 6, 2.5
# Seconds until one that got no answer, or was denied the right, tries again.
_SILENT_FOR, _DENIED_FOR = 15.0, 600.0
# Jobs: of those that wait to be written, and of those of which something is remembered.
MOST = 5000
# Seconds: whatever is left meanwhile may be due before what was the first.
_NAP = 5.0
_LAST_WORDS = 2.0


class Pace:
    """How often all that share it may ask the API server; safe to use from any number of threads.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._tokens, self._counted = float(_BURST), clock.monotonic()

    def take(self) -> float:
        """Take one request and return 0; or take none and return the seconds after which there may be one."""
        with self._lock:
            now = self._clock.monotonic()
            self._tokens = min(float(_BURST), self._tokens + (now - self._counted) / _EVERY)
            self._counted = now
            if self._tokens < 1:
                return (1 - self._tokens) * _EVERY
            self._tokens -= 1
            return 0.0


def key_of(job: JobRef) -> Key:
    """Return what a job is remembered by."""
    return job.namespace, job.release


def remember(memory: OrderedDict[Key, T], job: JobRef, what: T) -> None:
    """Remember this of a job as the newest, and forget the oldest of too many."""
    key = key_of(job)
    memory[key] = what
    memory.move_to_end(key)
    while len(memory) > MOST:
        memory.popitem(last=False)


@dataclass(frozen=True)
class Waiting(Generic[T]):
    """What waits to be written.

    Attributes:
        job: whose it is.
        what: the newest.
        since: monotonic seconds at which there was first something to write.
    """

    job: JobRef
    what: T
    since: float


class Paced(ABC, Generic[T]):
    """What waits to be written, and the thread that writes it while there is something.

    Args:
        clock: monotonic seconds.
        pace: shared with whoever else writes for people.
        thread: name of the thread.
    """

    def __init__(self, clock: Clock, pace: Pace, thread: str) -> None:
        self._clock, self._pace, self._name = clock, pace, thread
        self._lock = threading.Lock()
        self._hurry, self._is_over = threading.Event(), False
        self._thread: threading.Thread | None = None
        self._is_acting: Callable[[], bool] = lambda: True
        self._waiting: OrderedDict[Key, Waiting[T]] = OrderedDict()
        self._silent_until = float("-inf")
        self._denied_until: dict[str, float] = {}
        self._in_flight: Key | None = None
        self._landed = threading.Condition(self._lock)

    @abstractmethod
    def _due(self, one: Waiting[T]) -> float:
        """Return the monotonic seconds from which it may be written; called with the lock held."""

    @abstractmethod
    def _is_news(self, one: Waiting[T]) -> bool:
        """Tell whether it still has to be written; called with the lock held."""

    @abstractmethod
    def _write(self, one: Waiting[T]) -> None:
        """Write it, one request; raises a LauncherError."""

    @abstractmethod
    def _written(self, one: Waiting[T]) -> None:
        """Remember that it was written; called with the lock held."""

    @abstractmethod
    def _lacks_right(self, namespace: str, error: LauncherError) -> None:
        """Say once that the right is missing in a namespace."""

    def leads(self, is_acting: Callable[[], bool]) -> None:
        """Write nothing while ``is_acting`` returns False; see the ports."""
        self._is_acting = is_acting

    def _leave(self, job: JobRef, what: T, *, hurry: bool = False) -> None:
        """Have this written in a moment, instead of what waits for it; called with the lock held."""
        key = key_of(job)
        known = self._waiting.get(key)  # it keeps its turn
        self._waiting[key] = Waiting(job, what, self._clock.monotonic() if known is None else known.since)
        while len(self._waiting) > MOST:
            self._waiting.popitem(last=False)
        if hurry:
            self._hurry.set()
        if self._thread is None and not self._is_over:
            self._start()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        with suppress(RuntimeError):  # no thread to be had, or Python ends: the next word tries again
            thread.start()
            self._thread = thread

    def stop(self) -> None:
        """Write what may be written at once: the process ends, and waits two seconds for it at most."""
        with self._lock:
            self._is_over, thread = True, self._thread
        self._hurry.set()
        if thread is not None:
            thread.join(_LAST_WORDS)

    def _run(self) -> None:
        while True:
            try:
                pause = self.write_due()
            except Exception:  # noqa: BLE001 - this is not worth a thread that is gone
                _LOG.exception("%s writes nothing for a while", self._name)
                pause = _SILENT_FOR
            with self._lock:
                if not self._waiting or self._is_over:
                    self._thread = None
                    return
            self._hurry.wait(min(pause, _NAP))
            self._hurry.clear()

    def write_due(self) -> float:
        """Write all that may be written now; return the seconds until there may be more."""
        while True:
            with self._lock:
                now = self._clock.monotonic()
                if now < self._silent_until or not self._waiting:
                    return max(0.0, self._silent_until - now)
                found = min(self._waiting.values(), key=self._due)
                if self._due(found) > now:
                    return self._due(found) - now
                key = key_of(found.job)
                if not self._is_worth_it(found, now):
                    del self._waiting[key]
                    continue
                pause = self._pace.take()
                if pause > 0:
                    return pause
                del self._waiting[key]
                self._in_flight = key
            try:
                self._put(key, found)
            finally:
                with self._lock:
                    self._in_flight = None
                    self._landed.notify_all()

    def _is_worth_it(self, found: Waiting[T], now: float) -> bool:
        is_denied = now < self._denied_until.get(found.job.namespace, now)
        return self._is_acting() and not is_denied and self._is_news(found)

    def _put(self, key: Key, found: Waiting[T]) -> None:
        try:
            self._write(found)
        except Denied as error:
            if found.job.namespace not in self._denied_until:
                self._lacks_right(found.job.namespace, error)
            self._denied_until[found.job.namespace] = self._clock.monotonic() + _DENIED_FOR
        except Unavailable as error:
            self._silent_until = self._clock.monotonic() + max(_SILENT_FOR, error.retry_after)
            with self._lock:
                self._waiting.setdefault(key, found)  # unless there is something newer
            _LOG.debug("release=%s is written about again later: %s", found.job.release, error.message)
        except LauncherError as error:
            _LOG.debug("release=%s: %s writes nothing: %s", found.job.release, self._name, error.message)
        else:
            with self._lock:
                self._written(found)
