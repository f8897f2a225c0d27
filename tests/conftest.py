"""What holds for every tier."""

from __future__ import annotations

import os
import signal
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

# A script that starts the tests in its background gives them an ignored SIGINT, `nohup` an ignored SIGHUP, which
# every program under test would inherit: none could be interrupted. A handler of our own is not inherited, but makes
# the default of it.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, lambda *_: None)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


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


def pytest_configure(config):
    """Put the helm that FLJOB_TEST_HELM names in the place of `helm`, for the tests and whatever they start."""
    # pytest-xdist sets it for its workers: what a program under test prints would be broken at a width.
    os.environ.pop("COLUMNS", None)
    chosen = os.environ.get("FLJOB_TEST_HELM")
    if not chosen:
        return
    folder = tempfile.TemporaryDirectory(prefix="fljob-helm-")
    (Path(folder.name) / "helm").symlink_to(Path(chosen).resolve(strict=True))
    os.environ["PATH"] = f"{folder.name}:{os.environ['PATH']}"
    config.add_cleanup(folder.cleanup)


def pytest_terminal_summary(terminalreporter):
    """Add what each test took, all its phases together, to the file that FLJOB_TEST_TIMES names."""
    path = os.environ.get("FLJOB_TEST_TIMES")
    if not path or "PYTEST_XDIST_WORKER" in os.environ:
        return
    took: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            took[getattr(report, "nodeid", "")] += getattr(report, "duration", 0.0)
    with Path(path).open("a") as file:
        file.writelines(f"{seconds:8.1f} s  {name}\n" for name, seconds in took.items() if name)
