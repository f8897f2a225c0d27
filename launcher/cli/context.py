"""What commands get besides their options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from launcher.composition import make_service

if TYPE_CHECKING:
    from launcher.core.spec.site import SiteConfig
    from launcher.usecases.ports import World
    from launcher.usecases.service import Service

__all__ = ["Cli"]


@dataclass(frozen=True)
class Cli:
    """The object of click's context; commands take it with ``@click.pass_obj``.

    Attributes:
        world: the ports; None = helm and the cluster of the site that the options name.
    """

    world: World | None = None

    def service(self, site: SiteConfig) -> Service:
        """Return the use cases of a site."""
        return make_service(site, self.world)
