"""Whatever a values template makes has an end: a number of steps, and a length of every value in it.

Nothing can stop a Python thread, and a template runs in the process that watches all jobs: forty lines of
``{% set a = a ~ a %}`` took all memory, some nested loops over an image's name hours. The limits are far
above what values need: Helm keeps a release in one object of at most 1 MiB.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = [
    "CALL",
    "Endless",
    "concatenated",
    "is_endless",
    "joined",
    "limited",
    "limited_filter",
    "literal",
    "refuse_long_replace",
    "round_cost",
    "rounds",
    "short",
    "sum_of_numbers",
    "take",
]

_LONGEST = 2**16  # characters and items of one value, all levels together
_MOST_BITS = (
    2**10
)  # of a number: 308 digits; a product of numbers with 39,000 takes a quarter of a millisecond
_MOST_STEPS = 500_000
CALL = 5  # steps
# What costs as much as a step: items looked at, characters made, characters of a template that are copied.
_VISITED, _MADE, _COPIED = 8, 128, 1024
_LARGEST_ARGUMENT = 100  # `round(99999999, 'floor')` makes a number of that many digits
_WIDE = re.compile(r"\d{5}|\*")  # "%1000000000d" % 1


class Endless(ValueError):
    """A template makes too much, or does not come to an end."""


class _Steps:
    """How many steps a template may still take."""

    def __init__(self) -> None:
        self.left = _MOST_STEPS


_STEPS: ContextVar[_Steps | None] = ContextVar("fljob_template_steps", default=None)


@contextmanager
def limited() -> Iterator[None]:
    """Give the template that is rendered inside a number of steps."""
    token = _STEPS.set(_Steps())
    try:
        yield
    finally:
        _STEPS.reset(token)


def take(number: int) -> None:
    """Count steps.

    Raises:
        Endless: none is left.
    """
    steps = _STEPS.get()
    if steps is None:  # a constant that jinja2 computes when it compiles
        return
    steps.left -= number
    if steps.left < 0:
        raise Endless("the template does not come to an end, or makes too much")


def round_cost(text: str) -> int:
    """Return the steps of what may copy all the text of a template once."""
    return 1 + len(text) // _COPIED


def short(value: Any, what: str) -> Any:
    """Return a value that is no longer than any in a template may be, lazy ones as they are.

    Raises:
        Endless: it is longer; ``what`` has made it.
    """
    size = visited = 0
    queue = [value]
    while queue:
        one = queue.pop()
        visited += 1
        if isinstance(one, int) and one.bit_length() > _MOST_BITS:
            raise _too_long(what)
        if isinstance(one, (str, Mapping, list, tuple)):
            size += len(one)
            if size > _LONGEST:
                raise _too_long(what)
            queue += _below(one)
    take(1 + visited // _VISITED + size // _MADE)
    return value


def _below(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    return () if isinstance(value, str) else value


def _too_long(what: str) -> Endless:
    return Endless(f"the result of {what} is too long")


def rounds(items: Any, cost: int) -> Iterator[Any]:
    """Yield what a loop goes through, and count its rounds."""
    for item in items:
        take(cost)
        yield item


def concatenated(parts: Iterable[Any]) -> str:
    """Return the text that ``a ~ b`` makes."""
    return str(short("".join(map(str, parts)), "~"))


def literal(value: Any) -> Any:
    """Return a list or mapping as a template writes it: it may repeat a long one."""
    return short(value, "a list")


def joined(items: Any, separator: Any) -> list[Any]:
    """Return the items of what is joined, if the result is not too long."""
    found = list(items)
    short(found, "join")
    if isinstance(separator, str) and len(found) * len(separator) > _LONGEST:
        raise _too_long("join")
    return found


def refuse_long_replace(text: Any, old: Any = "", new: Any = "", *_more: Any) -> None:
    """Refuse a replacement that makes a text too long."""
    if isinstance(text, str) and isinstance(new, str):
        times = text.count(old) if isinstance(old, str) else 0
        if len(text) + times * len(new) > _LONGEST:
            raise _too_long("replace")


def sum_of_numbers(items: Iterable[Any], attribute: Any = None, start: float = 0) -> Any:
    """Add numbers; of lists each addition would copy all before it."""
    total: Any = start
    for item in items:
        one = item if attribute is None else item[attribute]
        if not isinstance(one, (int, float)):
            raise TypeError("sum adds numbers only")
        total = short(total + one, "sum")
    return total


def limited_filter(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter of jinja2 whose result has an end."""

    @functools.wraps(function)  # keeps the mark that says which argument comes before the value
    def filtered(*args: Any, **more: Any) -> Any:
        at = 1 if hasattr(function, "jinja_pass_arg") else 0
        words = list(args)
        if name == "join":
            words[at] = joined(words[at], more.get("d", words[at + 1] if len(words) > at + 1 else ""))
        elif name == "replace":
            refuse_long_replace(*words[at:], *more.values())
        elif name in {"round", "tojson"}:
            numbers = [one for one in (*words[at + 1 :], *more.values()) if isinstance(one, int)]
            if any(abs(one) > _LARGEST_ARGUMENT for one in numbers):
                raise _too_long(name)
        return short(function(*words, **more), name)

    return filtered


def is_endless(operator: str, left: Any, right: Any) -> bool:
    """Return whether an operator makes a long text, or a number of that many digits, of short operands."""
    if operator == "**":
        is_number = isinstance(left, int) and isinstance(right, int)
        return is_number and left.bit_length() * abs(right) > _MOST_BITS
    if operator == "%":
        return isinstance(left, str) and (_WIDE.search(left) is not None or len(left) > _LONGEST)
    pairs = ((left, right), (right, left)) if operator == "*" else ()
    return any(
        isinstance(times, int) and hasattr(text, "__len__") and len(text) * times > _LONGEST
        for text, times in pairs
    )
