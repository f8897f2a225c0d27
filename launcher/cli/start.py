"""Waiting for a job container to start, without taking anything away when it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from launcher.cli.live import live_line
from launcher.core.lifecycle.state import JobReport, Track
from launcher.core.lifecycle.step import step
from launcher.core.report.status import cause_line
from launcher.core.views import ContainerState
from launcher.errors import NotFound
from launcher.usecases.observe import observe
from launcher.usecases.service import Service

__all__ = ["has_started", "no_log", "until_started"]

_SLICE = 0.5
_HAS_RUN = frozenset({ContainerState.RUNNING, ContainerState.TERMINATED})


def has_started(track: Track) -> bool:
    """Tell whether the job container runs or has run: one that waits has no log (status 400)."""
    return track.pod is not None and track.pod.main is not None and track.pod.main.state in _HAS_RUN


def until_started(service: Service, found: JobReport) -> JobReport:
    """Return what is known once the job container runs or has run, or the job has ended without it.

    The clocks are those of this process, as for ``fljob wait``; unlike it, this removes nothing.
    """
    job, world = found.job, service.world
    policy = service.policy_of(found.track.pod)
    track = replace(found.track, outcome=None)
    with live_line(job.release, world.clock) as notice:
        while True:
            watch = world.pods.watch(job.namespace)
            version = watch.version()
            track = step(track, observe(world, watch, job, track, policy), policy)
            notice(track)
            if track.outcome is not None or has_started(track):
                return replace(found, track=track)
            watch.wait(version, _SLICE)


def no_log(described: Mapping[str, Any], where: str) -> NotFound:
    """Return the error for a job that has no log, from its JSON."""
    why = cause_line(described)
    cure = f"`fljob logs {described['release']} {where} -f` waits for it"
    if described["outcome"] is not None:
        cure = f"`fljob diagnose {described['release']} {where} -o DIR` has all that tells why"
    return NotFound(f"not started: {why}", cure=cure)
