"""Joining a job that lives already: the same job has a handle, another one is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from launcher.core import foreign
from launcher.core.jobref import JobRef, with_pod
from launcher.core.ownership import Owner, judge
from launcher.core.releases import INSTALL_MAY_LAST, release_state
from launcher.core.spec.jobspec import JobSpec, ref_of_spec
from launcher.core.values.difference import difference
from launcher.errors import Conflict, NotFound, Unavailable
from launcher.usecases.launch import Launch
from launcher.usecases.ports import World
from launcher.usecases.reserve import Held
from launcher.usecases.whose import record_of

__all__ = ["joining", "refuse_another"]

_PAUSE = 0.5
_MOST_NAMED = 10


def refuse_another(world: World, spec: JobSpec, wanted: Mapping[str, Any]) -> None:
    """Refuse to join a job that lives under the same names and is another one than ``spec``.

    Helm's record has the values of what lives, which say more than a hash of them: in what it differs.
    One that another process is installing is waited for.

    Args:
        world: the ports.
        spec: the job that was to be launched.
        wanted: its chart values.

    Raises:
        Conflict: it differs; the key paths are named.
        NotFound: it is gone meanwhile.
        Unavailable: Helm could not be asked.
    """
    end = world.clock.monotonic() + INSTALL_MAY_LAST
    record = record_of(world, spec.release, spec.namespace)
    while release_state(record, world.clock.now()).is_busy and world.clock.monotonic() < end:
        world.clock.sleep(_PAUSE)
        record = record_of(world, spec.release, spec.namespace)
    if record is None:
        raise NotFound(f"release {spec.namespace}/{spec.release} is gone")
    found = difference(record.values, wanted)
    if found:
        named = ", ".join(foreign.few(found[:_MOST_NAMED]))
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        raise Conflict(
            f"job {spec.job_id} runs at site {spec.site!r} as another job: it differs in {named}{more}",
            cure=f"`helm get values {spec.release} -n {spec.namespace}` shows what runs, `fljob render` what "
            "was asked for; use another job id, or terminate what runs first",
        )


def joining(launch: Launch) -> Callable[[threading.Event | None], JobRef]:
    """Return the attempt of a launch that two parents of a site may be at, one after the other.

    A parent whose pod was deleted works on for half a minute beside the next one, and what either gets
    through is the job of both: it has the same Secret.
    """

    def attempt(cancel: threading.Event | None) -> JobRef:
        try:
            return launch.attempt(cancel)
        except Held as held:
            return _joined(launch, held)

    return attempt


def _joined(launch: Launch, held: Held) -> JobRef:
    world, job = launch.world, ref_of_spec(launch.spec)
    record = record_of(world, job.release, job.namespace)
    pod = world.pods.get(job.pod_name, job.namespace).value
    if pod is None or release_state(record, world.clock.now()).is_busy:
        # Also one that is a minute old and has no pod: the Lease of a parent that was killed lives on.
        raise Unavailable(f"{held.message}: tried again") from held
    if judge(record, pod, job).owner is not Owner.OURS or not launch.has_secret(pod):
        raise held
    return with_pod(job, pod)
