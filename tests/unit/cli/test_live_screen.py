"""A screen that is painted over ends by `q`, Ctrl-C and signals, and leaves the terminal as it was."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.terminals import Terminal

ROOT = Path(__file__).parents[3]
# A program as `fljob top`: {} comes before, as in a process that is at work when it is interrupted.
SCRIPT = """
import itertools, os, signal, sys, time
from launcher.cli import signals
from launcher.cli.live_screen import painted
at_the_end = lambda: None
{}
number = itertools.count()
try:
    with signals.sigint_beside_imports(is_last=True), signals.stopped_once():
        with painted(lambda height, hint: [f"frame {{next(number)}}  {{hint}}"]) as paint:
            while True:
                paint()
                time.sleep(0.02)
        print("over")
except signals.Stopped:
    at_the_end()
    sys.exit(143)
except KeyboardInterrupt:
    at_the_end()
    sys.exit(130)
"""


@pytest.fixture
def start():
    """Return a function that starts the program; it is gone afterwards."""
    started = []

    def run(before="", **options):
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        started.append(Terminal([sys.executable, "-c", SCRIPT.format(before)], env, **options))
        started[-1].until(lambda one: "frame 3" in one.frame or one.process.poll() is not None)
        return started[-1]

    yield run
    for one in started:
        one.close()


def is_as_before(terminal) -> bool:
    return terminal.modes() == terminal.before and terminal.has_cursor and not terminal.has_screen


def test_q_ends_it_well(start):
    terminal = start()
    assert "q ends" in terminal.frame
    assert terminal.has_screen
    assert not terminal.has_cursor
    terminal.type("q")
    assert terminal.end() == 0
    assert terminal.after.endswith("over\n")
    assert is_as_before(terminal)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda one: one.type("\x03"), 130),
        (lambda one: one.type("\x03\x03\x03"), 130),
        (lambda one: one.process.send_signal(signal.SIGTERM), 143),
        (
            lambda one: [one.process.send_signal(n) for n in (signal.SIGTERM,) * 3],
            143,
        ),
    ],
    ids=["Ctrl-C", "Ctrl-C, often", "SIGTERM", "SIGTERM, often"],
)
def test_signals_leave_the_terminal_as_it_was(start, end, code):
    terminal = start()
    assert not terminal.echoes()
    end(terminal)
    assert terminal.end() == code
    assert is_as_before(terminal)
    assert "Traceback" not in terminal.sent


@pytest.mark.parametrize(("end", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.parametrize("more", ["SIGINT", "SIGTERM"])
def test_a_signal_after_the_screen_was_given_back_changes_nothing(start, end, code, more):
    """As of somebody impatient, or of a supervisor: they may come at any moment before the process is over."""
    terminal = start(f"at_the_end = lambda: (os.kill(os.getpid(), signal.{more}), time.sleep(60))")
    terminal.process.send_signal(getattr(signal, end))
    assert terminal.end() == code
    assert is_as_before(terminal)
    assert "Traceback" not in terminal.sent


def test_an_interrupt_that_ends_the_process_at_once_gives_the_terminal_back_too(start):
    """As in the midst of an import, where no exception may be raised."""
    terminal = start("signals.is_importing = lambda: True")
    terminal.type("\x03")
    assert terminal.end() == 130
    assert is_as_before(terminal)


def test_other_keys_do_nothing_and_are_not_printed(start):
    terminal = start()
    terminal.type("xyzzy\x1b[A")
    terminal.type("\x1bOq")  # a key of an old number pad
    seen = terminal.frame
    terminal.until(lambda one: one.frame != seen)
    assert terminal.process.poll() is None
    assert "xyzzy" not in terminal.sent
    terminal.type("Q")
    assert terminal.end() == 0


def test_ctrl_z_lends_the_terminal_to_the_shell(start):
    terminal = start()
    terminal.type("\x1a")
    terminal.until_stopped()
    terminal.until(is_as_before)
    terminal.process.send_signal(signal.SIGCONT)
    terminal.until(lambda one: one.has_screen and not one.has_cursor and not one.echoes())
    seen = terminal.frame
    terminal.until(lambda one: one.frame != seen)
    terminal.type("q")
    assert terminal.end() == 0
    assert is_as_before(terminal)


def test_without_a_terminal_to_read_from_no_key_is_read(start):
    terminal = start(stdin="/dev/null")
    assert "Ctrl-C ends" in terminal.frame
    assert terminal.modes() == terminal.before
    terminal.type("q")
    seen = terminal.frame
    terminal.until(lambda one: one.frame != seen)
    assert terminal.process.poll() is None
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == 143
    assert is_as_before(terminal)
