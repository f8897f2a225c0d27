"""Removes releases that an earlier parent of this site left behind, and that nobody takes over.

A job pod outlives its parent, and a new parent does not know it: the pod's results are refused ("No callback
is registered") and it is never removed. So a new parent takes the jobs of its predecessor over
(:mod:`launcher.flare.adoption`), or removes them and reports them to the server, which would wait for that
site for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from launcher.core.catalogue.returncodes import ReturnCode
from launcher.errors import LauncherError
from launcher.logs import logger
from launcher.usecases.heir import NOBODY, Heir
from launcher.usecases.sweep import ReportLost, ignore_report

if TYPE_CHECKING:
    from launcher.usecases.service import Service

__all__ = ["Orphans"]

_LOG = logger(__name__)
_PAUSE, _TRIES = 10.0, 360
# A parent whose pod was deleted ignores SIGTERM and works on for half a minute beside this one: what it
# launches then nobody watches.
_OVERLAP = 60.0


def _nobody(_: Service) -> Heir:
    return NOBODY


class Orphans:
    """Finds and terminates them once per parent, in a background thread.

    Attributes:
        report: called once for each of their jobs, with FLARE's job id and the return code.
        heir: returns who takes some of them over with the use cases of the site.
    """

    def __init__(self) -> None:
        self.report: ReportLost = ignore_report
        self.heir: Callable[[Service], Heir] = _nobody
        self._lock = threading.Lock()
        self._excluded: set[str] = set()
        self._started = False
        self._begun = threading.Event()

    def begin(self) -> None:
        """Allow reports and removals: the parent is registered. Jobs are taken over before that."""
        self._begun.set()

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
            target=self._run,
            args=(service, namespace, site, federation),
            name="fljob-orphans",
            daemon=True,
        ).start()

    def _run(self, service: Service, namespace: str, site: str, federation: str) -> None:
        acting = service.world.acting
        turn = acting.turn
        while True:
            self._remove(service, namespace, site, federation)
            # A parent that acted instead of this one is gone, and may have left jobs as well.
            turn = acting.again(turn)
            self._try(self.heir(service).again, service)

    def _remove(self, service: Service, namespace: str, site: str, federation: str) -> None:
        heir = self.heir(service)
        lost: dict[str, ReturnCode] = {}
        reported: set[str] = set()

        def look() -> None:
            service.world.acting.hold()
            service.world.acting.check()
            # The code of the first try counts: a job that is being removed no longer shows how it ended.
            try:
                names = service.reap(namespace, site, federation, self._is_ours, lost.setdefault, heir=heir)
            finally:
                if self._begun.is_set():
                    self._report_new(lost, reported)
            self._begun.wait()
            # Before anything is removed: a pod that does not go must not delay the report of any job.
            self._report_new(lost, reported)
            for name in names:
                _LOG.warning("%s was left by an earlier parent of this site: removed", name)

        for pause in (0.0, _OVERLAP):
            service.world.clock.sleep(pause)
            self._try(look, service)
        heir.seen(all_of_them=True)  # what was not found until now, nobody will find

    @staticmethod
    def _try(look: Callable[[], None], service: Service) -> None:
        for _ in range(_TRIES):
            try:
                look()
            except LauncherError as error:
                _LOG.warning("cannot remove all that an earlier parent left, trying again: %s", error)
            except Exception:  # noqa: BLE001 - FLARE waits for jobs that only this thread finds
                _LOG.exception("cannot remove all that an earlier parent left, trying again")
            else:
                return
            service.world.clock.sleep(_PAUSE)

    def _report_new(self, lost: Mapping[str, ReturnCode], reported: set[str]) -> None:
        for job in sorted(lost.keys() - reported):
            reported.add(job)
            self.report(job, lost[job])

    def _is_ours(self, name: str) -> bool:
        with self._lock:
            return name in self._excluded
