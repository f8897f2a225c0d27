"""The rooms, their arrows and their budgets (CONTRIBUTING.md draws them)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "launcher"
FILES = sorted(ROOT.rglob("*.py"))
MAX_FILE, MAX_FUNCTION = 300, 40

# Room -> what it may import besides the standard library. First match wins.
ROOMS: tuple[tuple[str, frozenset[str]], ...] = (
    ("core/values.py", frozenset({"launcher.core", "launcher.errors", "jinja2", "yaml"})),
    ("core/bundle.py", frozenset({"launcher.core", "launcher.errors", "yaml"})),
    ("core/", frozenset({"launcher.core", "launcher.errors"})),
    ("errors.py", frozenset()),
    ("__init__.py", frozenset({"launcher.core", "launcher.errors"})),
    ("__main__.py", frozenset({"launcher.cli"})),
    ("usecases/", frozenset({"launcher.core", "launcher.errors", "launcher.usecases"})),
    (
        "edges/",
        frozenset(
            {
                "launcher.core",
                "launcher.errors",
                "launcher.edges",
                "pyhelm3",
                "kubernetes",
                "urllib3",
                "tenacity",
                "pydantic",
                "pydantic_core",
                "yaml",
            }
        ),
    ),
    (
        "composition.py",
        frozenset(
            {
                "launcher.core",
                "launcher.errors",
                "launcher.edges",
                "launcher.usecases",
            }
        ),
    ),
    ("cli", frozenset({"launcher", "click", "rich", "yaml"})),
    ("flare", frozenset({"launcher", "nvflare"})),
)
# Outside library -> the only room that may import it.
ONE_IMPORTER = {
    "pyhelm3": "edges/helm",
    "kubernetes": "edges/kube",
    "urllib3": "edges/kube",
    "pydantic": "edges/config.py",
    "nvflare": "flare",
    "click": "cli",
    "rich": "cli",
    "jinja2": "core/values.py",
}
IMPURE = frozenset(
    {"os", "time", "threading", "logging", "socket", "subprocess", "asyncio", "pathlib", "random", "uuid"}
)


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
    return found - {"__future__"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_within(module: str, allowed: frozenset[str]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in allowed)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_room_imports_only_what_its_row_allows(path):
    name = name_of(path)
    allowed = next((allowed for prefix, allowed in ROOMS if name.startswith(prefix)), None)
    assert allowed is not None, f"{name} belongs to no room"
    outside = {m for m in imports(path) if m.partition(".")[0] not in sys.stdlib_module_names}
    assert {m for m in outside if not is_within(m, allowed)} == set()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_an_outside_library_has_one_importer(path):
    wrong = {
        m for m in imports(path) if not name_of(path).startswith(ONE_IMPORTER.get(m.partition(".")[0], ""))
    }
    assert wrong == set()


@pytest.mark.parametrize("path", [p for p in FILES if name_of(p).startswith("core/")], ids=name_of)
def test_core_touches_nothing(path):
    assert {m.partition(".")[0] for m in imports(path)} & IMPURE == set()
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert calls & {"open", "print", "input", "eval", "exec"} == set()


@pytest.mark.parametrize("path", [p for p in FILES if name_of(p).startswith("usecases/")], ids=name_of)
def test_use_cases_take_time_from_the_clock(path):
    assert imports(path) & {"time", "os", "pathlib", "subprocess"} == set()
    # The type is needed for annotations; asking it for the time is what the port is for.
    asked = {
        ast.unparse(node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)
    }
    assert asked & {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"} == set()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_keep_their_budget(path):
    text = path.read_text()
    assert text.count("\n") <= MAX_FILE
    long = {
        f"{node.name}: {(node.end_lineno or node.lineno) - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (node.end_lineno or node.lineno) - node.lineno + 1 > MAX_FUNCTION
    }
    assert long == set()
