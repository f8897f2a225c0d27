"""Exit codes of errors beside FLARE's return codes."""

from __future__ import annotations

from launcher.cli.exit_codes import EXIT_CODES
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.errors import LauncherError


def test_no_exit_code_is_also_a_return_code():
    codes = {code for _, code in EXIT_CODES} | {10, 1}
    assert codes & {int(code) for code in ReturnCode} == set()
    assert {kind for kind, _ in EXIT_CODES} == set(LauncherError.__subclasses__())
