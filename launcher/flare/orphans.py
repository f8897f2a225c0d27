"""Releases that an earlier parent of this site left behind.

A job pod outlives its parent (PID 1 has no parent to lose), and a new parent knows nothing of it: the pod's
results are refused ("No callback is registered") and nobody ever removes it. So the first launch of a
parent takes away what its predecessor started.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from launcher.errors import LauncherError

if TYPE_CHECKING:
    from launcher.service import Service

__all__ = ["Orphans"]

_LOG = logging.getLogger(__name__)
_PAUSE, _TRIES = 10.0, 360


class Orphans:
    """Finds and terminates them once per parent, behind the caller's back."""

    def __init__(self) -> None:
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
        for _ in range(_TRIES):
            try:
                for name in service.reap(namespace, site, self._is_ours):
                    _LOG.warning("%s was left by an earlier parent of this site: removed", name)
            except LauncherError as error:
                _LOG.warning("cannot look for releases of an earlier parent, trying again: %s", error)
                threading.Event().wait(_PAUSE)
            else:
                return

    def _is_ours(self, name: str) -> bool:
        with self._lock:
            return name in self._spared
