"""Going on with a job of another process, from what that one has noted of it in Helm's record."""

from __future__ import annotations

from launcher.core.lifecycle.ledger_note import note_in
from launcher.core.lifecycle.state import JobReport
from launcher.core.ownership import Owner
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.retention import NOTHING_SAID, kept_of
from launcher.logs import logger
from launcher.usecases.handle import JobHandle, OnFailure
from launcher.usecases.observe import job_policy
from launcher.usecases.ports import World
from launcher.usecases.whose import removable

__all__ = ["attached"]

_LOG = logger(__name__)


def attached(
    world: World, policy: WaitPolicy, found: JobReport, on_failure: OnFailure | None = None
) -> JobHandle:
    """Return a handle of a job that was launched elsewhere; its clocks start now, and its ledger goes on.

    A job whose end was noted has ended so: what is left of it may look like another end.

    Args:
        world: the ports.
        policy: the site's patience.
        found: the job, as one observation has shown it.
        on_failure: called once if the job fails, before anything of it is removed.

    Raises:
        Conflict: it is not ours.
    """
    job = removable(found.job, found.ownership)
    if found.ownership.owner is Owner.POD_WITHOUT_RELEASE:
        _LOG.warning("%s: only that pod says what job it is", found.ownership.sentence)
    note = None if found.release is None else note_in(found.release.revisions)
    return JobHandle(
        job,
        world,
        job_policy(policy, found.track.pod),
        launched=world.clock.monotonic(),
        on_failure=on_failure,
        kept=kept_of(found.track.pod.annotations) if found.track.pod else NOTHING_SAID,
        noted=note,
        # Of a job that runs although its end was noted nothing is known.
        known=found.track if note is not None and note.outcome == found.track.outcome is not None else None,
    )
