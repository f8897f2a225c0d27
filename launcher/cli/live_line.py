"""A status line for a job that is waited for: updated in place on a terminal, else a line per change."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from launcher.cli.width import say
from launcher.core.lifecycle.state import Track
from launcher.core.report.status import describe
from launcher.usecases.handle import Notify
from launcher.usecases.ports import Clock

__all__ = ["live_line"]


@contextmanager
def live_line(name: str, clock: Clock) -> Iterator[Notify]:
    """Yield a callback for ``JobHandle.wait`` that keeps the line on stderr up to date."""
    if not sys.stderr.isatty():
        yield _plain(name, clock)
        return
    from rich.console import Console  # noqa: PLC0415 - only for terminals
    from rich.text import Text  # noqa: PLC0415

    # Text, since rich reads [brackets] in a str as markup: an image may be called "busybox[/x]".
    last = ""

    def text_of(track: Track) -> Text:
        nonlocal last
        last = f"{name}  {describe(track, clock.monotonic())}"
        return Text(last)

    try:
        with Console(stderr=True).status(Text(name)) as status:
            yield lambda track: status.update(text_of(track))
    except KeyboardInterrupt:
        # The line is wiped; what it said last is what the user wants to know now.
        say(f"\n{last}" if last else "", err=True)
        raise


def _plain(name: str, clock: Clock) -> Notify:
    shown = ""

    def notify(track: Track) -> None:
        nonlocal shown
        verdict = track.verdict
        # Not compared: the detail, which changes with every event ("Back-off 10s", "20s"), and the time left.
        line = f"{track.state.value} {verdict.code.value if verdict else ''} {track.stale_since is not None}"
        if line != shown and track.outcome is None:
            say(f"{name}  {describe(track, clock.monotonic())}", err=True)
            shown = line

    return notify
