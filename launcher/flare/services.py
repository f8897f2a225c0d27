"""The use cases of a parent, made when they are first needed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from launcher import composition
from launcher.core.spec.site import SiteConfig
from launcher.errors import LauncherError, StoodDown
from launcher.flare.measurements import Measurements
from launcher.logs import logger

if TYPE_CHECKING:
    from launcher.usecases.ports import World
    from launcher.usecases.service import Service

__all__ = ["Services", "refuse_if_stood_down"]

_LOG = logger(__name__)


class Services:
    """One at a time: a change of ``fljob.yaml`` takes effect at the next launch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[str, Service] = {}
        self._holder = composition.parent_holder()
        self._measurements = Measurements()

    @property
    def made(self) -> tuple[Service, ...]:
        """What was made and is in use."""
        with self._lock:
            return tuple(self._made.values())

    def of(self, site: SiteConfig, name: str, federation: str) -> Service:
        """Return the use cases of a site.

        Args:
            site: its configuration.
            name: of the site in the federation.
            federation: federation mark of the parent's kit.

        Raises:
            LauncherError: its cluster cannot be told.
        """
        with self._lock:
            key = repr(site)
            if key not in self._made:
                parent = composition.ParentOf(name, federation, self._holder, self._measurements.of(site))
                self._made = {key: composition.make_service(site, parent=parent)}
            return self._made[key]


def refuse_if_stood_down(world: World) -> None:
    """Let no job be launched while another parent of the site acts: this one would not see how it ends.

    Raises:
        StoodDown: another one does.
    """
    try:
        world.acting.check()
    except StoodDown:
        raise
    except LauncherError as error:
        _LOG.debug("launching all the same: %s", error.message)
