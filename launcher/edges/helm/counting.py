"""Counting the runs of helm."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from launcher.core.measured import HelmResult, HelmVerb, Instruments
from launcher.edges.helm.child import ChildFailed, Ended
from launcher.edges.helm.failures.explain import is_release_missing

if TYPE_CHECKING:
    from launcher.edges.helm.command import HelmCommand

__all__ = ["counted"]

_STOPPED = {
    Ended.CANCELLED: HelmResult.CANCELLED,
    Ended.TIMED_OUT: HelmResult.TIMED_OUT,
    Ended.NOT_STARTED: None,
}


@contextmanager
def counted(instruments: Instruments, helm: HelmCommand, asked: float) -> Iterator[None]:
    """Count the run of helm inside.

    Args:
        instruments: what counts.
        helm: what runs; it knows its verb when it has run.
        asked: monotonic seconds at which somebody wanted it, before it was its turn.
    """
    began, failed_as = time.monotonic(), HelmResult.FAILED
    result: HelmResult | None = failed_as
    try:
        yield
        result = HelmResult.OK
    except ChildFailed as failed:
        result = HelmResult.ABSENT if is_release_missing(failed) else _STOPPED.get(failed.ended, failed_as)
        raise
    finally:
        if result is not None:
            lasted = time.monotonic() - began
            instruments.helm_ran(HelmVerb.of(helm.verb), result, began - asked, lasted)
