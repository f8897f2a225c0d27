"""The port by which the use cases and the edges are counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.lifecycle.state import JobSample
from launcher.core.measured import Instruments, NoInstruments
from launcher.logs import logger

__all__ = ["Measured", "Metrics", "Unmeasured", "careful"]

_LOG = logger(__name__)


class Measured(Protocol):
    """A job that lives."""

    def sample(self) -> JobSample | None:
        """Return how it is, as last observed; None once it has ended."""


class Metrics(Instruments, Protocol):
    """What is counted of jobs. Without one that counts, all of it costs nothing but the calls."""

    def follow(self, job: Measured) -> None:
        """Count a job among those that live, for as long as somebody holds it; it keeps no reference."""

    def leads(self, is_acting: Callable[[], bool]) -> None:
        """Learn what tells whether this process acts for its site."""

    def waited(self, code: Code, seconds: float) -> None:
        """Add the seconds that a job has spent with a cause."""

    def unclassified(self, code: Code) -> None:
        """Count a cause that the catalogue does not know; the log has its words."""

    def started(self, seconds: float) -> None:
        """Count a job that runs, so many seconds after its launch."""

    def ended(self, code: Code, return_code: ReturnCode, unseen: float | None = None) -> None:
        """Count an end, and the seconds from the end of its container until it was observed, if known."""


class Unmeasured(NoInstruments):
    """The port ``Metrics`` where nobody asks."""

    def follow(self, job: Measured) -> None:
        """Count nothing."""

    def leads(self, is_acting: Callable[[], bool]) -> None:
        """Count nothing."""

    def waited(self, code: Code, seconds: float) -> None:
        """Count nothing."""

    def unclassified(self, code: Code) -> None:
        """Count nothing."""

    def started(self, seconds: float) -> None:
        """Count nothing."""

    def ended(self, code: Code, return_code: ReturnCode, unseen: float | None = None) -> None:
        """Count nothing."""


class _Careful:
    """Metrics whose failures are logged once, and reach nobody: a job must not end of a number."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._has_warned = False

    def __getattr__(self, name: str) -> Callable[..., None]:
        def count(*args: Any) -> None:
            try:
                getattr(self._metrics, name)(*args)
            except Exception as error:  # noqa: BLE001 - whatever it is, the job goes on
                self._warn(name, error)

        return count

    def _warn(self, name: str, error: Exception) -> None:
        if not self._has_warned:
            self._has_warned = True
            _LOG.warning("metrics are not complete: %s: %s: %s", name, type(error).__name__, error)


def careful(metrics: Metrics) -> Metrics:
    """Return metrics that never raise; what they meet is logged, the first time."""
    return cast("Metrics", _Careful(metrics))
