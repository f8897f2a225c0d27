"""What holds for every tier."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

# A script that starts the tests in its background gives them an ignored SIGINT, which every program under test
# would inherit: none could be interrupted. A handler of our own is not inherited, but makes the default of it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that writes the goldens anew."""
    parser.addoption("--update-goldens", action="store_true", help="write the goldens of these tests anew")


@pytest.fixture
def check_golden(request: pytest.FixtureRequest) -> Callable[[str, Path], None]:
    """Compare a text with its golden file, byte for byte; ``--update-goldens`` writes the file first."""

    def check(text: str, golden: Path) -> None:
        if request.config.getoption("--update-goldens"):
            golden.write_text(text)
        assert text == golden.read_text()

    return check
