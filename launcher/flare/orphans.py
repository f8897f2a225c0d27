"""Releases that an earlier parent of this site left behind.

A job pod outlives its parent (PID 1 has no parent to lose), and a new parent knows nothing of it: the pod's
results are refused ("No callback is registered") and nobody ever removes it. So a new parent takes away
what its predecessor started, and tells the server, which would wait for that site for ever.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from launcher.core.catalogue.returncodes import ReturnCode
from launcher.errors import LauncherError
from launcher.usecases.sweep import ReportLost, ignore_report

if TYPE_CHECKING:
    from launcher.usecases.service import Service

__all__ = ["Orphans"]

_LOG = logging.getLogger(__name__)
_PAUSE, _TRIES = 10.0, 360


class Orphans:
    """Finds and terminates them once per parent, behind the caller's back.

    Attributes:
        report: called with FLARE's id of each of their jobs, and how it ended; once.
    """

    def __init__(self) -> None:
        self.report: ReportLost = ignore_report
        self._lock = threading.Lock()
        self._spared: set[str] = set()
        self._started = False

    def spare(self, *names: str) -> None:
        """Name a release, and the Secret that comes before it, that this parent makes itself."""
        with self._lock:
            self._spared.update(names)

    def start_once(self, service: Service, namespace: str, site: str, federation: str) -> None:
        """Start, unless that was done already.

        Args:
            service: the use cases.
            namespace: of the jobs.
            site: name of the parent's site.
            federation: mark of the parent's federation, see :func:`launcher.flare.context.federation`.
        """
        with self._lock:
            if self._started:
                return
            self._started = True
        threading.Thread(
            target=self._remove,
            args=(service, namespace, site, federation),
            name="fljob-orphans",
            daemon=True,
        ).start()

    def _remove(self, service: Service, namespace: str, site: str, federation: str) -> None:
        lost: dict[str, ReturnCode] = {}
        reported: set[str] = set()
        for _ in range(_TRIES):
            done = False
            try:
                # The first observation counts: what is removed has no end of its own any more.
                for name in service.reap(namespace, site, federation, self._is_ours, lost.setdefault):
                    _LOG.warning("%s was left by an earlier parent of this site: removed", name)
                done = True
            except LauncherError as error:
                _LOG.warning("cannot remove all that an earlier parent left, trying again: %s", error)
            # After every try: one job that holds out, such as by a finalizer, must not hold up the others.
            for job in sorted(lost.keys() - reported):
                reported.add(job)
                self.report(job, lost[job])
            if done:
                return
            service.world.clock.sleep(_PAUSE)

    def _is_ours(self, name: str) -> bool:
        with self._lock:
            return name in self._spared
