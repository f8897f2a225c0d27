"""What Helm has recorded of a release, put together from two questions that have to be about the same record.

``helm list`` tells whether a record has our label, ``helm status`` what its values are. A release that
another process installs or removes between both is in one answer only. Without a further look a job of ours
that was just going away was "not this launcher's job: Helm's record does not carry the label".
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from launcher.core.views import Presence, ReleaseView, Seen
from launcher.edges.helm.side_by_side import side_by_side

__all__ = ["agreed"]

_MOST_LOOKS = 4


def agreed(
    ask_list: Callable[[threading.Event | None], ReleaseView | None],
    ask_status: Callable[[], Seen[ReleaseView]],
) -> Seen[ReleaseView]:
    """Return a record with its values, its label and its chart.

    Args:
        ask_list: returns what ``helm list`` shows by our label, None for nothing; stops on the event.
        ask_status: returns it as ``helm status`` does.
    """
    listed, seen = side_by_side(ask_list, ask_status)
    looks = 1
    while seen.presence is not Presence.UNAVAILABLE and (listed is None) is not (seen.value is None):
        if looks == _MOST_LOOKS:
            return Seen.unavailable("the release is made and removed again and again")
        before, listed = seen.value, ask_list(None)
        seen, looks = ask_status(), looks + 1
        if listed is None and _is_same(before, seen.value):
            break  # it was there all the time, and has no label of ours
    if seen.value is None or listed is None:
        return seen
    return Seen.found(replace(seen.value, chart=listed.chart, labelled=listed.labelled))


def _is_same(one: ReleaseView | None, other: ReleaseView | None) -> bool:
    """Return whether both are the same install of a release: Helm dates it once."""
    return one is not None and other is not None and one.updated == other.updated
