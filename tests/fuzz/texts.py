"""Hostile texts and JSON, from a seeded generator; and what no output may hold."""

from __future__ import annotations

import json
import random
import re
from typing import Any

__all__ = ["dangers", "grafted", "mutated", "text", "value", "wounded"]

_WORDS = (
    "", "a", "site-1", "none", "null", "~", "nan", "inf", "1e300", "1e400", "-1", "0x" + "f" * 5000, "9" * 5000,
    "²", "1" * 30, "[/x]", "[bold red]x", ":skull:", "\x1b[31mred\x1b]0;title\x07", "a\x9b31m", "\u202eevil\u2066",
    "\udc00a", "\ud83d", "a\nb: c", "x\r\n  cure: run this", "\u2028line\u2029", "\x00", "\ufeffx", "💥" * 50,
    '"', "'", "{{ job.site }}", "{% for a in b %}", "${HOME}", "$(id)", "`id`", "; rm -rf /", "../../etc/passwd",
    "/dev/null", 'exec "' * 3000, "a" * 9000, " " * 9000, "{" * 500, "Bearer abcdefghijklmnop", "\U000e0041",
    "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "yesterday", "100m", "1Ei",
    "\u0085next", "\u2029", "\x7f", "\x80", "\ufffe", "\uffff", "\u200b", "\u00ad", "\ufff9x", "a\tb", "\x0b\x0c\x1c",
    "-rf", "--help", "=", "a=b", "#", "&a", "*a", "!!int x", "<<", "%s%n", "%(levelname)s", "{0.__class__}", "{}", "\\",
    "x" * 70_000, "k" * 300, ("ab " * 30_000), "(" * 3000, "0/3 nodes are available: " + "1 Insufficient cpu, " * 2000,
    "pull " * 2000, "-----BEGIN PRIVATE KEY-----" * 300, "://a:" * 4000, "token=" * 3000, "e" + "y" * 20 + "." * 9000,
    "1_000", "0b1", "0o7", "١٢٣", "\uff11\uff12", "+1", "1e-400", "12:30:45", "1" * 400 + "Gi", "1e99999999", "-0", ".5", "True",
    "site-1\n", " site-1", "SITE-1", "s" * 64, "default", "server", "@default", "k8s", "__class__", "constructor",
)  # fmt: skip
_NUMBERS = (
    0, 1, -1, 2**31, 2**63, -(2**63), 10**400, 1e300, float("inf"), float("nan"), 0.5, True, False, 5e-324, 2**1000,
    2**63 - 1, 1e18, -0.0,
)  # fmt: skip
_DEEPEST = 30
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


# What YAML reads as something else, or not at all; JSON has none of it.
_YAML = (
    "&a ", "*a", "!!binary ", "!!python/object/apply:os.system ", "!!timestamp ", "!!set ", "!!omap ", "<<: ", "? ", "| ", "---\n",
    "...\n", "%YAML 1.2\n", "\t", "{a: *a}", "&a [*a]", "0x" + "f" * 9000, "1:2:3", "0o17", ".inf", ".nan", "~", "2026-01-01", "'",
)  # fmt: skip


def wounded(rng: random.Random, written: str) -> str:
    """Return a file with a wound now and then: a text, words of YAML, a part twice, the rest gone."""
    kind = rng.random()
    at = rng.randrange(len(written) + 1)
    if kind < 0.06:
        return written[:at] + text(rng) + written[at + rng.randrange(3) :]
    if kind < 0.1:
        return written[:at] + rng.choice(_YAML) + written[at:]
    if kind < 0.12:
        return written[:at]
    if kind < 0.14:  # keys twice, as a rule
        end = at + rng.randrange(200)
        return written[:at] + written[at:end] + written[at:]
    if kind < 0.15:
        return f"{written[: len(written) // 2]}{written}"
    return written


def grafted(rng: random.Random, tree: Any) -> Any:
    """Return a copy of JSON in which one place, at any depth, holds any other value.

    Recorded objects are deep, and :func:`mutated` seldom reaches a leaf without breaking what is above it.
    """
    found = json.loads(json.dumps(tree))
    for _ in range(rng.choice((1, 1, 2, 5))):
        place: Any = found
        while True:
            keys = list(place) if isinstance(place, dict) else range(len(place))
            if not keys:
                break
            key = rng.choice(keys)
            below = place[key]
            if isinstance(below, (dict, list)) and below and rng.random() < 0.85:
                place = below
                continue
            place[key] = value(rng)
            if isinstance(place, dict) and rng.random() < 0.1:
                place[text(rng)] = place.pop(key)
            if isinstance(place, list) and rng.random() < 0.1:
                place += [below] * (1000 if len(json.dumps(below)) < 2000 else 2)
            break
    return found


def _deep(rng: random.Random) -> Any:
    found: Any = 1
    for _ in range(rng.choice((50, 150, 600))):
        found = [found] if rng.random() < 0.5 else {"a": found}
    return found


def mutated(rng: random.Random, tree: Any, rate: float = 0.12, depth: int = 0) -> Any:
    """Return a copy of JSON in which some parts are replaced, left out, or joined by others."""
    if depth > _DEEPEST:
        return tree
    if rng.random() < rate / 3:
        return value(rng)
    if isinstance(tree, dict):
        found = {
            key: mutated(rng, item, rate, depth + 1) for key, item in tree.items() if rng.random() > rate / 4
        }
        if rng.random() < rate:
            found[text(rng)] = value(rng)
        return found
    if isinstance(tree, list):
        return [mutated(rng, item, rate, depth + 1) for item in tree] + (
            [value(rng)] if rng.random() < rate else []
        )
    return value(rng, 1) if rng.random() < rate else tree
