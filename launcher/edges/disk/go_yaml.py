"""YAML as kubectl reads it: :mod:`launcher.core.yaml_text` knows the types. The first document counts."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import yaml

from launcher.core.yaml_text import read_as_go
from launcher.edges.disk.documents import StrictLoader

__all__ = ["GoLoader", "first_document"]


@read_as_go
class GoLoader(StrictLoader):
    """The loader of a kubeconfig, and of what a credential program prints."""


def first_document(text: str) -> Any:
    """Return the first document.

    Raises:
        whatever PyYAML raises.
    """
    if text.lstrip().startswith("{"):
        # PyYAML knows no tabs between the parts of JSON, kubectl does.
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    loader = GoLoader(text)
    try:
        loader.check_data()  # type: ignore[no-untyped-call]
        return loader.get_data()
    finally:
        loader.dispose()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise yaml.constructor.ConstructorError(None, None, "a key occurs twice", None)
    return found


def _no_number(text: str) -> str:
    return text  # NaN and Infinity are texts in YAML
