"""The time: durations of this machine, moments of the API server."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone

__all__ = ["SystemClock"]


class SystemClock:
    """Monotonic for durations, wall only against time stamps of Kubernetes.

    Args:
        server: returns the time of the API server, None as long as it is not known. The time stamps that are
            compared with :meth:`now` are the API server's, and this machine's clock may be wrong or be set.
    """

    def __init__(self, server: Callable[[], datetime | None] = lambda: None) -> None:
        self._server = server

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return self._server() or datetime.now(timezone.utc)

    def sleep(self, seconds: float) -> None:
        """Block for so many seconds."""
        time.sleep(seconds)
