"""The tree of errors: as its docstring draws it, and nobody changes an error that was made."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import launcher
from launcher import errors
from launcher.errors import Denied, LauncherError, LaunchFailed, LeftBehind, NotPrepared, Reason, Unavailable

FILES = sorted(Path(launcher.__file__).parent.rglob("*.py"))


def drawn() -> dict[str, str]:
    """Return the parent of every class in the drawing, by its indent."""
    tree: dict[str, str] = {}
    above: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        mark, _, words = line.rpartition("── ")
        if not mark and not line.startswith("    LauncherError"):
            continue
        depth = len(mark)
        name = words.split()[0]
        parents = [indent for indent in above if indent < depth]
        tree[name] = above[max(parents)] if parents else "Exception"
        above = {indent: one for indent, one in above.items() if indent < depth} | {depth: name}
    return tree


def test_the_tree_is_drawn_as_it_is():
    classes = [getattr(errors, name) for name in errors.__all__ if name != "Reason"]
    assert drawn() == {one.__name__: one.__bases__[0].__name__ for one in classes}
    assert all(len(one.__bases__) == 1 for one in classes)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_error_is_changed_after_it_was_caught(path):
    caught = {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler) and node.name
    }
    changed = {
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    assert {name for name in changed if name.partition(".")[0] in caught} == set()


@pytest.mark.parametrize("kind", [NotPrepared, LeftBehind])
def test_a_launch_that_failed_says_what_its_failure_says(kind):
    failure = Denied("no", cure="grant it", reason=Reason.FORBIDDEN)
    error = kind(failure)
    assert isinstance(error, LaunchFailed)
    assert (str(error), error.reason, error.because) == (str(failure), Reason.FORBIDDEN, failure)
    assert str(kind(failure, message="worse", cure="call")) == "worse\n  cure: call"


def test_a_reason_is_text_for_who_prints_it():
    assert Reason.QUOTA_EXCEEDED == "QuotaExceeded"
    assert LauncherError("x").reason is None
    assert Unavailable("x", retry_after=7).retry_after == 7
