"""Telling others which jobs this process watches, by one Lease per namespace, and learning what they watch.

`fljob gc` must not take away what somebody waits for, nor an install that is slow. The age alone does not
tell: a parent may have stopped its clocks during an outage, and a webhook may make an install last.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from launcher.core.watched import LeaseView, is_live, is_stale, job_mark
from launcher.errors import Denied, LauncherError
from launcher.logs import logger
from launcher.usecases.ports import Clock
from launcher.usecases.watching_ports import Leases

__all__ = ["LeaseWatching"]

_LOG = logger(__name__)
# Who watches for a moment only tells nobody; three renewals may fail before one counts as gone.
_FIRST, _EVERY = 5.0, 15.0
_AS_OF = 10.0


class LeaseWatching:
    """The port ``Watching`` over Leases: four requests a minute and namespace, however many jobs there are.

    Args:
        leases: the port.
        clock: the API server's time.
        name: of this process's Leases, which no other process has.
        holder: who that is, for people.
    """

    def __init__(self, leases: Leases, clock: Clock, name: str, holder: str) -> None:
        self._leases, self._clock = leases, clock
        self._name, self._holder = name, holder
        self._lock = threading.Lock()
        self._jobs: dict[str, Counter[str]] = {}
        self._told: set[str] = set()
        self._denied: set[str] = set()
        self._news = threading.Event()
        self._is_running = self._is_over = False

    @contextmanager
    def of(self, release: str, namespace: str) -> Iterator[None]:
        """Tell others, while the context lasts, that this process watches a job."""
        mark = job_mark(release)
        with self._lock:
            self._jobs.setdefault(namespace, Counter())[mark] += 1
            if not self._is_running and not self._is_over:
                self._is_running = True
                threading.Thread(target=self._run, name="fljob-watching", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._jobs[namespace][mark] -= 1
                self._jobs[namespace] += Counter()  # forgets what is at zero

    def by_others(self, namespace: str) -> Callable[[str], bool]:
        """Return what tells whether another process watches a release; see the port."""
        found, at = self._others(namespace), self._clock.monotonic()

        def watched(release: str) -> bool:
            nonlocal found, at
            if self._clock.monotonic() - at > _AS_OF:
                found, at = self._others(namespace), self._clock.monotonic()
            mark, now = job_mark(release), self._clock.now()
            return any(mark in lease.jobs and is_live(lease, now) for lease in found.values())

        return watched

    def left(self, namespace: str) -> tuple[str, ...]:
        """Return the Leases whose holders are gone for good; see the port."""
        now = self._clock.now()
        return tuple(sorted(name for name, one in self._others(namespace).items() if is_stale(one, now)))

    def forget(self, name: str, namespace: str) -> None:
        """Delete such a Lease; see the port."""
        self._leases.delete(name, namespace)

    def _others(self, namespace: str) -> Mapping[str, LeaseView]:
        try:
            found = self._leases.list(namespace)
        except Denied as error:
            _LOG.info("nobody knows who watches a job (optional, `fljob rbac`): %s", error.message)
            return {}
        return {name: lease for name, lease in found.items() if name != self._name}

    def stop(self) -> None:
        """Take back what was told: the process ends."""
        with self._lock:
            self._is_over = True
            told = sorted(self._told)
        self._news.set()
        for namespace in told:
            self._take_back(namespace)

    def _run(self) -> None:
        self._news.wait(_FIRST)
        while True:
            with self._lock:
                if self._is_over or not (any(self._jobs.values()) or self._told):
                    self._is_running = False
                    return
            self.renew()
            self._news.wait(_EVERY)

    def renew(self) -> None:
        """Say once what this process watches now."""
        with self._lock:
            watched = {space: frozenset(jobs) for space, jobs in self._jobs.items()}
        for namespace, jobs in watched.items():
            if namespace in self._denied:
                continue
            if jobs:
                self._put(namespace, jobs)
            elif namespace in self._told:
                self._take_back(namespace)

    def _put(self, namespace: str, jobs: frozenset[str]) -> None:
        lease = LeaseView(self._holder, self._clock.now(), jobs)
        try:
            self._leases.put(self._name, namespace, lease)
        except Denied as error:
            self._denied.add(namespace)
            words = "`fljob gc` cannot see that this process watches its jobs (optional, `fljob rbac`): %s"
            _LOG.info(words, error.message)
        except LauncherError as error:
            _LOG.debug("cannot say which jobs are watched, trying again: %s", error.message)
        else:
            with self._lock:
                self._told.add(namespace)

    def _take_back(self, namespace: str) -> None:
        try:
            self._leases.delete(self._name, namespace)
        except LauncherError as error:
            _LOG.debug("lease=%s is left and runs out: %s", self._name, error.message)
        with self._lock:
            self._told.discard(namespace)
