"""The packages, the arrows between them and their budgets; docs/architecture.md draws them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ROOT = REPOSITORY / "launcher"
FILES = sorted(ROOT.rglob("*.py"))
MAX_FILE, MAX_FUNCTION, MAX_TEST_FILE = 300, 40, 500

_CORE = {"launcher.core", "launcher.errors"}
_LOGS = _CORE | {"launcher.logs"}
_USECASES = _LOGS | {"launcher.usecases"}
_EDGES = _LOGS | {"launcher.edges"}
# Package or file -> what it may import besides the standard library. First match wins.
PACKAGES: tuple[tuple[str, set[str]], ...] = (
    ("core/values/render.py", _CORE | {"jinja2", "yaml"}),
    ("core/yaml_text.py", _CORE | {"yaml"}),
    ("core/", _CORE),
    ("errors.py", {"launcher.core.foreign"}),
    ("logs.py", _CORE),
    ("__init__.py", _USECASES | {"launcher.composition"}),
    ("__main__.py", {"launcher.cli"}),
    # A verb tells; who is told knows no verb.
    ("usecases/telling/", _LOGS | {"launcher.usecases.telling", "launcher.usecases.ports"}),
    ("usecases/", _USECASES),
    ("edges/helm/", _EDGES | {"pyhelm3", "pydantic_core", "yaml"}),
    ("edges/kube/", _EDGES | {"kubernetes", "urllib3", "yaml"}),
    ("edges/registry.py", _EDGES | {"requests"}),
    ("edges/metrics/", _EDGES | {"prometheus_client"}),
    ("edges/", _EDGES | {"cryptography", "pydantic", "yaml"}),
    ("composition.py", _USECASES | _EDGES),
    # The only command that speaks with FLARE's server: as an admin, who has neither cluster nor launcher.
    ("cli/commands/federation.py", _USECASES | {"launcher.cli", "launcher.flare", "click"}),
    ("cli/", _USECASES | _EDGES | {"launcher.composition", "launcher.cli", "click", "rich", "yaml"}),
    ("flare/", _USECASES | _EDGES | {"launcher.composition", "launcher.flare", "nvflare"}),
)
# Outside library -> the only place that may import it.
ONE_IMPORTER = {
    "pyhelm3": "edges/helm/",
    "kubernetes": "edges/kube/",
    "urllib3": "edges/kube/",
    "requests": "edges/registry.py",
    "prometheus_client": "edges/metrics/",
    "cryptography": "edges/disk/certificates.py",
    "pydantic": "edges/disk/config.py",
    "nvflare": "flare/",
    "click": "cli/",
    "rich": "cli/",
    "jinja2": "core/values/render.py",
}
# The layers of the core, lowest first; a module imports from its own package and from lower layers only.
# What stands in no package is the ground, below everything; packages of one layer do not know each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("catalogue",),
    ("spec",),
    ("flare", "values"),
    ("pending",),
    ("ending", "plan"),
    ("lifecycle",),
    ("report",),
)
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
            found.update(_imported(node.module or "", [alias.name for alias in node.names]))
    return found - {"__future__"}


def _imported(module: str, names: list[str]) -> set[str]:
    """Return the modules that ``from module import names`` reaches: submodules where a name is one."""
    folder = REPOSITORY / module.replace(".", "/")
    return {
        f"{module}.{name}" if (folder / name).is_dir() or (folder / f"{name}.py").is_file() else module
        for name in names
    }


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def below(folder: str) -> list[Path]:
    return [path for path in FILES if name_of(path).startswith(folder)]


def is_within(module: str, allowed: set[str]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in allowed)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_package_imports_only_what_its_row_allows(path):
    name = name_of(path)
    allowed = next((allowed for prefix, allowed in PACKAGES if name.startswith(prefix)), None)
    assert allowed is not None, f"{name} belongs to no package"
    outside = {m for m in imports(path) if m.partition(".")[0] not in sys.stdlib_module_names}
    assert {m for m in outside if not is_within(m, allowed)} == set()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_an_outside_library_has_one_importer(path):
    wrong = {
        m for m in imports(path) if not name_of(path).startswith(ONE_IMPORTER.get(m.partition(".")[0], ""))
    }
    assert wrong == set()


def _package_in_core(module: str) -> str:
    """Return the package of a module of the core, empty for the ground."""
    parts = module.split(".")
    name = parts[2] if len(parts) > 2 else ""
    return name if (ROOT / "core" / name).is_dir() else ""


def _layer(package: str) -> int:
    return next((number for number, row in enumerate(LAYERS) if package in row), -1)


@pytest.mark.parametrize("path", below("core/"), ids=name_of)
def test_core_imports_lower_layers_only(path):
    own = path.relative_to(ROOT).parts[1] if len(path.relative_to(ROOT).parts) > 2 else ""
    assert own == "" or _layer(own) >= 0, f"{own} stands in no row of LAYERS"
    packages = {_package_in_core(m) for m in imports(path) if m.startswith("launcher.core.")}
    assert {one for one in packages if one != own and _layer(one) >= _layer(own)} == set()


@pytest.mark.parametrize("path", below("core/"), ids=name_of)
def test_core_touches_nothing(path):
    assert {m.partition(".")[0] for m in imports(path)} & IMPURE == set()
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert calls & {"open", "print", "input", "eval", "exec"} == set()


@pytest.mark.parametrize("path", below("usecases/"), ids=name_of)
def test_use_cases_take_time_from_the_clock(path):
    assert imports(path) & {"time", "os", "pathlib", "subprocess"} == set()
    # The type is needed for annotations; asking it for the time is what the port is for.
    asked = {
        ast.unparse(node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)
    }
    assert asked & {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"} == set()


def _tracked(*folders: str) -> list[Path]:
    """Return the programs in these folders, as git knows them: Python, and whatever begins with #!."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *folders],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    return [path for name in names if (path := REPOSITORY / name).is_file() and _is_program(path)]


def _is_program(path: Path) -> bool:
    return path.suffix in {".py", ".sh"} or path.read_bytes().startswith(b"#!")


def _is_python(path: Path) -> bool:
    return path.suffix == ".py" or b"python" in path.read_bytes().partition(b"\n")[0]


def _in_repository(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def _long_functions(text: str) -> set[str]:
    return {
        f"{node.name}: {(node.end_lineno or node.lineno) - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (node.end_lineno or node.lineno) - node.lineno + 1 > MAX_FUNCTION
    }


@pytest.mark.parametrize("path", [*FILES, *_tracked("scripts", "benchmarks", ".ci")], ids=_in_repository)
def test_files_and_functions_keep_their_budget(path):
    text = path.read_text()
    assert text.count("\n") <= MAX_FILE
    assert not _is_python(path) or _long_functions(text) == set()


@pytest.mark.parametrize("path", _tracked("tests"), ids=_in_repository)
def test_test_files_keep_their_budget(path):
    assert path.read_text().count("\n") <= MAX_TEST_FILE


_SKIPS = {
    "pytest.skip",
    "pytest.importorskip",
    "pytest.xfail",
    "pytest.mark.skip",
    "pytest.mark.skipif",
    "pytest.mark.xfail",
}


@pytest.mark.parametrize("path", [p for p in _tracked("tests") if _is_python(p)], ids=_in_repository)
def test_nothing_is_mocked_and_nothing_skipped(path):
    assert not any(is_within(module, {"mock", "unittest"}) for module in imports(path))
    used = {
        ast.unparse(node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)
    }
    assert used & _SKIPS == set()
