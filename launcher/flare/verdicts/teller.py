"""Tells FLARE's server what a parent knows of its jobs, whenever that changes.

One thread per parent looks at what the handles have seen, in memory, twice a second; it asks nobody, and a
handle does not wait for it. What the server has not heard is told again. Nothing here raises into a job.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.lifecycle.state import Track
from launcher.core.pending.refusal import refusal_of
from launcher.core.redaction import Mask
from launcher.core.report import site_verdict
from launcher.core.report.site_verdict import MOST_JOBS, SiteVerdict
from launcher.errors import LauncherError
from launcher.logs import logger
from launcher.usecases.ports import World

if TYPE_CHECKING:
    from launcher.usecases.handle import JobHandle

__all__ = ["Answer", "Send", "Teller"]

_LOG = logger(__name__)
_EVERY, _PAUSE = 0.5, 5.0
# A server that starts does not take verdicts for a second; one whose launcher is another never does.
_FIRST_QUIET, _LONGEST_QUIET = 15.0, 3600.0


@dataclass(frozen=True)
class Answer:
    """What became of a message: whether it was heard, and whether telling again may help soon."""

    is_heard: bool
    is_refused: bool = False


# Sends the verdicts of jobs, by id.
Send = Callable[[Mapping[str, SiteVerdict]], Answer]


@dataclass
class _Job:
    """A job that is told of: kept until its end was told, also when FLARE has let go of its handle.

    ``seen`` is the track that was looked at last.
    """

    handle: JobHandle | None
    world: World
    mask: Mask = field(repr=False)
    seen: Track | None = None
    now: SiteVerdict | None = None
    heard: SiteVerdict | None = None
    at: float = 0.0


class Teller:
    """The jobs of one parent.

    Attributes:
        send: where verdicts go; None until FLARE's parent can say, or when there is nobody to tell.
        is_on: whether the site tells of jobs that are launched, or taken over, from now on.
    """

    def __init__(self) -> None:
        self.send: Send | None = None
        self.is_on = True
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}
        self._is_running = False
        self._quiet, self._quiet_until = 0.0, 0.0

    def follow(self, job_id: str, handle: JobHandle, world: World, mask: Mask) -> None:
        """Tell of a job from now on, until its end.

        Args:
            job_id: FLARE's id of it.
            handle: of the job.
            world: the ports: time, and whether this parent acts.
            mask: hides its credentials.
        """
        self._add(job_id, _Job(handle, world, mask))

    def refused(self, job_id: str, error: LauncherError, code: ReturnCode, world: World, mask: Mask) -> None:
        """Tell of a job whose creation was refused for good."""
        verdict = site_verdict.refused(refusal_of(error).code, error.message, code, mask)
        self._add(job_id, _Job(None, world, mask, now=verdict))

    def _add(self, job_id: str, job: _Job) -> None:
        if not self.is_on:
            return
        with self._lock:
            self._jobs[job_id] = job
            if self._is_running:
                return
            self._is_running = True
        threading.Thread(target=self._run, name="fljob-verdicts", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while self._is_needed():
            try:
                is_well = self.tell()
            except Exception as error:  # noqa: BLE001 - FLARE's code may raise anything; the jobs go on
                _LOG.warning("verdicts cannot be told: %s: %s", type(error).__name__, error)
                is_well = False
            pause.wait(_EVERY if is_well else _PAUSE)

    def _is_needed(self) -> bool:
        with self._lock:
            self._is_running = bool(self._jobs)
            return self._is_running

    def tell(self) -> bool:
        """Tell what is new; return whether the server has heard all of it."""
        with self._lock:
            jobs = dict(self._jobs)
        news = {job_id: one for job_id, one in jobs.items() if self._is_new(one)}
        chosen = dict([*news.items()][:MOST_JOBS])
        told = {job_id: one.now for job_id, one in chosen.items() if one.now is not None}
        if not told:
            return True
        clock = chosen[next(iter(told))].world.clock
        is_heard = self._send(told, clock.monotonic())
        if is_heard or self._quiet >= _LONGEST_QUIET:
            for job_id, one in chosen.items():
                one.heard, one.at = one.now, clock.monotonic()
                self._forget_ended(job_id, one)
        return is_heard or self._quiet > 0.0

    def _send(self, told: Mapping[str, SiteVerdict], now: float) -> bool:
        if self.send is None or now < self._quiet_until:
            return False
        answer = self.send(told)
        if answer.is_heard:
            self._quiet = 0.0
        if answer.is_refused:
            self._quiet = min(max(_FIRST_QUIET, 4 * self._quiet), _LONGEST_QUIET)
            self._quiet_until = now + self._quiet
            _LOG.info("FLARE's server takes no verdicts of jobs: asked again in %.0f s", self._quiet)
        return answer.is_heard

    def _forget_ended(self, job_id: str, job: _Job) -> None:
        with self._lock:
            if job.now is not None and job.now.is_final and self._jobs.get(job_id) is job:
                del self._jobs[job_id]

    def _is_new(self, job: _Job) -> bool:
        if not job.world.acting.is_acting:
            return False
        if job.handle is not None:
            self._look(job, job.handle.track)
        age = job.world.clock.monotonic() - job.at
        return job.now is not None and site_verdict.is_news(job.heard, job.now, age)

    @staticmethod
    def _look(job: _Job, track: Track) -> None:
        # A track is a frozen value: the same object tells the same, whatever the time is.
        if track is not job.seen:
            clock = job.world.clock
            job.seen = track
            job.now = site_verdict.verdict_of(track, clock.monotonic(), clock.now(), job.mask)
