"""Releases whose age can be told, whatever the clocks of the machines say on which helm ran.

A release in ``pending-install`` is another process's while it is young, and is cleared away when it is not.
Helm dates it by the clock of the machine that installs: ten minutes behind, and the install that runs there
looks abandoned. The API server's own stamp of the record decides instead.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from launcher.core.releases import INSTALLING
from launcher.core.revisions import Revision
from launcher.core.views import ReleaseView, Seen
from launcher.errors import LauncherError
from launcher.logs import logger
from launcher.usecases.ports import Clock, Releases, no_op

__all__ = ["DatedReleases", "ReleasesOver"]

_LOG = logger(__name__)


class ReleasesOver:
    """The port ``Releases`` passed on; see there."""

    def __init__(self, releases: Releases) -> None:
        self.releases = releases

    def install(
        self,
        name: str,
        namespace: str,
        values: Mapping[str, Any],
        labels: Mapping[str, str],
        cancel: threading.Event | None = None,
    ) -> None:
        """Pass it on."""
        self.releases.install(name, namespace, values, labels, cancel)

    def uninstall(self, name: str, namespace: str, before: Callable[[], object] = no_op) -> bool:
        """Pass it on."""
        return self.releases.uninstall(name, namespace, before)

    def status(self, name: str, namespace: str) -> Seen[ReleaseView]:
        """Pass it on."""
        return self.releases.status(name, namespace)

    def record(self, name: str, namespace: str) -> Seen[ReleaseView]:
        """Pass it on."""
        return self.releases.record(name, namespace)

    def revisions(self, name: str, namespace: str) -> tuple[Revision, ...]:
        """Pass it on."""
        return self.releases.revisions(name, namespace)

    def is_whole(self, name: str, namespace: str) -> bool:
        """Pass it on."""
        return self.releases.is_whole(name, namespace)

    def list(self, namespace: str) -> tuple[ReleaseView, ...]:
        """Pass it on."""
        return self.releases.list(namespace)

    def note_pod(self, name: str, namespace: str, uid: str) -> None:
        """Pass it on."""
        self.releases.note_pod(name, namespace, uid)

    def note_ledger(self, name: str, namespace: str, text: str, pod: str) -> None:
        """Pass it on."""
        self.releases.note_ledger(name, namespace, text, pod)

    def template(self, name: str, namespace: str, values: Mapping[str, Any]) -> str:
        """Pass it on."""
        return self.releases.template(name, namespace, values)


class DatedReleases(ReleasesOver):
    """The port ``Releases`` over another one; asks about the few releases that are being installed.

    Args:
        releases: Helm.
        made: returns when the record of a release was made, by the API server's clock.
        clock: whose time that is, too.
    """

    def __init__(self, releases: Releases, made: Callable[[str, str], datetime | None], clock: Clock) -> None:
        super().__init__(releases)
        self._made, self._clock = made, clock

    def status(self, name: str, namespace: str) -> Seen[ReleaseView]:
        """Return the release, dated; see the port."""
        return self._seen(super().status(name, namespace))

    def record(self, name: str, namespace: str) -> Seen[ReleaseView]:
        """Return what Helm has recorded, dated; see the port."""
        return self._seen(super().record(name, namespace))

    def list(self, namespace: str) -> tuple[ReleaseView, ...]:
        """Return our releases, dated; see the port."""
        return tuple(map(self._dated, super().list(namespace)))

    def _seen(self, seen: Seen[ReleaseView]) -> Seen[ReleaseView]:
        return seen if seen.value is None else replace(seen, value=self._dated(seen.value))

    def _dated(self, view: ReleaseView) -> ReleaseView:
        if view.status != INSTALLING:
            return view
        try:
            made = self._made(view.name, view.namespace)
        except LauncherError as error:
            _LOG.debug("release=%s its age is unknown: %s", view.name, error.message)
            made = None
        # Of an unknown age it counts as young: waiting costs a minute, and the other way somebody's job.
        return replace(view, updated=made or self._clock.now())
