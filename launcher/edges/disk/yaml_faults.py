"""Why a text is no YAML and no JSON, in words for whoever has written it."""

from __future__ import annotations

import re

import yaml

from launcher.core.checks import DEEPEST
from launcher.core.yaml_text import problem_of
from launcher.errors import InvalidInput

__all__ = ["TOO_DEEP", "fault", "of_python"]

TOO_DEEP = f"is nested more than {DEEPEST} levels deep"
# What Python says of a number of more than 4300 digits.
_DIGITS = re.compile(r"Exceeds the limit \(\d+(?: digits)?\)")
_TOO_LONG = "it has a number of more than 4300 digits"
# What begins a tag, an alias, an anchor, or nothing at all: `password: *secret`.
_NEEDS_QUOTES = "!*&%@`"
# A problem that quotes no more than tokens: `expected ',' or ']', but got '<scalar>'`.
_QUOTES_TOKENS = re.compile(r"""(?:[^'"]|'<[a-z ]{1,30}>'|'[\]},:?-]'|'\\t'){1,200}""")


def fault(error: Exception, text: str, source: str, *, secret: bool) -> InvalidInput:
    """Return why a text is no YAML, with its place; ``secret``: nothing of it is quoted."""
    if isinstance(error, yaml.reader.ReaderError):
        # It counts characters, and quotes none.
        before = text[: error.position]
        where = f"{source}:{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}"
        return InvalidInput(
            f"has the character #x{error.character:04x}, which YAML does not allow",
            where=where,
            cure="take it out, or write it as an escape in double quotes",
        )
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    if not isinstance(error, yaml.MarkedYAMLError):
        why = "is not YAML" if secret else f"is not YAML: {of_python(error)}"
        return InvalidInput(why, where=source, cure="correct the file")
    problem = problem_of(error)
    if secret:
        problem = _unquoted(problem, text[mark.index : mark.index + 1] if mark else "")
    where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
    return InvalidInput(problem, where=where, cure="correct the YAML there")


def of_python(error: Exception) -> str:
    """Return why a text cannot be read, without advice to whoever writes Python."""
    if isinstance(error, RecursionError):
        return TOO_DEEP
    return _TOO_LONG if _DIGITS.match(str(error)) else str(error)


def _unquoted(problem: str, first: str) -> str:
    """Return a problem of PyYAML without what it quotes, which may be a password that begins with `!`."""
    if first and first in _NEEDS_QUOTES:
        return f"a value that begins with `{first}` must be quoted"
    if _QUOTES_TOKENS.fullmatch(problem):
        return problem
    return "a key occurs twice" if problem.endswith("occurs twice") else "a value there must be quoted"
