"""The public face of the package: complete, lazy, and cheap to import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import launcher

SOURCE = Path(launcher.__file__).read_text()


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_public_name_has_one_home():
    homes = [name for names in launcher._PUBLIC.values() for name in names]
    assert sorted(homes) == sorted(set(homes)) == sorted(launcher.__all__)


def test_type_checkers_see_what_callers_get():
    imported = {
        (node.module, alias.name)
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("launcher.")
        for alias in node.names
    }
    assert imported == {(module, name) for module, names in launcher._PUBLIC.items() for name in names}


@pytest.mark.parametrize("name", launcher.__all__)
def test_a_public_name_can_be_imported(name):
    assert run(f"from launcher import {name}; print({name}.__name__)") == name


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'handle'"):
        _ = launcher.handle


def test_every_error_is_public():
    assert set(launcher._PUBLIC["launcher.errors"]) == set(launcher.errors.__all__)


def test_importing_the_command_line_imports_nothing_that_costs_time():
    # Until `main` runs, Ctrl-C is a traceback.
    code = "import sys, launcher.cli; print([m for m in sys.modules if m.startswith('launcher.') or m in ('typing', 're', 'enum', 'signal')])"
    assert run(code) == "['launcher.cli']"


def test_public_names_import_no_client_and_no_helm():
    names = ", ".join(launcher.__all__)
    code = f"import sys\nfrom launcher import {names}\nprint(sorted({{'kubernetes', 'pyhelm3', 'nvflare', 'pydantic', 'click'}} & sys.modules.keys()))"
    assert run(code) == "[]"
