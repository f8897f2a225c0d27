"""Exit codes of errors beside FLARE's return codes."""

from __future__ import annotations

import pytest

from launcher.cli.exit_codes import EXIT_CODES, exit_code_of
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.errors import Denied, LauncherError, LaunchFailed, LeftBehind, NotPrepared, Unavailable


def test_no_exit_code_is_also_a_return_code():
    codes = {code for _, code in EXIT_CODES} | {10, 1}
    assert codes & {int(code) for code in ReturnCode} == set()
    assert {kind for kind, _ in EXIT_CODES} == set(LauncherError.__subclasses__()) - {LaunchFailed}


@pytest.mark.parametrize("kind", [NotPrepared, LeftBehind])
@pytest.mark.parametrize(("error", "code"), [(Unavailable("a"), 5), (Denied("a"), 6)])
def test_a_launch_that_failed_exits_as_its_failure(kind, error, code):
    assert exit_code_of(error) == exit_code_of(kind(error)) == code
