"""The handle of a job of the server whose release has not been found again yet."""

from __future__ import annotations

import threading
from collections.abc import Callable

from nvflare.apis.job_launcher_spec import JobHandleSpec

from launcher.core.catalogue.returncodes import ReturnCode

__all__ = ["LateHandle"]


class LateHandle(JobHandleSpec):  # type: ignore[misc]
    """Stands in FLARE's table until the cluster has answered, then for the handle of the release.

    The server aborts a server process that reports and is in no table, so the entry cannot wait.

    Args:
        is_reported: tells whether the server process has said how it ended. One that ends with 0 without that
            may have failed: it sends its word once, and there may have been no parent to hear it.
    """

    def __init__(self, is_reported: Callable[[], bool]) -> None:
        super().__init__()
        self._is_reported = is_reported
        self._lock = threading.Lock()
        self._settled = threading.Event()
        self._handle: JobHandleSpec | None = None
        self._code = ReturnCode.UNKNOWN

    @property
    def is_settled(self) -> bool:
        """Whether a release was found, or it is known that there is none to wait for."""
        return self._settled.is_set()

    def attach(self, handle: JobHandleSpec) -> bool:
        """Stand for this handle from now on; False when the job has been aborted or given up before."""
        with self._lock:
            if self._settled.is_set():
                return False
            self._handle = handle
            self._settled.set()
            return True

    def give_up(self, code: ReturnCode) -> bool:
        """End the job with a code; False when that is settled already."""
        with self._lock:
            if self._settled.is_set():
                return False
            self._code = code
            self._settled.set()
            return True

    def wait(self) -> None:
        """Block until the job has ended."""
        self._settled.wait()
        if self._handle is not None:
            self._handle.wait()

    def poll(self) -> int:
        """Return FLARE's code: 104 for a success that nobody has confirmed, 127 while nothing is known."""
        if self._handle is None:
            return int(self._code)
        code = int(self._handle.poll())
        is_silent = code == int(ReturnCode.OK) and not self._is_reported()
        return int(ReturnCode.INFRASTRUCTURE_ERROR) if is_silent else code

    def terminate(self) -> None:
        """End the job; one that was not found yet is removed when it is."""
        if not self.give_up(ReturnCode.ABORTED) and self._handle is not None:
            self._handle.terminate()
