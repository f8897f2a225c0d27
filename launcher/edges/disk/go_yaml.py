"""YAML as kubectl reads it, where PyYAML makes another type of the same text.

`2026-11-29` is a text there and no date, `12:34` a text and no number of base 60, `=` a text; `1e3` is a
number and `y` a truth value, both texts for PyYAML (go-yaml 2, resolve.go). The first document counts.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import yaml

from launcher.edges.disk.documents import StrictLoader

__all__ = ["GoLoader", "first_document"]

_TAG = "tag:yaml.org,2002:"
_BOOL = {
    text: value
    for value, words in ((True, ("y", "yes", "on", "true")), (False, ("n", "no", "off", "false")))
    for word in words
    for text in (word, word.capitalize(), word.upper())
}
_DIGITS = "[0-9_]{0,400}"
_NUMBER = (
    r"[-+]?(?:0b[01_]{1,400}|0o[0-7_]{1,400}|0x[0-9a-fA-F_]{1,400}"
    rf"|(?:[0-9]{_DIGITS}(?:\.{_DIGITS})?|\.[0-9]{_DIGITS})(?:[eE][-+]?[0-9][0-9_]{{0,8}})?"
    r"|\.(?:inf|Inf|INF|nan|NaN|NAN))"
)
_OCTAL = re.compile(r"[-+]?0[0-7]{1,400}")


class GoLoader(StrictLoader):
    """The loader of a kubeconfig, and of what a credential program prints."""


GoLoader.yaml_implicit_resolvers = {}  # none of PyYAML's


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


def _number(loader: GoLoader, node: yaml.ScalarNode) -> int | float:
    text = str(loader.construct_scalar(node)).replace("_", "").lower().replace(".inf", "inf")
    if _OCTAL.fullmatch(text):
        return int(text, 8)
    try:
        return int(text, 0)
    except ValueError:
        return float(text.replace(".nan", "nan"))


def _bool(loader: GoLoader, node: yaml.ScalarNode) -> bool:
    return _BOOL[str(loader.construct_scalar(node))]


def _text(loader: GoLoader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


for _name, _pattern, _first in (
    ("null", "|~|null|Null|NULL", ["", "~", "n", "N"]),
    ("bool", "|".join(_BOOL), list("yYnNtTfFoO")),
    ("float", _NUMBER, list("0123456789+-.")),
    ("merge", "<<", ["<"]),
):
    GoLoader.add_implicit_resolver(_TAG + _name, re.compile(rf"(?:{_pattern})\Z"), _first)
for _name, _make in (
    ("bool", _bool),
    ("float", _number),
    ("merge", _text),
    ("timestamp", _text),
    ("value", _text),
):
    GoLoader.add_constructor(_TAG + _name, _make)
