"""The line that shows where a job is, without a terminal: one line per cause."""

from __future__ import annotations

import re
from dataclasses import replace

from launcher.cli.live_line import live_line
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.views import Seen
from tests.fakes import START, FakeClock, exited, main, scheduled, unscheduled
from tests.unit.cli.conftest import known_as, show


def test_a_cause_is_printed_once_however_its_words_change(fake, fljob, release):
    shown = [scheduled(main("waiting", "ErrImagePull", f"dial tcp: i/o timeout {n}")) for n in range(3)]
    show(fake, shown[0])
    fake.pods.script = [known_as(fake, pod) for pod in (*shown[1:], exited(0, "Completed"))]
    _, _, err = fljob("wait", release, "-n", "fl")
    assert len(re.findall("i/o timeout", err)) == 1


def test_cause_clock_and_cure_are_printed(fake, fljob, release):
    show(fake, unscheduled())
    err = fljob("wait", release, "-n", "fl", "--timeout", "1")[2]
    assert "InsufficientResources (pending_timeout: 120 s left): " in err
    assert "\n  cure: " in err
    assert err.count("InsufficientResources") == 1


def test_an_unchanged_state_prints_no_line(capsys):
    clock = FakeClock()
    waits = step(Track(launched=0.0), Observation(0.0, START, Seen.found(unscheduled())), WaitPolicy())
    with live_line("fj-1", clock) as notify:
        for seconds in (0.0, 5.0, 10.0):
            clock.time = seconds
            notify(waits)
        notify(replace(waits, stale_since=10.0, why_stale="503"))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("fj-1 ")]
    assert len(lines) == 2
