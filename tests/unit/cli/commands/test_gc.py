"""``fljob gc``: what ended long ago and what nobody owns goes, and is named."""

from __future__ import annotations

import pytest

from launcher.errors import Denied
from tests.fakes import exited
from tests.jobs import leave_secret
from tests.unit.cli.conftest import LAUNCH, show


@pytest.mark.parametrize(
    ("options", "left"), [((), 1), (("--older-than", "0s", "--dry-run"), 1), (("--older-than", "0s"), 0)]
)
def test_gc_removes_what_ended_long_ago(fake, fljob, options, left):
    fljob(*LAUNCH, "--", "x")
    show(fake, exited(1))
    assert fljob("gc", "-n", "fl", *options)[0] == 0
    assert len(fake.releases.items) == left


def test_gc_removes_secrets_that_nobody_owns(fake, fljob):
    name = leave_secret(fake, "gone")
    code, out, _ = fljob("gc", "-n", "fl", "--older-than", "0s")
    assert (code, out, len(fake.secrets.items)) == (0, "", 1)  # a launch may be about to use it
    fake.clock.time = 61
    code, out, _ = fljob("gc", "-n", "fl", "--older-than", "0s")
    assert (code, out, fake.secrets.items) == (0, f"removed secret {name}\n", {})


def test_gc_says_when_there_is_nothing(fljob):
    assert fljob("gc", "-n", "fl") == (0, "", "nothing to remove in namespace fl\n")


def test_gc_says_what_it_removed_before_what_it_could_not(fake, fljob):
    _, second = leave_secret(fake, "1"), leave_secret(fake, "2")
    fake.secrets.delete_errors = [Denied("no right to delete secrets")]
    fake.clock.time = 61
    code, out, err = fljob("gc", "-n", "fl", "--older-than", "0s")
    assert (code, out) == (6, f"removed secret {second}\n")
    assert err.endswith("error: no right to delete secrets\n")
