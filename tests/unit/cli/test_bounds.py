"""However much a job, a pod or its events hold, what is said of them is short and soon there."""

from __future__ import annotations

import json
import time

import pytest

from launcher.core.flare.study_data import from_study_data
from launcher.core.foreign import LONGEST, MOST_WARNINGS
from launcher.core.spec.asked import JobMeta
from launcher.core.spec.assemble import all_warnings
from launcher.core.views import ContainerKind, ContainerState, ContainerView, PodEvent
from tests.fakes import START, scheduled
from tests.jobs import make_spec
from tests.unit.cli.conftest import META, show

LONG = "x" * LONGEST
# CPU seconds; each takes below one, on a core of its own.
SLOW = 15


@pytest.fixture
def clock():
    """Return a function that tells the seconds of CPU since the test began."""
    start = time.thread_time()
    return lambda: time.thread_time() - start


def test_a_meta_with_ten_thousand_mistakes(fljob, folder, clock):
    block = {"image": "img:1", **{f"odd-{number}-{LONG}": 1 for number in range(2000)}}
    (folder / "meta.json").write_text(json.dumps({**META, "launcher_spec": {"default": {"k8s": block}}}))
    code, _, err = fljob("render", "meta.json", "--site", "s")
    assert code == 2
    assert "is larger than" in err
    block = {"image": "img:1", **{f"odd-{number}": 1 for number in range(10_000)}}
    (folder / "meta.json").write_text(json.dumps({**META, "launcher_spec": {"default": {"k8s": block}}}))
    code, _, err = fljob("render", "meta.json", "--site", "s")
    assert (code, len(err.splitlines())) == (0, MOST_WARNINGS + 1)
    assert clock() < SLOW


def test_a_study_with_ten_thousand_mistakes():
    entry = {"source": "c", "mode": "ro", **{f"odd-{number}": 1 for number in range(10_000)}}
    study = from_study_data({"s": {"d": entry}}, "s", "study_data.yaml")
    assert len(all_warnings(JobMeta(), study, make_spec())) == MOST_WARNINGS + 1


def containers(number):
    waiting = [
        ContainerView(
            f"c{one}", ContainerKind.SIDECAR, "img", ContainerState.WAITING, "CreateContainerError", LONG
        )
        for one in range(number)
    ]
    job = ContainerView("job", ContainerKind.MAIN, "img", ContainerState.WAITING, "ErrImagePull", LONG)
    return scheduled(job, *waiting)


@pytest.mark.parametrize("command", ["status", "list", "wait"])
def test_a_pod_of_a_thousand_containers(fake, fljob, release, command, clock):
    show(fake, containers(1000))
    fake.pods.script = [None]
    code, out, err = fljob(command, *(() if command == "list" else (release,)), "-n", "fl")
    assert code in {0, 104}
    assert len(out + err) < 10 * LONGEST
    assert clock() < SLOW


def test_ten_thousand_events(fake, fljob, release, clock):
    fake.pods.event_list = tuple(
        PodEvent("Failed", f"{n} {LONG if n % 50 == 0 else ''}", "Warning", START) for n in range(10_000)
    )
    assert len(fljob("status", release, "-n", "fl")[1]) < 10 * LONGEST
    code, out, _ = fljob("events", release, "-n", "fl")
    assert code == 0
    assert max(map(len, out.splitlines())) < LONGEST + 200
    assert clock() < SLOW
