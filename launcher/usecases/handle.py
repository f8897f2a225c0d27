"""The handle of one launched job: watch it, say how it ended, take it away.

Deciding lives in :mod:`launcher.core.lifecycle.step`; the handle feeds it with what the watch shows and
carries out what it asks for. Any thread may call any method at any time, any number of times.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.ending.outcome import Outcome
from launcher.core.jobref import JobRef, with_pod
from launcher.core.lifecycle.due import next_look
from launcher.core.lifecycle.ledger_note import LedgerNote
from launcher.core.lifecycle.state import Cleanup, JobState, Track
from launcher.core.lifecycle.step import cleanup, is_kept, step, terminated
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.retention import NOTHING_SAID, Kept
from launcher.errors import LauncherError, Unavailable
from launcher.logs import logger
from launcher.usecases.credentials import delete_credentials
from launcher.usecases.follow import EVERY, follow
from launcher.usecases.observe import observe
from launcher.usecases.ports import PodWatch, World
from launcher.usecases.remove import remove, with_retries
from launcher.usecases.retry import Installer, last_error
from launcher.usecases.telling.measuring import Measuring

__all__ = ["JobHandle", "Notify", "OnFailure"]

_LOG = logger(__name__)
_TERMINATE_WITHIN = 60.0

Notify = Callable[[Track], None]
# Called with a failed job, and what was measured of it, while everything of it is still there.
OnFailure = Callable[[JobRef, Track, LedgerNote], None]


class JobHandle:
    """One launched job.

    Args:
        job: its names.
        world: the ports.
        policy: how long to wait for which cause.
        launched: monotonic seconds of the launch; the time of attaching for a job launched elsewhere.
        on_failure: called once for a job that failed, before anything of it is removed.
        installer: tries to install the release, when the first try was refused for a cause that heals.
        kept: how long the job stays after its end.
        is_launched: whether this process has launched it.
        noted: what an earlier process has measured of it.
        known: everything known of the job before this process looks at it; None = nothing.
    """

    def __init__(
        self,
        job: JobRef,
        world: World,
        policy: WaitPolicy,
        *,
        launched: float,
        on_failure: OnFailure | None = None,
        installer: Installer | None = None,
        kept: Kept = NOTHING_SAID,
        is_launched: bool = False,
        noted: LedgerNote | None = None,
        known: Track | None = None,
    ) -> None:
        self.job = job
        self.kept = kept
        self._world = world
        self._policy = policy
        self._lock = threading.Lock()
        self._track = known or Track(launched=launched)
        self._installer = installer
        self.measuring = Measuring(world, launched=launched, is_launched=is_launched, noted=noted)
        self._on_failure = on_failure
        self._on_failure_lock = threading.Lock()
        self._removal = threading.Lock()
        self._removed = self._cleaned = False
        self._cleaner: threading.Thread | None = None
        self._watch: PodWatch | None = None
        if installer is not None:
            self._track = replace(self._track, patience=installer.patience)
            installer.tell = self._wake

    @property
    def track(self) -> Track:
        """Everything known about the job after the last observation."""
        with self._lock:
            return self._track

    def poll(self) -> ReturnCode:
        """Observe once and return FLARE's code; UNKNOWN (127) while the job has not ended.

        It blocks for the first list of the namespace, ten seconds at most, and, once, for what tells how a
        pod that somebody deleted or killed has ended.
        """
        outcome = self._observe(self._world.pods.watch(self.job.namespace)).outcome
        if outcome is None:
            return ReturnCode.UNKNOWN
        self._clean_up_later()
        return outcome.return_code

    def wait(self, timeout: float | None = None, notify: Notify | None = None) -> Outcome | None:
        """Block until the job has ended and return how; the clean-up goes on behind the caller's back.

        Args:
            timeout: seconds to wait at most; None = until the end.
            notify: called on this thread after every observation, twice a second, with everything known.

        Returns:
            The outcome, or None when ``timeout`` seconds passed first.
        """
        outcome = None
        for track in self.follow(timeout, every=None if notify is None else EVERY):
            outcome = track.outcome
            if notify is not None:
                notify(track)
        if outcome is not None:
            self._clean_up_later()
        return outcome

    def wait_accepted(self, notify: Notify | None = None) -> JobRef:
        """Block while the creation is refused and tried again; return the job once there is its release.

        Args:
            notify: called on this thread after every observation, with everything known.

        Raises:
            LauncherError: the refusal, when it stayed for as long as its clock; nothing is left then.
        """
        for track in self.follow():
            if notify is not None:
                notify(track)
            if track.outcome is not None and track.verdict is not None and track.pod is None:
                self.terminate()
                raise last_error(self._installer, track.outcome)
            if not self.is_refused:
                break
        if self._installer is not None:
            self.job, _ = self._installer.state
        return self.job

    def follow(self, timeout: float | None = None, every: float | None = EVERY) -> Iterator[Track]:
        """Yield everything known about the job, now and after every change, to its end; remove nothing.

        Args:
            timeout: seconds after which to end all the same; None = never.
            every: seconds after which to yield again without a change; None = when a clock of the job is due.
        """

        def due(track: Track) -> float:
            return next_look(track, self._world.clock.monotonic(), self._policy) if every is None else every

        return follow(
            self._world, self.job, self._observe, lambda one: one.outcome is not None, due, timeout=timeout
        )

    def _wake(self) -> None:
        """Wake who waits for the job: what it has become is seen on no watch."""
        if self._watch is not None:
            self._watch.wake(self.job.pod_name)

    def terminate(self, detail: str = "terminated as asked", *, grace: int | None = None) -> None:
        """End the job and take away release, pod and per-job Secret; returns when all are gone.

        Waiters return at once. An outcome that was reached before stays. A job that runs has the grace period
        of its pod to end by itself.

        Args:
            detail: of the outcome.
            grace: seconds instead of the pod's grace period, where they are less.

        Raises:
            LauncherError: something could not be taken away; trying goes on in the background.
        """
        with self._lock:
            self._track = terminated(self._track, detail)
            self.measuring.saw(self.job, self._track)
        self._give_up()
        self._wake()
        try:
            self._remove(_TERMINATE_WITHIN, grace)
        except LauncherError:
            self._clean_up_later()
            raise

    def close(self, timeout: float | None = None) -> bool:
        """Wait for a clean-up that is still going on; return whether nothing is left to do."""
        cleaner = self._cleaner
        if cleaner is not None:
            cleaner.join(timeout)
        return self.track.outcome is None or self._removed or self._cleaned

    @property
    def is_refused(self) -> bool:
        """True while there is no release: its creation was refused and is tried again."""
        return self._installer is not None and self._installer.state[1] is not None

    @property
    def is_kept(self) -> bool:
        """True of a job that has ended, and whose retention keeps its release and its pod."""
        return is_kept(self.track, self.kept)

    def _observe(self, watch: PodWatch) -> Track:
        self._watch = watch  # before the track is read, so that whoever ends the job wakes the reader
        track = self.track
        if track.outcome is not None:
            return track
        refused = None
        if self._installer is not None:
            self.job, refused = self._installer.state
        observation = observe(self._world, watch, self.job, track, self._policy, refused=refused)
        with self._lock:
            track = self._track = step(self._track, observation, self._policy)
            self.measuring.saw(self.job, track, observation)
        if track.outcome is not None:
            self._give_up()
        return track

    def _give_up(self) -> None:
        """Let a job that has ended not start any more; the diagnosis before its removal may take a minute."""
        if self._installer is not None:
            self._installer.give_up()

    def _clean_up_later(self) -> None:
        with self._lock:
            if self._cleaner is not None or self._removed or self._cleaned:
                return
            name = f"fljob-cleanup-{self.job.release}"
            self._cleaner = threading.Thread(target=self._clean_up, name=name, daemon=True)
            self._cleaner.start()

    def _clean_up(self) -> None:
        self._world.acting.hold()
        if not self.is_refused:  # else there is no record
            self.measuring.note_end(self.job, self.track, self.kept)
        self.run_on_failure()
        try:
            if cleanup(self.track, self.kept) is Cleanup.REMOVE:
                self._remove(None)
            else:
                with_retries(self.job, self._delete_secret, self._world, None)
            self._cleaned = True
        except LauncherError as error:
            _LOG.error("release=%s pod=%s left behind: %s", self.job.release, self.job.pod_name, error)
        finally:
            with self._lock:
                self._cleaner = None if threading.current_thread() is self._cleaner else self._cleaner

    def run_on_failure(self, seconds: float = -1) -> None:
        """Call ``on_failure`` if the job failed, once; a second caller waits ``seconds`` for the first."""
        if not self._on_failure_lock.acquire(timeout=seconds):
            return
        try:
            track = self.track
            if self._on_failure is None or track.state is not JobState.FAILED:
                return
            on_failure, self._on_failure = self._on_failure, None
            on_failure(self.job, track, self.measuring.note(self.job, track))
        except Exception as error:  # noqa: BLE001 - whatever it dies of, the job must still be removed
            _LOG.warning("release=%s has no diagnosis: %s", self.job.release, error)
        finally:
            self._on_failure_lock.release()

    def _delete_secret(self) -> None:
        delete_credentials(self._world, with_pod(self.job, self.track.pod))

    def _remove(self, seconds: float | None, grace: int | None = None) -> None:
        """Take everything away; whoever comes second waits for the first, but no longer than ``seconds``."""
        patience = -1 if seconds is None else seconds
        self.run_on_failure(patience)
        if not self._removal.acquire(timeout=patience):
            raise Unavailable(
                f"release {self.job.namespace}/{self.job.release} is still being removed by another thread",
                cure="it goes on trying; look at the cluster",
            )
        try:
            if self._removed:
                return
            left: Cleanup | None = Cleanup.REMOVE
            if self._installer is not None:
                self._installer.stop()
                self.job, _ = self._installer.state
                left = self._installer.left
            job = with_pod(self.job, self.track.pod)
            everything = partial(remove, self._world, job, grace=grace)
            act = everything if left is Cleanup.REMOVE else self._delete_secret
            if left is not None:
                with_retries(job, act, self._world, seconds)
            self._removed = True
            self.measuring.removed(job, self.track)
        finally:
            self._removal.release()
