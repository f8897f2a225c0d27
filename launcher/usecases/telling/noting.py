"""Noting in Helm's record what was measured of a job, for other shells; see the module ``paced``.

A note tells how to count on from it, so that one is written when the cause changes and not while time passes.
"""

from __future__ import annotations

from collections import OrderedDict

from launcher.core.jobref import JobRef
from launcher.core.lifecycle.ledger_note import LedgerNote, to_text
from launcher.errors import LauncherError
from launcher.logs import logger
from launcher.usecases.ports import Clock, Releases
from launcher.usecases.telling.paced import Key, Pace, Paced, Waiting, key_of, remember

__all__ = ["Noting"]

_LOG = logger(__name__)
# Causes of a new pod pass; and one that flaps is written once a minute, with the sum of all.
_SETTLES, _APART = 10.0, 60.0
# A request that hangs longer than this may come after the end: the end is written all the same.
_LANDS_WITHIN = 30.0


class Noting(Paced[LedgerNote]):
    """The port ``Notes`` over Helm's records.

    Args:
        releases: the port.
        clock: monotonic seconds.
        pace: shared with whoever else writes for people; None = nobody does.
    """

    def __init__(self, releases: Releases, clock: Clock, pace: Pace | None = None) -> None:
        super().__init__(clock, pace or Pace(clock), "fljob-notes")
        self._releases = releases
        self._at: OrderedDict[Key, float] = OrderedDict()
        self._over: OrderedDict[Key, str] = OrderedDict()  # release -> uid of the pod whose end is noted

    def tell(self, job: JobRef, note: LedgerNote | None) -> None:
        """Note this of a job in a moment; see the port."""
        with self._lock:
            if note is not None:
                self._leave(job, note)
                return
            key = key_of(job)
            self._waiting.pop(key, None)
            self._at.pop(key, None)

    def end(self, job: JobRef, note: LedgerNote) -> None:
        """Note how a job has ended; see the port. What is on its way is waited for: it would undo this."""
        self.tell(job, None)
        with self._lock:
            remember(self._over, job, note.pod)
            self._landed.wait_for(lambda: self._in_flight != key_of(job), _LANDS_WITHIN)
        if not self._is_acting():
            return
        try:
            self._releases.note_ledger(job.release, job.namespace, to_text(note), note.pod)
        except LauncherError as error:
            _LOG.debug("release=%s other shells cannot read how it ended: %s", job.release, error.message)
        except Exception:  # noqa: BLE001 - the job has to be cleaned up, whatever this dies of
            _LOG.exception("release=%s other shells cannot read how it ended", job.release)

    def _due(self, one: Waiting[LedgerNote]) -> float:
        if self._is_over:
            return one.since
        last = self._at.get(key_of(one.job), float("-inf"))
        return max(one.since + _SETTLES, last + _APART)

    def _is_news(self, one: Waiting[LedgerNote]) -> bool:
        return self._over.get(key_of(one.job)) != one.what.pod

    def _write(self, one: Waiting[LedgerNote]) -> None:
        self._releases.note_ledger(one.job.release, one.job.namespace, to_text(one.what), one.what.pod)

    def _written(self, one: Waiting[LedgerNote]) -> None:
        remember(self._at, one.job, self._clock.monotonic())

    def _lacks_right(self, namespace: str, error: LauncherError) -> None:
        words = "other shells cannot read what is measured of jobs in namespace %s (see `fljob rbac`): %s"
        _LOG.info(words, namespace, error.message)
