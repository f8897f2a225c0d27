"""Hostile texts and JSON, from a seeded generator; and what no output may hold."""

from __future__ import annotations

import random
import re
from typing import Any

__all__ = ["dangers", "mutated", "text", "value"]

_WORDS = (
    "", "a", "site-1", "none", "null", "~", "nan", "inf", "1e300", "1e400", "-1", "0x" + "f" * 5000, "9" * 5000,
    "²", "1" * 30, "[/x]", "[bold red]x", ":skull:", "\x1b[31mred\x1b]0;title\x07", "a\x9b31m", "\u202eevil\u2066",
    "\udc00a", "\ud83d", "a\nb: c", "x\r\n  cure: run this", "\u2028line\u2029", "\x00", "\ufeffx", "💥" * 50,
    '"', "'", "{{ job.site }}", "{% for a in b %}", "${HOME}", "$(id)", "`id`", "; rm -rf /", "../../etc/passwd",
    "/dev/null", 'exec "' * 3000, "a" * 9000, " " * 9000, "{" * 500, "Bearer abcdefghijklmnop", "\U000e0041",
    "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "yesterday", "100m", "1Ei",
)  # fmt: skip
_NUMBERS = (0, 1, -1, 2**31, 2**63, -(2**63), 10**400, 1e300, float("inf"), float("nan"), 0.5, True, False)
# Beside the line end and the tab of a text with several lines.
_DANGEROUS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


def dangers(output: str) -> list[str]:
    """Return the control, bidi and surrogate characters in what was printed, and traces of errors."""
    found = [f"U+{ord(char):04X}" for char in dict.fromkeys(_DANGEROUS.findall(output))]
    return [*found, *(["Traceback"] if "Traceback (most recent" in output else [])]


def text(rng: random.Random) -> str:
    """Return a hostile text, of one to three parts."""
    return "".join(rng.choice(_WORDS) for _ in range(rng.choice((1, 1, 1, 2, 3))))


def value(rng: random.Random, depth: int = 3) -> Any:
    """Return any JSON; some of it goes deep, some wide."""
    kind = rng.random()
    if depth == 0 or kind < 0.45:
        return text(rng)
    if kind < 0.6:
        return rng.choice(_NUMBERS)
    if kind < 0.7:
        return None
    if kind < 0.72:
        return _deep(rng)
    if kind < 0.85:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {text(rng): value(rng, depth - 1) for _ in range(rng.randrange(4))}


def _deep(rng: random.Random) -> Any:
    found: Any = 1
    for _ in range(rng.choice((50, 150, 600))):
        found = [found] if rng.random() < 0.5 else {"a": found}
    return found


def mutated(rng: random.Random, tree: Any, rate: float = 0.12) -> Any:
    """Return a copy of JSON in which some parts are replaced, left out, or joined by others."""
    if rng.random() < rate / 3:
        return value(rng)
    if isinstance(tree, dict):
        found = {key: mutated(rng, item, rate) for key, item in tree.items() if rng.random() > rate / 4}
        if rng.random() < rate:
            found[text(rng)] = value(rng)
        return found
    if isinstance(tree, list):
        return [mutated(rng, item, rate) for item in tree] + ([value(rng)] if rng.random() < rate else [])
    return value(rng, 1) if rng.random() < rate else tree
