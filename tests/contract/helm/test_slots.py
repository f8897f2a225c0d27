"""How many helm processes run at once, and who waits for whom."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from launcher.edges.helm import Records
from launcher.edges.helm.child import HelmProcess
from launcher.errors import Cancelled

LABELS = {"fljob.internal/job-id": "j1"}
LATE = {"sleep": 0.3, "stdout": "[]"}


class Gone(Records):
    """Every release is gone."""

    def __init__(self):
        self.asked = []

    def is_gone(self, release, namespace):
        self.asked.append((release, namespace))
        return True


@pytest.mark.parametrize(("installs", "removals"), [(1, 3), (2, 1)])
def test_no_more_helm_runs_at_once_than_there_are_slots(fake, releases, monkeypatch, installs, removals):
    running: dict[str, int] = {"install": 0, "uninstall": 0}
    most = dict(running)
    lock, run = threading.Lock(), HelmProcess.run

    def counted(self, args, stdin=None):
        verb = args[0]
        with lock:
            running[verb] += 1
            most[verb] = max(most[verb], running[verb])
        try:
            return run(self, args, stdin)
        finally:
            with lock:
                running[verb] -= 1

    monkeypatch.setattr(HelmProcess, "run", counted)
    fake.answer("install", LATE)
    fake.answer("uninstall", LATE)
    gateway = releases(installs=installs, removals=removals, records=Gone())
    with ThreadPoolExecutor(12) as pool:
        ends = [pool.submit(gateway.install, f"r{n}", "ns", {}, LABELS) for n in range(6)]
        ends += [pool.submit(gateway.uninstall, f"r{n}", "ns") for n in range(6)]
        for end in ends:
            end.result(60)
    assert most == {"install": installs, "uninstall": removals}


def test_an_abort_does_not_wait_behind_installs(fake, releases):
    fake.answer("install", {"sleep": 30})
    gateway, cancel = releases(installs=1, records=Gone()), threading.Event()

    def install(name):
        with pytest.raises(Cancelled):
            gateway.install(name, "ns", {}, LABELS, cancel)

    threads = [threading.Thread(target=install, args=(f"r{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    fake.wait_for("install")
    assert gateway.uninstall("r9", "ns") is True
    assert fake.verbs == ["install", "uninstall"]
    cancel.set()
    for thread in threads:
        thread.join(10)
    # Those that waited cost no helm at all; the one that ran is undone.
    assert fake.verbs == ["install", "uninstall", "list"]


def test_a_removal_that_left_nothing_is_one_run_of_helm(fake, releases):
    records = Gone()
    assert releases(records=records).uninstall("r1", "ns") is True
    assert fake.verbs == ["uninstall"]
    assert records.asked == [("r1", "ns")]


def test_helm_says_what_is_left_where_the_records_cannot_be_asked_for(fake, releases):
    assert releases().uninstall("r1", "ns") is True
    assert fake.verbs == ["uninstall", "status"]
