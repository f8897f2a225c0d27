"""A screen of its own on a terminal, painted over and over until somebody ends it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from launcher.cli.live_keys import Keys, keys, lent_to_the_shell
from launcher.cli.signals import Stopped

__all__ = ["painted"]


@contextmanager
def painted(lines: Callable[[int, str], list[str]]) -> Iterator[Callable[[], None]]:
    """Yield what paints a frame over the last one; `q` leaves the context, like Ctrl-C but without an error.

    Args:
        lines: makes a frame of so many lines, with the words that say how to end it.
    """
    console, known = Console(), Keys()

    def leave() -> None:
        console.set_alt_screen(False)
        console.show_cursor()

    def come_back() -> None:
        console.set_alt_screen()
        console.show_cursor(show=False)

    try:
        with (
            keys(known),
            Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live,
            lent_to_the_shell(known, leave, come_back),
        ):

            def paint() -> None:
                size = shutil.get_terminal_size()
                # rich asks the files that stdin, stdout and stderr were when it was imported.
                console.size = size.columns, size.lines
                texts = map(Text.from_ansi, lines(size.lines, f"{'q' if known.are_read else 'Ctrl-C'} ends"))
                live.update(Group(*(_as_it_is(text) for text in texts)), refresh=True)

            yield paint
    except KeyboardInterrupt as signal:
        if isinstance(signal, Stopped) or not known.has_quit:
            raise


def _as_it_is(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "crop"
    return text
