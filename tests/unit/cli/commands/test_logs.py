"""``fljob logs``: the log of a job that has started, and with ``-f`` of one that will."""

from __future__ import annotations

from launcher.core.catalogue import CATALOGUE, Code
from tests.fakes import main, running, scheduled, unscheduled
from tests.unit.cli.conftest import installed, known_as, show


def test_logs(fake, fljob, release):
    _, pod = installed(fake)
    show(fake, running())
    assert fljob("logs", release, "-n", "fl", "-f", "--tail", "5")[1] == "line 1\nline 2\n"
    assert ("logs", pod.name, "fl", "True", "5") in fake.pods.log


def test_logs_of_a_pod_that_waits_say_why_there_are_none(fake, fljob, release):
    show(fake, unscheduled())
    code, out, err = fljob("logs", release, "-n", "fl", "--kubeconfig", "k")
    assert (code, out) == (3, "")
    why, cure = err.splitlines()
    assert why.startswith("error: not started: InsufficientResources: ")
    assert cure == f"  cure: {CATALOGUE[Code.INSUFFICIENT_RESOURCES].cure}"
    assert "Cure" not in why


def test_following_waits_for_the_container(fake, fljob, release):
    show(fake, unscheduled())
    fake.pods.script = [known_as(fake, scheduled()), known_as(fake, running())]
    code, out, err = fljob("logs", release, "-n", "fl", "-f")
    assert (code, out) == (0, "line 1\nline 2\n")
    assert "InsufficientResources" in err


def test_following_ends_with_the_verdict_and_takes_nothing_away(fake, fljob, release):
    show(fake, scheduled(main("waiting", "InvalidImageName", 'couldn\'t parse image name "a:b:c"')))
    code, out, err = fljob("logs", release, "-n", "fl", "-f")
    assert (code, out) == (3, "")
    assert "not started: ImageNameInvalid" in err
    assert f"cure: {CATALOGUE[Code.IMAGE_NAME_INVALID].cure}" in err
    assert not fake.is_empty
