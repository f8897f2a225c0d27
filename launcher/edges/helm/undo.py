"""What becomes of an install that failed: it is undone, unless it was accepted and only the answer got lost.

"server-side apply failed for object fl/job-1 /v1, Kind=Pod: ... EOF": the API server went away when it had
made the pod. The job may run, and whoever removed it and installed it again would run it twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from launcher.errors import LauncherError, Unavailable

__all__ = ["Undone", "undo"]

# The API server may still be executing the last request of a helm that was killed.
_SETTLE_SECONDS = 0.2
_PAUSES_SECONDS = (0.5, 2.0)


@dataclass(frozen=True)
class Undone:
    """How undoing ended.

    Attributes:
        is_whole: it was not undone, since nothing is missing.
        left: why something may be left; None when nothing is.
    """

    is_whole: bool = False
    left: LauncherError | None = None


def undo(
    is_there: Callable[[], bool],
    is_whole: Callable[[], bool],
    uninstall: Callable[[], object],
    sleep: Callable[[float], None],
    *,
    stopped: bool,
) -> Undone:
    """Remove what an install made, with a few tries while the cluster cannot be asked.

    Args:
        is_there: tells whether there is a release of this very install.
        is_whole: tells whether nothing of it is missing.
        uninstall: removes it.
        sleep: waits the given seconds.
        stopped: helm was, in the middle of something.
    """
    if stopped:
        sleep(_SETTLE_SECONDS)
    for pause in (*_PAUSES_SECONDS, None):
        try:
            if not is_there():
                break
            if is_whole():
                return Undone(is_whole=True)
            uninstall()
        except LauncherError as left:
            if pause is None or not isinstance(left, Unavailable):
                return Undone(left=left)
            sleep(pause)
        else:
            break
    return Undone()
