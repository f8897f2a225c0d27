"""A browser for pages that commands write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.contract.browser.devtools import Browser, Page


def pytest_addoption(parser):
    parser.addoption("--pictures", metavar="FOLDER", help="write what the browser shows as pictures")


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A browser of this machine, one for all tests."""
    program = os.environ.get("FLJOB_TEST_BROWSER")
    if not program:
        pytest.fail(
            "no browser: run `scripts/test contract`, or set FLJOB_TEST_BROWSER=$(scripts/browser) before pytest"
        )
    folder = tmp_path_factory.mktemp("browser")
    found = Browser(program, folder / "profile", folder / "log")
    yield found
    found.close()


@pytest.fixture
def look(browser):
    """Return a function that opens a file in a tab of its own, which is closed afterwards."""
    opened: list[Page] = []

    def look(file: Path, width: int = 1280) -> Page:
        opened.append(Page(browser, file, width))
        return opened[-1]

    yield look
    for page in opened:
        browser.call("Target.closeTarget", targetId=page.target)


@pytest.fixture
def pictures(request):
    """Where pictures go; None = nobody wants any."""
    folder = request.config.getoption("--pictures")
    return None if folder is None else Path(folder)
