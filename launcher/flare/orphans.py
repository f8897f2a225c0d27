"""Removes releases that an earlier parent of this site left behind.

A job pod outlives its parent, and a new parent does not know it: the pod's results are refused ("No callback
is registered") and it is never removed. So a new parent removes the jobs of its predecessor, and reports them
to the server, which would wait for that site for ever.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from launcher.core.catalogue.returncodes import ReturnCode
from launcher.errors import LauncherError
from launcher.logs import logger
from launcher.usecases.sweep import ReportLost, ignore_report

if TYPE_CHECKING:
    from launcher.usecases.service import Service

__all__ = ["Orphans"]

_LOG = logger(__name__)
_PAUSE, _TRIES = 10.0, 360


class Orphans:
    """Finds and terminates them once per parent, in a background thread.

    Attributes:
        report: called once for each of their jobs, with FLARE's job id and the return code.
    """

    def __init__(self) -> None:
        self.report: ReportLost = ignore_report
        self._lock = threading.Lock()
        self._excluded: set[str] = set()
        self._started = False

    def exclude(self, *names: str) -> None:
        """Exclude a release and a Secret that this parent creates itself."""
        with self._lock:
            self._excluded.update(names)

    def start_once(self, service: Service, namespace: str, site: str, federation: str) -> None:
        """Start the removal, unless it was started before.

        Args:
            service: the use cases.
            namespace: of the jobs.
            site: name of the parent's site.
            federation: federation mark of the parent, see :func:`launcher.flare.context.federation`.
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
                # The code of the first try counts: a job that is being removed no longer shows how it ended.
                for name in service.reap(namespace, site, federation, self._is_ours, lost.setdefault):
                    _LOG.warning("%s was left by an earlier parent of this site: removed", name)
                done = True
            except LauncherError as error:
                _LOG.warning("cannot remove all that an earlier parent left, trying again: %s", error)
            # After every try: a job that cannot be removed (a finalizer) must not delay the report of others.
            for job in sorted(lost.keys() - reported):
                reported.add(job)
                self.report(job, lost[job])
            if done:
                return
            service.world.clock.sleep(_PAUSE)

    def _is_ours(self, name: str) -> bool:
        with self._lock:
            return name in self._excluded
