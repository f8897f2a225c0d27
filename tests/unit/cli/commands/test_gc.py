"""``fljob gc``: what ended long ago and what nobody owns goes, and is named."""

from __future__ import annotations

import pytest

from launcher.errors import Denied
from tests.fakes import exited
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
    fake.secrets.items["nvflare-cred-gone"] = {"TOKEN": b"x"}
    code, out, _ = fljob("gc", "-n", "fl", "--older-than", "0s")
    assert (code, out, len(fake.secrets.items)) == (0, "", 1)  # a launch may be about to use it
    fake.clock.time = 61
    code, out, _ = fljob("gc", "-n", "fl", "--older-than", "0s")
    assert (code, out, fake.secrets.items) == (0, "removed secret nvflare-cred-gone\n", {})


def test_gc_says_when_there_is_nothing(fljob):
    assert fljob("gc", "-n", "fl") == (0, "", "nothing to remove in namespace fl\n")


def test_gc_says_what_it_removed_before_what_it_could_not(fake, fljob):
    fake.secrets.items = {"nvflare-cred-1": {}, "nvflare-cred-2": {}}
    fake.secrets.delete_errors = [Denied("no right to delete secrets")]
    fake.clock.time = 61
    code, out, err = fljob("gc", "-n", "fl", "--older-than", "0s")
    assert (code, out) == (6, "removed secret nvflare-cred-2\n")
    assert err.endswith("error: no right to delete secrets\n")
