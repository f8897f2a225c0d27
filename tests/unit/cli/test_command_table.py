"""The table of commands: help, reference, and what each command imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from launcher.cli.command_table import COMMANDS
from launcher.cli.exit_codes import EPILOG, EXIT_CODES

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(fljob, name):
    code, out, _ = fljob(name, "--help")
    assert code == 0
    assert "Usage: fljob" in out


def test_the_reference_names_every_command_and_exit_code():
    text = (ROOT / "docs" / "cli.md").read_text()
    assert [name for name in COMMANDS if f"`{name}" not in text] == []
    codes = [1, 10, 129, 143, *(code for _, code in EXIT_CODES)]
    assert [code for code in codes if f"| {code} |" not in text] == []
    assert [code for code in codes if f"{code} " not in EPILOG] == []


@pytest.mark.parametrize(
    ("command", "absent"),
    [
        ("template", "kubernetes pydantic rich"),
        ("render", "kubernetes pydantic rich pyhelm3"),
        ("--help", "kubernetes jinja2 yaml"),
    ],
)
def test_a_command_imports_only_what_it_needs(command, absent, folder):
    script = (
        "import sys, launcher.cli\n"
        "try: launcher.cli.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        f"print([m for m in {absent.split()} if m in sys.modules], file=sys.stderr)"
    )
    args = [command] if command == "--help" else [command, "meta.json", "--site", "a"]
    done = subprocess.run(
        [sys.executable, "-c", script, *args],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/nonexistent"},
    )
    assert done.stderr.splitlines()[-1] == "[]", done.stderr
