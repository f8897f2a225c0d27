"""One record of ours is one line, with no credential in it."""

from __future__ import annotations

import logging

import pytest

from launcher.errors import InvalidInput
from launcher.logs import logger

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJrIn0.c2lnbmF0dXJl"


def refuse_header():
    raise ValueError(f"Invalid header value b'Bearer {TOKEN}\\n'\x1b[2K")


def refuse_as_flare_does():
    error = InvalidInput("a\nb", cure="c")
    raise RuntimeError(str(error)) from error


@pytest.fixture
def logged(caplog):
    """Return a function that logs and returns what a handler writes."""

    def log(*args, **more):
        caplog.clear()
        logger("launcher.test").error(*args, **more)
        return caplog.text

    return log


@pytest.mark.parametrize("text", ["a\nERROR forged", "a\x1b[2K", "a\x9b2K", "a\u2028b", "\udc00"])
def test_an_argument_forges_no_record(logged, text):
    found = logged("python=%s", text)
    assert len(found.splitlines()) == 1
    assert found.rstrip("\n").isprintable()


def test_numbers_and_our_errors_stay(logged):
    found = logged("%d %.1f %s", 7, 0.5, InvalidInput("a\nb", cure="c"))
    assert found.endswith("7 0.5 a\\nb\n  cure: c\n")
    with pytest.raises(RuntimeError) as refused:
        refuse_as_flare_does()
    assert logged("%s", refused.value).endswith("a\\nb\n  cure: c\n")


def test_what_an_exception_quotes_is_hidden(logged):
    try:
        refuse_header()
    except ValueError as error:
        found = logged("%s", error) + logged("odd", exc_info=True)
    assert "Invalid header value" in found
    assert TOKEN not in found
    assert "\x1b" not in found


def test_a_logger_is_cleaned_once():
    assert len(logger("launcher.test").filters) == len(logger("launcher.test").filters) == 1
    assert isinstance(logger("launcher.test"), logging.Logger)


def test_a_name_is_short_and_a_message_is_not(logged):
    long = "ab" * 1000
    found = logged("100%% release=%s pod=%-3s %s", long, long, long)
    assert found.count(long) == 1
    assert len(found) < 2 * 110 + 2000 + 60
