"""The lines of an answer that comes in parts: a log, or the changes of a watch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["lines_in"]


def lines_in(parts: Iterable[bytes], *, with_rest: bool = False) -> Iterator[bytes]:
    """Yield the lines, without their ends; a last one that has no end only ``with_rest``.

    Each byte is looked at once, however many parts a line comes in: a pod may have a megabyte.
    """
    begun: list[bytes] = []
    for part in parts:
        first, *lines = part.split(b"\n")
        begun.append(first)
        if lines:
            yield b"".join(begun)
            *whole, last = lines
            yield from whole
            begun = [last]
    if with_rest and (rest := b"".join(begun)):
        yield rest
