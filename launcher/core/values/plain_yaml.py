"""YAML of a site without the types that PyYAML alone sees in plain text.

``12:30`` is 750 for PyYAML (YAML 1.1, a number of base 60), ``2026-01-01`` a date, ``=`` an error; for Helm
and kubectl all three are texts. Study files are read as FLARE reads them, which is PyYAML's way.
"""

from __future__ import annotations

from typing import Any

__all__ = ["PlainText"]

_TAG = "tag:yaml.org,2002:"
_TEXT = f"{_TAG}str"
_TEXTS = frozenset({f"{_TAG}timestamp", f"{_TAG}value"})
_NUMBERS = frozenset({f"{_TAG}int", f"{_TAG}float"})


class PlainText:
    """A base of loaders, to stand before PyYAML's: what only PyYAML makes of a plain text stays text."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        """Return the tag of a node; ``value`` is its text, None of a mapping or list."""
        tag = super().resolve(kind, value, implicit)  # type: ignore[misc]
        return _TEXT if tag in _TEXTS or (tag in _NUMBERS and ":" in value) else tag
