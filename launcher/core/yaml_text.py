"""YAML as Helm and kubectl read and write it, where PyYAML makes another type of the same text.

`2026-11-29` is a text there and no date, `12:34` a text and no number of base 60, `=` and `<<` in a list are
texts; `1e3` and `08` are numbers and `y` a truth value, all three texts for PyYAML (go-yaml 2, resolve.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from math import inf
from typing import Any, TypeVar

import yaml

from launcher.core import foreign

__all__ = ["documents", "problem_of", "read_as_go", "readable", "written", "written_all"]

_WIDTH = 110
_TAG = "tag:yaml.org,2002:"
_BOOL = {
    text: value
    for value, words in ((True, ("y", "yes", "on", "true")), (False, ("n", "no", "off", "false")))
    for word in words
    for text in (word, word.capitalize(), word.upper())
}
_DIGITS = "[0-9_]{0,400}"
_NUMBER = (
    r"[-+]?(?:0[bB][01_]{1,400}|0[oO][0-7_]{1,400}|0[xX][0-9a-fA-F_]{1,400}"
    rf"|(?:[0-9]{_DIGITS}(?:\.{_DIGITS})?|\.[0-9]{_DIGITS})(?:[eE][-+]?[0-9][0-9_]{{0,8}})?"
    r"|\.(?:inf|Inf|INF|nan|NaN|NAN))"
)
_OCTAL = re.compile(r"[-+]?0[0-7]{1,400}")
# In single quotes PyYAML leaves them as they are, and reads them as blanks.
_LINE_ENDS = re.compile("[\x85\u2028\u2029]")
_BEGIN_NUMBER = list("0123456789+-.")
# go-yaml 3, which kustomize and Flux have, makes a time of it.
_DATE = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t][0-9].{0,40})?"
_IMPLICIT: tuple[tuple[str, str, list[str]], ...] = (
    ("null", "|~|null|Null|NULL", ["", "~", "n", "N"]),
    ("bool", "|".join(_BOOL), list("yYnNtTfFoO")),
    ("float", _NUMBER, _BEGIN_NUMBER),
    ("merge", "<<", ["<"]),
)
# Of PyYAML's words those that say nothing to whoever has not read its code.
_PROBLEMS = {
    "but found another document": "a second document begins, and one is read: take it out",
    f"could not determine a constructor for the tag '{_TAG}value'": "`=` must be quoted",
    f"could not determine a constructor for the tag '{_TAG}merge'": "`<<` must be quoted",
}
_Loader = TypeVar("_Loader", bound=type)


def read_as_go(loader: _Loader) -> _Loader:
    """Let a loader of PyYAML see the types that Helm and kubectl see; for its own class only."""
    made: Any = loader
    made.yaml_implicit_resolvers = {}  # none of PyYAML's
    for name, pattern, first in _IMPLICIT:
        made.add_implicit_resolver(_TAG + name, re.compile(rf"(?:{pattern})\Z"), first)
    for name, make in (
        ("bool", _bool),
        ("float", _number),
        ("merge", _text),
        ("timestamp", _text),
        ("value", _text),
    ):
        made.add_constructor(_TAG + name, make)
    return loader


def _number(loader: Any, node: yaml.ScalarNode) -> int | float | str:
    written_so = str(loader.construct_scalar(node))
    text = written_so.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan")
    if _OCTAL.fullmatch(text):
        return int(text, 8)
    with suppress(ValueError):
        return int(text, 0)
    with suppress(ValueError):  # `0x_` is no number at all, `1e400` none that Go has
        number = float(text)
        return number if abs(number) != inf or "inf" in text else written_so
    return written_so


def _bool(loader: Any, node: yaml.ScalarNode) -> bool:
    text = str(loader.construct_scalar(node))
    return _BOOL[text]


def _text(loader: Any, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


@read_as_go
class _Manifests(yaml.SafeLoader):
    """The loader of what a chart prints: of a key that occurs twice the last one counts, as for Helm."""


@read_as_go
class _Quick(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same for what Helm has kept, which can be a megabyte."""


def documents(text: str, *, quick: bool = False) -> list[Any]:
    """Return the documents of a text that Helm has printed.

    Args:
        text: YAML.
        quick: it is known to be no deeper than what a cluster has taken.

    Raises:
        whatever PyYAML raises.
    """
    return list(yaml.load_all(text, Loader=_Quick if quick else _Manifests))


def problem_of(error: yaml.MarkedYAMLError) -> str:
    """Return what is wrong with a text, without its place."""
    return _PROBLEMS.get(str(error.problem), str(error.problem))


class _Dumper(yaml.SafeDumper):
    """Puts into quotes what any reader takes for something else than a text; writes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        """Say yes."""
        del data
        return True


def _quoted(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = '"' if _LINE_ENDS.search(text) else None
    return dumper.represent_scalar(f"{_TAG}str", text, style=style)


_Dumper.add_representer(str, _quoted)
# Behind PyYAML's own, so that its numbers stay numbers: what these alone see is a text.
for _pattern, _first in ((_NUMBER, _BEGIN_NUMBER), ("|".join(_BOOL), list("yYnN")), (_DATE, _BEGIN_NUMBER)):
    _Dumper.add_implicit_resolver(f"{_TAG}go", re.compile(rf"(?:{_pattern})\Z"), _first)


def written(value: Any, *, unicode: bool = True) -> str:
    """Return a value as YAML that PyYAML, Helm and kubectl read as that value.

    Args:
        value: of texts, numbers, truth values, lists and mappings, without a circle.
        unicode: letters beyond ASCII as they are; without, escaped.
    """
    return written_all([value], unicode=unicode)


def readable(value: Any) -> str:
    """Return a value as :func:`written` does: letters as they are, unless a reader is misled by one.

    That is a control character, which a terminal obeys, or one that turns the direction of what follows.
    """
    text = written(value)
    return text if foreign.lines(text) == text else written(value, unicode=False)


def written_all(values: Iterable[Any], *, unicode: bool = True) -> str:
    """Return values as YAML documents, as :func:`written` does."""
    return str(yaml.dump_all(values, Dumper=_Dumper, sort_keys=False, allow_unicode=unicode, width=_WIDTH))
