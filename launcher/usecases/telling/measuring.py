"""Following one job for the log, metrics, its pod's events and its ledger: what each observation changes."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime

from launcher.core.catalogue import Code
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.ledger import Ledger, charged, opened
from launcher.core.lifecycle.ledger_note import LedgerNote, note_of, resumed
from launcher.core.lifecycle.state import Cleanup, JobSample, Observation, Track
from launcher.core.lifecycle.step import cleanup
from launcher.core.report.metrics import UNCLASSIFIED
from launcher.core.report.pod_events import JobEvent, event_now, removed
from launcher.core.retention import Kept
from launcher.core.views import Presence, age_seconds
from launcher.usecases.ports import World
from launcher.usecases.telling.causes import log_cause

__all__ = ["Measuring"]


class Measuring:
    """One job of this process; safe to use from any number of threads.

    Args:
        world: the ports; its metrics get what changes.
        launched: monotonic seconds of the launch, or of the time from which this process knows the job.
        is_launched: whether this process has launched it: of another one's job nobody knows how long it took.
        noted: what an earlier process has measured of it; None = nothing.
    """

    def __init__(
        self, world: World, *, launched: float, is_launched: bool, noted: LedgerNote | None = None
    ) -> None:
        self._clock, self._metrics, self._announced = world.clock, world.metrics, world.announced
        self._notes = world.notes
        self._is_launched = is_launched
        self._lock = threading.Lock()
        self._track: Track | None = None
        self._counted_until = 0.0
        self._logged: Code | None = None
        self._ledger = opened(launched)
        if noted is not None:
            self._ledger = resumed(noted, self._clock.monotonic(), self._clock.now())
        self._noted: tuple[str, Code | None, bool] = ("", None, False)
        self._before = noted
        self._event: JobEvent | None = None
        self._metrics.follow(self)

    @property
    def ledger(self) -> Ledger:
        """Where the time of the job went, up to its last observation."""
        with self._lock:
            return self._ledger

    def saw(self, job: JobRef, track: Track, seen: Observation | None = None) -> None:
        """Log and count what is new, and say it on the pod.

        Args:
            job: its names.
            track: everything known about it now.
            seen: what was observed; None when it was ended without a look.
        """
        with self._lock:
            before, self._track = self._track, track
            now = self._clock.monotonic() if seen is None else seen.now
            self._charge(before, now)
            wall = self._clock.now() if seen is None else seen.wall
            self._ledger = charged(self._ledger, track, now - _ended_before(track, wall))
            logged, self._logged = self._logged, log_cause(job, track, self._logged)
            if self._logged is not logged and self._logged in UNCLASSIFIED:
                self._metrics.unclassified(self._logged)
            if track.ran and self._is_launched and not (before is not None and before.ran):
                self._metrics.started(max(0.0, now - track.launched))
            if track.outcome is not None and not (before is not None and before.outcome):
                self._metrics.ended(track.outcome.code, track.outcome.return_code, _unseen(track, seen))
            self._say(job, track, now, wall)
            # Helm has no record of a job whose creation is refused.
            if seen is None or seen.refused is None:
                self._note(job, track, now, wall)

    def removed(self, job: JobRef, track: Track) -> None:
        """Say that nothing is left of a job that has ended.

        Args:
            job: its names.
            track: everything known about it.
        """
        event = removed(track, self._clock.now())
        if event is not None:
            self._announced.tell(_with_uid(job, track), event)

    def _say(self, job: JobRef, track: Track, now: float, wall: datetime) -> None:
        """Hand over what is new to be said on the pod."""
        before, self._event = self._event, event_now(self._event, track, now, wall)
        if self._event is not before:
            self._announced.tell(_with_uid(job, track), self._event)

    def _note(self, job: JobRef, track: Track, now: float, wall: datetime) -> None:
        """Hand over what other shells are to know, when the cause of the time to come is another one."""
        verdict = None if track.outcome is not None else track.verdict
        noted = (self._ledger.cause, None if verdict is None else verdict.code, track.pod is not None)
        if noted != self._noted:
            self._noted = noted
            uid = _with_uid(job, track).uid
            is_over = track.outcome is not None or not (job.release and uid)
            self._notes.tell(job, None if is_over else note_of(uid, self._ledger, track, now, wall))

    def note_end(self, job: JobRef, track: Track, kept: Kept, *, stays: bool = False) -> None:
        """Note how a job has ended before anything of it goes; never raises, nor does a job wait for it.

        Only of one whose release stays: of what is removed at once nobody asks, and if the removal fails, the
        job may still run.

        Args:
            job: its names.
            track: everything known about it.
            kept: how long it stays after its end.
            stays: whether it stays anyway, with all that it has.
        """
        if not job.release or not (stays or cleanup(track, kept) is Cleanup.RETAIN):
            return
        note = self.note(job, track)
        if note.pod and (self._before is None or self._before.outcome != note.outcome):
            self._notes.end(job, note)

    def note(self, job: JobRef, track: Track) -> LedgerNote:
        """Return what was measured of a job until now; ``track`` is everything known about it."""
        with self._lock:
            now, wall = self._clock.monotonic(), self._clock.now()
            return note_of(_with_uid(job, track).uid, self._ledger, track, now, wall)

    def sample(self) -> JobSample | None:
        """Return how the job is, as last observed; None before that, and once it has ended.

        The seconds since the last observation are counted now, so that those of a job that waits for hours
        without a change do not come all at once.
        """
        with self._lock:
            track = self._track
            if track is None or track.outcome is not None:
                return None
            now = self._clock.monotonic()
            self._charge(track, now)
            if track.verdict is None:
                return JobSample(track.state)
            return JobSample(track.state, track.verdict.code, max(0.0, now - track.verdict.since))

    def _charge(self, track: Track | None, now: float) -> None:
        """Count the time since it was counted last for the cause of that time."""
        if track is not None and track.outcome is None and track.verdict is not None:
            self._metrics.waited(track.verdict.code, max(0.0, now - self._counted_until))
        self._counted_until = max(self._counted_until, now)


def _unseen(track: Track, seen: Observation | None) -> float | None:
    """Return the seconds between the end of the job container and its observation, by the server's clock."""
    if seen is None or seen.pod.presence is not Presence.FOUND:
        return None
    finished = track.finished_at
    return None if finished is None else max(0.0, age_seconds(finished, seen.wall))


def _ended_before(track: Track, wall: datetime) -> float:
    """Return the seconds since the container of a job that has ended did so: a parent may have been away."""
    finished = None if track.outcome is None else track.finished_at
    return 0.0 if finished is None else max(0.0, age_seconds(finished, wall))


def _with_uid(job: JobRef, track: Track) -> JobRef:
    return job if job.uid or track.pod is None else replace(job, uid=track.pod.uid)
