"""The objects that a pod names, each of them once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from launcher.core.plan.views import Reference

__all__ = ["merged"]


def merged(references: Iterable[Reference]) -> tuple[Reference, ...]:
    """Return one reference for each object: what one place needs of it, no other makes optional.

    Args:
        references: of a pod, in its order.
    """
    found: dict[tuple[str, str], Reference] = {}
    for one in references:
        key = (one.use.kind, one.name)
        found[key] = _both(found[key], one) if key in found else one
    return tuple(found.values())


def _both(one: Reference, two: Reference) -> Reference:
    strict, lax = sorted((one, two), key=lambda each: each.optional or each.for_pull)
    if lax.optional or lax.for_pull:
        return strict
    return replace(strict, keys=tuple(dict.fromkeys((*strict.keys, *lax.keys))))
