"""The metrics of a parent: counted and served while the setting ``metrics_port`` says so.

Only what makes the use cases of a parent asks for them. A job process, which constructs the launcher, too,
makes none, so that it opens no port whatever its arguments say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from launcher.core.spec.site import SiteConfig
from launcher.logs import logger

if TYPE_CHECKING:
    from launcher.edges.metrics.counting import PrometheusMetrics
    from launcher.edges.metrics.server import MetricsServer
    from launcher.usecases.telling.metrics import Metrics

__all__ = ["Measurements"]

_LOG = logger(__name__)


class Measurements:
    """The counts of a process, which go on over changes of ``fljob.yaml``; called by one thread at a time."""

    def __init__(self) -> None:
        self._metrics: PrometheusMetrics | None = None
        self._server: MetricsServer | None = None

    def of(self, site: SiteConfig) -> Metrics | None:
        """Return what counts for a site, served where it says; None = it wants none, or cannot have them."""
        where = None if site.metrics_port is None else (site.metrics_address, site.metrics_port)
        if self._server is not None and self._server.where != where:
            self._server.stop()
            self._server = None
        if where is None:
            return None
        try:
            return self._served(*where)
        except ModuleNotFoundError as error:
            words = (
                "no metrics, jobs run all the same: the image of this parent lacks %s, add prometheus-client"
            )
            _LOG.warning(words, error.name)
            return None
        except Exception as error:  # noqa: BLE001 - jobs must run without
            _LOG.warning("no metrics, jobs run all the same: %s: %s", type(error).__name__, error)
            return None

    def _served(self, address: str, port: int) -> Metrics:
        from launcher.edges.metrics.counting import PrometheusMetrics  # noqa: PLC0415 - only when on
        from launcher.edges.metrics.server import MetricsServer  # noqa: PLC0415

        if self._metrics is None:
            self._metrics = PrometheusMetrics()
        if self._server is None:
            server = MetricsServer(self._metrics.registry, address, port)
            server.start()  # which may find no thread; the next launch tries again
            self._server = server
        return self._metrics
