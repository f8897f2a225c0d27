"""Runs of helm are counted by verb and result, with the time in the queue and the time that they lasted."""

from __future__ import annotations

import threading
import time

import pytest

from launcher.core.measured import NoInstruments
from launcher.errors import Cancelled, LauncherError, ToolMissing
from tests.contract.helm.fake_helm import MISSING

LABELS = {"fljob.internal/job-id": "j1"}


class Counted(NoInstruments):
    def __init__(self):
        self.runs = []

    def helm_ran(self, verb, result, queued, lasted):
        self.runs.append((verb.value, result.value, queued, lasted))

    @property
    def words(self):
        return [run[:2] for run in self.runs]


@pytest.fixture
def counted():
    return Counted()


@pytest.fixture
def gateway(releases, counted):
    return releases(instruments=counted, installs=1, removals=1)


def test_every_verb_is_counted_with_its_result(fake, gateway, counted):
    gateway.install("r1", "ns", {}, LABELS)
    gateway.list("ns")
    gateway.status("r1", "ns")
    gateway.manifests("r1", "ns")
    gateway.uninstall("r1", "ns")
    assert counted.words == [
        ("install", "ok"),
        ("list", "ok"),
        ("status", "absent"),
        ("get", "ok"),
        ("uninstall", "ok"),
        ("status", "absent"),
    ]
    assert all(lasted > 0.005 and 0 <= queued < 5 for _, _, queued, lasted in counted.runs)


def test_a_run_that_fails_and_what_undoes_it(fake, gateway, counted):
    fake.answer("install", {"exit": 1, "stderr": "Error: INSTALLATION FAILED: exceeded quota: q\n"})
    fake.answer("uninstall", MISSING)
    with pytest.raises(LauncherError):
        gateway.install("r1", "ns", {}, LABELS)
    assert counted.words[0] == ("install", "failed")
    assert ("list", "ok") in counted.words


def test_runs_that_are_stopped(fake, releases, counted):
    fake.answer("install", {"sleep": 30})
    gateway, cancel = releases(instruments=counted, timeout_seconds=1), threading.Event()
    with pytest.raises(LauncherError):
        gateway.install("r1", "ns", {}, LABELS)
    threading.Timer(0.5, cancel.set).start()
    with pytest.raises(Cancelled):
        gateway.install("r1", "ns", {}, LABELS, cancel)
    assert [word for word in counted.words if word[0] == "install"] == [
        ("install", "timed_out"),
        ("install", "cancelled"),
    ]


def test_the_time_in_the_queue_is_none_of_the_run(fake, gateway, counted):
    fake.answer("list", {"sleep": 1, "stdout": "[]"}, {"stdout": "[]"})
    first = threading.Thread(target=gateway.list, args=("ns",))
    first.start()
    time.sleep(0.3)
    gateway.list("ns")
    first.join()
    (_, _, queued, lasted), (_, _, queued_behind, lasted_behind) = counted.runs
    assert queued < 0.3 < queued_behind
    assert lasted > 1
    assert lasted_behind < queued_behind + 1


def test_a_turn_that_is_given_up_and_a_helm_that_is_not_there_are_no_runs(fake, releases, counted):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        releases(instruments=counted).install("r1", "ns", {}, LABELS, cancel)
    fake.path.unlink()
    with pytest.raises(ToolMissing):
        releases(instruments=counted).list("ns")
    assert counted.words == []


def test_a_helm_that_cannot_be_run_has_failed(fake, releases, counted):
    fake.path.write_text("#!/nowhere/python\n")
    with pytest.raises(ToolMissing):
        releases(instruments=counted).list("ns")
    assert counted.words == [("list", "failed")]
