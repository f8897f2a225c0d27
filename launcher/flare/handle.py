"""The handle that FLARE's parent holds: FLARE's interface over our ``JobHandle``.

FLARE 2.9.0 calls ``wait()`` once on a thread of its own, then ``poll()``, and ``terminate()`` from any thread
at any moment, also twice and also after the end. No method may raise.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from nvflare.apis.job_launcher_spec import JobHandleSpec

from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.ending.outcome import Outcome
from launcher.core.redaction import Mask, by_shape
from launcher.errors import LauncherError, StoodDown
from launcher.logs import logger
from launcher.usecases.handle import JobHandle
from launcher.usecases.ports import World, no_op

__all__ = ["FlareJobHandle", "NotStartedHandle"]

_LOG = logger(__name__)
_RETRY_SECONDS = 5.0
_LAST_LINES = 20
# Of all last lines together: the parent's log is read by people, and the diagnosis has the rest.
_LAST_BYTES = 256 * 1024
# Whoever looks for the diagnosis when FLARE says that the job has ended should find it.
_DIAGNOSED_WITHIN = 10.0


class NotStartedHandle(JobHandleSpec):  # type: ignore[misc]
    """The handle of a job that was never started, as FLARE's own launcher returns it for a refused pod.

    Args:
        why: the error message.
        code: the return code; FLARE's own launcher always returns 101 (EXECUTION_EXCEPTION).
    """

    def __init__(self, why: str, code: ReturnCode = ReturnCode.EXECUTION_EXCEPTION) -> None:
        super().__init__()
        self.why = why
        self.code = code

    def terminate(self) -> None:
        """Do nothing."""

    def poll(self) -> int:
        """Return the return code."""
        return int(self.code)

    def wait(self) -> None:
        """Return at once."""


class FlareJobHandle(JobHandleSpec):  # type: ignore[misc]
    """One launched job.

    Args:
        handle: the job.
        end_transfer: ends the workspace transfer. Called only when the job process has ended or is to be
            terminated: before that it would make FLARE refuse the upload of the job's results.
        world: the ports; the last log lines of a failed job come from them.
        mask: hides credentials in lines of the job and messages of Kubernetes, before they are logged.
        on_kept: called when the job has ended and its retention keeps it.
        on_ended: called once when the job has ended, on a thread of its own.
    """

    def __init__(
        self,
        handle: JobHandle,
        world: World,
        end_transfer: Callable[[], None],
        mask: Mask = by_shape,
        on_kept: Callable[[], None] = no_op,
        *,
        on_ended: Callable[[JobHandle], None] | None = None,
    ) -> None:
        super().__init__()
        self.handle = handle
        self.outcome: Outcome | None = None
        self._end_transfer = end_transfer
        self._world = world
        self._mask = mask
        self._on_kept = on_kept
        self._on_ended = on_ended
        self._lock = threading.Lock()
        self._ended = False
        self._diagnosed = threading.Event()

    def wait(self) -> None:
        """Block until the job has ended, whatever happens to cluster and network meanwhile.

        The diagnosis of a failed job is written then, unless that takes longer than ten seconds.
        """
        while self.outcome is None:
            try:
                self.outcome = self.handle.wait()
            except LauncherError as error:
                # A failed read is not the end of the job.
                _LOG.warning("release=%s cannot be watched, trying again: %s", self.handle.job.release, error)
                self._world.clock.sleep(_RETRY_SECONDS)
        self._world.acting.hold()  # FLARE would report an end that another parent reports
        self._end()
        self._diagnosed.wait(_DIAGNOSED_WITHIN)

    def poll(self) -> int:
        """Return FLARE's code without blocking; 127 (UNKNOWN) until the job has ended.

        Also while another parent acts, unless :meth:`wait` has returned: FLARE asks once, up to two seconds
        later, and would write down a job that ended well as one that failed.
        """
        if not self._world.acting.is_acting and not self._ended:
            return int(ReturnCode.UNKNOWN)
        try:
            code = self.handle.poll()
            if code is not ReturnCode.UNKNOWN and not self._ended:
                # A job that the parent after this one has removed is not this one's to end, and nobody may
                # have asked the Lease since.
                self._world.acting.check()
        except StoodDown:
            return int(ReturnCode.UNKNOWN)
        except LauncherError as error:
            _LOG.warning("release=%s cannot be observed: %s", self.handle.job.release, error)
            return int(ReturnCode.UNKNOWN)
        if code is not ReturnCode.UNKNOWN:
            self._end()
        return int(code)

    def terminate(self) -> None:
        """End the job and remove its release; a removal that fails is retried in the background.

        Of a job that has ended and is kept there is nothing to end: its retention decides. Nor of one that
        another parent of the site goes on with: FLARE asks that one as well.
        """
        try:
            self._world.acting.check()
        except StoodDown as error:
            _LOG.warning("release=%s not terminated: %s", self.handle.job.release, error.message)
            return
        except LauncherError as error:
            _LOG.debug("release=%s is terminated unasked: %s", self.handle.job.release, error.message)
        self._try_end_transfer()
        if not self.handle.is_kept:
            self._remove("terminated by FLARE")
        self._end()

    def _remove(self, detail: str) -> None:
        try:
            self.handle.terminate(detail)
        except LauncherError as error:
            _LOG.error("release=%s not removed yet: %s", self.handle.job.release, error)

    def _terminate_for_heartbeat_cleanup(self) -> None:
        """End the job without blocking FLARE's heartbeat thread."""
        name = f"fljob-terminate-{self.handle.job.release}"
        threading.Thread(target=self.terminate, name=name, daemon=True).start()

    def _end(self) -> None:
        with self._lock:
            if self._ended:
                return
            self._ended = True
        self._try_end_transfer()
        if self._on_ended is not None:  # a disk may hang, and FLARE waits on this thread
            given = (self.handle,)
            threading.Thread(target=self._on_ended, args=given, name="fljob-history", daemon=True).start()
        outcome = self.handle.track.outcome
        if outcome is not None and not outcome.succeeded and outcome.code is not Code.TERMINATED:
            name = f"fljob-end-{self.handle.job.release}"
            threading.Thread(target=self._log_and_remove, args=(outcome,), name=name, daemon=True).start()
        else:
            self._diagnosed.set()
            if outcome is not None:
                detail = self._mask(outcome.detail)
                _LOG.info("release=%s ended: %s: %s", self.handle.job.release, outcome.code.value, detail)
            if self.handle.is_kept:
                self._on_kept()

    def _log_and_remove(self, outcome: Outcome) -> None:
        """Write the cause and the last lines of a failed job to the parent's log, then remove or keep it."""
        job = self.handle.job
        self.handle.run_on_failure()
        self._diagnosed.set()
        _LOG.error(
            "release=%s pod=%s ended: %s, return code %d: %s",
            job.release,
            job.pod_name,
            outcome.code.value,
            outcome.return_code,
            self._mask(outcome.detail),
        )
        try:
            lines = self._world.pods.logs(
                job.pod_name, job.namespace, tail=_LAST_LINES, limit_bytes=_LAST_BYTES
            )
            # Masked together, not line by line: a private key has many lines.
            for line in self._mask("\n".join(lines)).splitlines():
                _LOG.error("pod=%s | %s", job.pod_name, line)
        except LauncherError as error:
            _LOG.info("pod=%s has no log: %s", job.pod_name, error.message)
        if self.handle.is_kept:
            _LOG.info("release=%s is kept for its retention", job.release)
            self._on_kept()
        else:
            self._remove("terminated as asked")

    def _try_end_transfer(self) -> None:
        try:
            self._end_transfer()
        except Exception:  # noqa: BLE001 - FLARE's code, on FLARE's threads: a handle never raises
            _LOG.exception("release=%s cannot end the workspace transfer", self.handle.job.release)
