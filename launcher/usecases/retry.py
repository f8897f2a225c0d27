"""Retrying, in the background, to create a release that was refused for a cause that heals.

Quota is the common one: FLARE's own launcher ends the job, Tekton and Argo requeue it. Whoever waits for the
job in FLARE may be followed by another process, which goes on (:mod:`launcher.usecases.keeping`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.ending.outcome import Outcome
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import Cleanup
from launcher.core.pending.clocks import Patience
from launcher.core.pending.refusal import Refusal, refusal_of
from launcher.core.report.refused_launch import refused_code
from launcher.core.spec.jobspec import ref_of_spec
from launcher.core.spec.site import PendingPolicy
from launcher.errors import Cancelled, LauncherError, Rejected
from launcher.logs import logger
from launcher.usecases.join import joining
from launcher.usecases.keeping import KEEPS_NOTHING, Journal, Keeper, Keeping
from launcher.usecases.launch import Launch
from launcher.usecases.limits import with_limit_range
from launcher.usecases.turns import Turns

__all__ = ["QUOTAS", "Installer", "Turns", "begin", "last_error"]

# The refusals that a launch tries again while somebody watches it and nobody waits for the job.
QUOTAS = frozenset({Code.QUOTA_EXCEEDED, Code.QUOTA_BUSY})
_LOG = logger(__name__)
_STOP_WITHIN = 30.0

Attempt = Callable[[threading.Event], JobRef]
Left = Callable[[], Cleanup | None]


def _nobody() -> None:
    """Tell nobody: no handle waits yet."""


def last_error(installer: Installer | None, outcome: Outcome) -> LauncherError:
    """Return how the last try of a job was refused, or the error of its end when that is not known."""
    refused = None if installer is None else installer.state[1]
    error = None if refused is None else refused.error
    return error or Rejected(outcome.detail, cure=CATALOGUE[outcome.code].cure)


class Installer:
    """One job whose release was refused and is tried again until it is accepted, hopeless or stopped.

    Args:
        job: its names.
        attempt: installs the release once; nothing is left of a try that raises, or ``left`` says what.
        refusal: how the first try was refused.
        turns: shared by all jobs of the namespace.
        left: returns what the tries that failed could not undo.
        keeper: keeps what the next process needs.

    Attributes:
        tell: called when a try has ended, so that whoever waits for the job looks at it.
    """

    def __init__(  # noqa: PLR0917
        self,
        job: JobRef,
        attempt: Attempt,
        refusal: Refusal,
        turns: Turns,
        left: Left,
        keeper: Keeper = KEEPS_NOTHING,
    ) -> None:
        self._attempt = attempt
        self._keeper = keeper
        self._left = left
        self._turns = turns
        self._lock = threading.Lock()
        self._job = job
        self._refusal: Refusal | None = refusal
        self._stop = threading.Event()
        self.tell: Callable[[], None] = _nobody
        keeper.refused(refusal)
        turns.join(self, refusal)
        self._thread = threading.Thread(target=self._run, name=f"fljob-install-{job.release}", daemon=True)
        self._thread.start()

    @property
    def state(self) -> tuple[JobRef, Refusal | None]:
        """The job, and why it has no release yet; None once it has one."""
        with self._lock:
            return self._job, self._refusal

    @property
    def patience(self) -> Patience:
        """The time that each cause has used up before this process tried."""
        return self._keeper.patience

    @property
    def left(self) -> Cleanup | None:
        """What is there to remove: all of an accepted job, of a refused one only what its tries left.

        A job of the same names may be another process's by now.
        """
        if self._thread.is_alive() or self.state[1] is None:
            return Cleanup.REMOVE
        return self._left()

    def give_up(self) -> None:
        """Begin no further try; one that is under way is cancelled and undoes what it made."""
        self._stop.set()
        self._turns.wake(self)

    def stop(self) -> None:
        """Give up, and wait until a try that is under way has ended, 30 s at most."""
        self.give_up()
        self._thread.join(_STOP_WITHIN)

    def _run(self) -> None:
        try:
            with self._keeper.watched():
                self._try_on()
        finally:
            self._turns.leave(self)
            self._keeper.over(is_accepted=self.state[1] is None)

    def _try_on(self) -> None:
        while self._turns.wait(self, self._stop):
            go_on = self._try()
            self._turns.tried(self, self.state[1])
            self.tell()
            if not go_on:
                return

    def _refused(self, refusal: Refusal) -> bool:
        with self._lock:
            self._refusal = refusal
        if refusal.may_heal:
            self._keeper.refused(refusal)
        return refusal.may_heal

    def _try(self) -> bool:
        """Try once and return whether trying again can help."""
        try:
            job = self._attempt(self._stop)
        except Cancelled:
            return False
        except LauncherError as error:
            return self._refused(refusal_of(error))
        except Exception as error:  # noqa: BLE001 - a defect, and whoever waits for the job would wait for ever
            _LOG.exception("release=%s: the launch failed unexpectedly", self.state[0].release)
            return self._refused(refusal_of(LauncherError(f"{type(error).__name__}: {error}")))
        with self._lock:
            self._job, self._refusal = job, None
        _LOG.info("release=%s pod=%s launched at last", job.release, job.pod_name)
        return False


def begin(
    launch: Launch,
    cancel: threading.Event | None,
    turns: Turns,
    mode: PendingPolicy,
    retry_refused: bool | Collection[Code],
    *,
    journal: Journal | None = None,
) -> tuple[JobRef, Installer | None]:
    """Make the job, or leave it to an installer when the refusal may heal and the caller can wait.

    Args:
        launch: of the job.
        cancel: set by another thread to stop.
        turns: of the job's namespace.
        mode: how the job is judged: FLARE's own launcher tries nothing again.
        retry_refused: whether the caller can wait; with codes: only for these.
        journal: of a caller whose successor goes on; a job that is in it already is tried again.

    Raises:
        LauncherError: it was refused for good, or nobody waits.
    """
    job, world = ref_of_spec(launch.spec), launch.world
    launch.keeps_secret = journal is not None and mode is not PendingPolicy.STRICT
    if journal is not None and journal.before is not None:
        return job, _installer(launch, journal.before.refusal, turns, journal)
    try:
        with world.watching.of(job.release, job.namespace):
            made = launch.attempt(cancel)
    except LauncherError as error:
        refusal = refusal_of(error)
        stopped = cancel is not None and cancel.is_set()
        if stopped or not _is_tried_again(refusal, mode, retry_refused):
            _give_up(launch, error, mode, is_end=not stopped)
            raise with_limit_range(error, launch.spec, launch.render, world) from error.__cause__
        _LOG.warning("release=%s refused, trying again: %s", job.release, error.message)
        return job, _installer(launch, refusal, turns, journal)
    turns.retry_now()
    _LOG.info("release=%s pod=%s launched", made.release, made.pod_name)
    return made, None


def _give_up(launch: Launch, error: LauncherError, mode: PendingPolicy, *, is_end: bool) -> None:
    launch.forget()
    if is_end:
        launch.world.metrics.ended(refusal_of(error).code, refused_code(error, mode))


def _is_tried_again(refusal: Refusal, mode: PendingPolicy, wanted: bool | Collection[Code]) -> bool:
    is_wanted = wanted if isinstance(wanted, bool) else refusal.code in wanted
    return is_wanted and refusal.may_heal and mode is not PendingPolicy.STRICT


def _installer(launch: Launch, refusal: Refusal, turns: Turns, journal: Journal | None) -> Installer:
    keeper = KEEPS_NOTHING if journal is None else Keeping(launch, journal)
    attempt = launch.attempt if journal is None else joining(launch)
    return Installer(ref_of_spec(launch.spec), attempt, refusal, turns, lambda: launch.left, keeper)
