"""Releases that an earlier parent of this site left behind.

A job pod outlives its parent (PID 1 has no parent to lose), and a new parent knows nothing of it: the pod's
results are refused ("No callback is registered") and nobody ever removes it. So a new parent takes away
what its predecessor started, and tells the server, which would wait for that site for ever.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from launcher.errors import LauncherError
from launcher.flare.outcomes import Report, to_nobody

if TYPE_CHECKING:
    from launcher.service import Service

__all__ = ["Orphans"]

_LOG = logging.getLogger(__name__)
_PAUSE, _TRIES = 10.0, 360


class Orphans:
    """Finds and terminates them once per parent, behind the caller's back.

    Attributes:
        report: is told FLARE's id of each job of theirs, after it is gone here.
    """

    def __init__(self) -> None:
        self.report: Report = to_nobody
        self._lock = threading.Lock()
        self._spared: set[str] = set()
        self._looked = False

    def spare(self, *names: str) -> None:
        """Name a release, and the Secret that comes before it, that this parent makes itself."""
        with self._lock:
            self._spared.update(names)

    def look_once(self, service: Service, namespace: str, site: str) -> None:
        """Start looking, unless that was done already."""
        with self._lock:
            if self._looked:
                return
            self._looked = True
        threading.Thread(
            target=self._remove, args=(service, namespace, site), name="fljob-orphans", daemon=True
        ).start()

    def _remove(self, service: Service, namespace: str, site: str) -> None:
        # Found by any try: one that holds out must not keep the others from being reported.
        jobs: set[str] = set()
        for _ in range(_TRIES):
            try:
                found = [one.job for one in service.jobs(namespace)]
                jobs |= {job.job_id for job in found if job.site == site and not self._is_ours(job.release)}
                for name in service.reap(namespace, site, self._is_ours):
                    _LOG.warning("%s was left by an earlier parent of this site: removed", name)
            except LauncherError as error:
                _LOG.warning("cannot look for releases of an earlier parent, trying again: %s", error)
                threading.Event().wait(_PAUSE)
            else:
                break
        for job in sorted(jobs):
            self.report(job)

    def _is_ours(self, name: str) -> bool:
        with self._lock:
            return name in self._spared
