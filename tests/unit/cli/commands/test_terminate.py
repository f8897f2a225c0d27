"""``fljob terminate``: nothing of the job is left."""

from __future__ import annotations


def test_terminate_leaves_nothing(fake, fljob, release):
    assert fljob("terminate", release, "-n", "fl")[0] == 0
    assert fake.is_empty
    assert fljob("terminate", release, "-n", "fl")[0] == 3
