"""Parts of an API object, whatever stands there instead of them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from launcher.core import foreign

__all__ = ["as_bytes", "as_map", "as_maps", "as_name", "as_text"]

_LONGEST_NAME = 253


def as_map(value: Any) -> Mapping[str, Any]:
    """Return a mapping, an empty one for what is none."""
    return value if isinstance(value, Mapping) else {}


def as_maps(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings of a list, none of what is no list."""
    return (item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else iter(())


def as_text(value: Any) -> str:
    """Return a text as one line that is harmless to show, an empty one for what is none."""
    return foreign.line(value) if isinstance(value, str) else ""


def as_name(value: Any) -> str:
    """Return the name of an object as :func:`as_text`, no longer than Kubernetes lets one be."""
    return foreign.line(value, _LONGEST_NAME) if isinstance(value, str) else ""


def as_bytes(value: Any) -> bytes:
    """Return a value of a Secret's ``data``, nothing of what is no base64."""
    try:
        return base64.b64decode(value)
    except (binascii.Error, TypeError, ValueError):
        return b""
