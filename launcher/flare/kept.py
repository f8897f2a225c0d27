"""Removes, in a parent, the ended jobs of its site when they were kept for long enough (``retention``)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from launcher.errors import LauncherError
from launcher.logs import logger
from launcher.usecases.kept import remove_outdated

if TYPE_CHECKING:
    from launcher.usecases.service import Service

__all__ = ["KeptJobs"]

_LOG = logger(__name__)
# A clock of ours against one of a kubelet; and when to ask again what could not be asked.
_SLACK, _AGAIN = 1.0, 60.0
# Jobs may be removed by hand, and launched again: no sleep is longer.
_LONGEST = 3600.0


class KeptJobs:
    """One thread while there are jobs to remove some day, none otherwise."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._runs = False

    def look(self, service: Service, namespace: str, site: str, federation: str) -> None:
        """Look at what is kept, in the background, and again whenever the time of one is over.

        Args:
            service: the use cases.
            namespace: of the jobs.
            site: name of the parent's site.
            federation: federation mark of the parent.
        """
        self._news.set()
        with self._lock:
            if self._runs:
                return
            self._runs = True
        given = (service, namespace, site, federation)
        threading.Thread(target=self._run, args=given, name="fljob-kept", daemon=True).start()

    def _run(self, service: Service, namespace: str, site: str, federation: str) -> None:
        while True:
            self._news.clear()
            service.world.acting.hold()
            pause = self._once(service, namespace, site, federation)
            with self._lock:
                if pause is None and not self._news.is_set():
                    self._runs = False
                    return
            self._news.wait(_LONGEST if pause is None else min(pause + _SLACK, _LONGEST))

    def _once(self, service: Service, namespace: str, site: str, federation: str) -> float | None:
        """Remove what is due; return when the next one is, None when there is none that has a time."""
        try:
            pause = remove_outdated(service.world, namespace, site, federation)
        except LauncherError as error:
            _LOG.warning("cannot see which jobs of site %s are kept, trying again: %s", site, error.message)
            return _AGAIN
        return None if pause == float("inf") else pause
