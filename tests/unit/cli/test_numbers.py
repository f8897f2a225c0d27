"""Numbers of options: what Python takes for one is not what a person meant, and is an error of one line."""

from __future__ import annotations

import pytest

from launcher.cli.numbers import Seconds
from launcher.core.moments import LONGEST_SECONDS
from tests.fakes import running
from tests.unit.cli.conftest import show

NO_NUMBERS = ("", ".", "nan", "inf", "1e400", "9" * 500, "٣", "1_0", "-1", "5m", "true", " 3 ", "\x1b[2J")


@pytest.mark.parametrize("text", NO_NUMBERS)
@pytest.mark.parametrize(
    "command",
    [("wait", "--timeout"), ("terminate", "--grace"), ("logs", "--tail"), ("diagnose", "-o", "x", "--tail")],
)
def test_what_is_no_number_is_an_error_with_the_value(fake, fljob, release, command, text):
    show(fake, running())
    name, *more = command
    code, out, err = fljob(name, release, "-n", "fl", *more, text)
    assert (code, out, "\x1b" in err) == (2, "", False)
    assert f"Invalid value for '{more[-1]}': must be a" in err
    assert len(err) < 400
    assert fake.releases.items


@pytest.mark.parametrize(("text", "seconds"), [("1.5", 1.5), (".5", 0.5), ("1e2", 100), ("0", 0)])
def test_a_timeout_ends_the_waiting(fake, fljob, release, text, seconds):
    show(fake, running())
    assert fljob("wait", release, "-n", "fl", "--timeout", text)[0] == 10
    assert seconds <= fake.clock.time <= seconds + 1


def test_a_timeout_is_a_century_at_most():
    assert Seconds().convert("1e300", None, None) == LONGEST_SECONDS


@pytest.mark.parametrize("text", ["24H", "nan", "٢h", "-1h", "1e3h"])
def test_an_age_that_is_none_is_named(fljob, text):
    code, _, err = fljob("gc", "-n", "fl", "--older-than", text)
    assert (code, f"such as 24h, not '{text}'" in err) == (2, True)
