"""Following a job: after every change, to its end, its start, or for its events.

Whoever follows a job watches it: `fljob gc` leaves it to that process (:mod:`launcher.usecases.watching`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from launcher.core.ending.job_end import ended
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import JobReport, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.views import PodEvent, PodView, Presence, Seen
from launcher.errors import LauncherError
from launcher.usecases.observe import job_policy, observe, own_pod
from launcher.usecases.ports import PodWatch, World

__all__ = ["EVERY", "follow", "follow_events", "follow_start"]

T = TypeVar("T")
# How often somebody who looks on is shown the time that is left.
EVERY, _EVENTS_EVERY = 0.5, 1.0


def follow(
    world: World,
    job: JobRef,
    read: Callable[[PodWatch], T],
    is_last: Callable[[T], bool],
    due: Callable[[T], float],
    *,
    timeout: float | None = None,
) -> Iterator[T]:
    """Yield what ``read`` makes of the watch of a namespace, now and after every change of a job's pod.

    Args:
        world: the ports.
        job: its names.
        read: reads the watch.
        is_last: tells whether what was read and yielded is the end.
        due: returns the seconds after which to read again without a change.
        timeout: seconds after which to end all the same; None = never.
    """
    clock = world.clock
    end = None if timeout is None else clock.monotonic() + timeout
    with world.watching.of(job.release, job.namespace):
        while True:
            # Asked for each time, since a watch can end: after a freeze of the machine it may think it idles.
            watch = world.pods.watch(job.namespace)
            version = watch.version(job.pod_name)
            found = read(watch)
            yield found
            left = due(found) if end is None else min(due(found), end - clock.monotonic())
            if is_last(found) or left <= 0:
                return
            watch.wait(job.pod_name, version, left)


def follow_start(world: World, policy: WaitPolicy, found: JobReport) -> Iterator[JobReport]:
    """Yield what is known about a job until its container runs or has run, or it has ended without.

    The clocks are those of this process, as for a handle; unlike one, this removes nothing.

    Args:
        world: the ports.
        policy: the site's patience.
        found: what was known before; whether it has ended is decided again.
    """
    policy = job_policy(policy, found.track.pod)
    track = replace(found.track, outcome=None)

    def read(watch: PodWatch) -> Track:
        return step(track, observe(world, watch, found.job, track, policy), policy)

    def is_last(track: Track) -> bool:
        return track.has_started or track.outcome is not None

    for track in follow(world, found.job, read, is_last, lambda _: EVERY):
        yield replace(found, track=track)


def follow_events(world: World, job: JobRef) -> Iterator[Seen[tuple[PodEvent, ...]]]:
    """Yield the events of a job's pod that are new or have a higher count, until the pod has ended.

    Args:
        world: the ports.
        job: its names; without a uid the first pod that claims to be the job's is.

    Yields:
        FOUND with at least one event, or UNAVAILABLE with the reason, once in a row: asking goes on.
    """
    uid, known, why = job.uid, set[PodEvent](), ""

    def read(watch: PodWatch) -> Seen[PodView]:
        return own_pod(watch.pod(job.pod_name), replace(job, uid=uid), None)

    for seen in follow(world, job, read, _is_over, lambda _: _EVENTS_EVERY):
        uid = uid or (seen.value.uid if seen.value else "")
        if not uid:
            continue
        try:
            asked = world.pods.events(job.namespace, uid)
            events = Seen.found(tuple(event for event in asked if event not in known))
        except LauncherError as error:
            events = Seen.unavailable(error.message, error.cure)
        known.update(events.value or ())
        if events.value or events.why not in ("", why):
            yield events
        why = events.why


def _is_over(seen: Seen[PodView]) -> bool:
    if seen.presence is Presence.UNAVAILABLE:
        return False
    return seen.presence is Presence.ABSENT or seen.value is None or ended(seen.value) is not None
