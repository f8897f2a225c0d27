"""``fljob terminate``: nothing of the job is left."""

from __future__ import annotations

from dataclasses import replace


def test_terminate_leaves_nothing(fake, fljob, release):
    assert fljob("terminate", release, "-n", "fl")[0] == 0
    assert fake.is_empty
    assert fljob("terminate", release, "-n", "fl")[0] == 3


def test_the_grace_period_can_be_shortened(fake, fljob, release):
    (pod,) = fake.pods.items.values()
    fake.pods.show(replace(pod, grace_period=30))
    code, _, err = fljob("terminate", release, "-n", "fl", "--grace", "31")
    assert code == 2
    assert "--grace: must be at most 30" in err
    assert fljob("terminate", release, "-n", "fl", "--now", "--grace", "5")[0] == 2
    assert release in fake.releases.items
    assert fljob("terminate", release, "-n", "fl", "--now")[0] == 0
    assert fake.is_empty
