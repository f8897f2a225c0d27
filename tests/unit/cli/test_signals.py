"""Ctrl-C and SIGTERM as an exception or an event, and as they were afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.cli.signals import (
    Stopped,
    cancelled_by_signals,
    sigint_beside_imports,
    stopped_by_sigterm,
    stopped_once,
)


def handlers():
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_sigterm_and_sighup_are_raised_like_ctrl_c(number):
    before = handlers()
    with pytest.raises(KeyboardInterrupt) as raised, stopped_by_sigterm():
        signal.raise_signal(number)
    assert (raised.type, raised.value.code) == (Stopped, 128 + number)
    assert handlers() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("context", [cancelled_by_signals, stopped_by_sigterm, stopped_once])
def test_what_is_ignored_stays_ignored(context, number):
    """As by nohup, and by a shell's `&` in a script: its Ctrl-C is not for this process."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with context() as cancel:
            signal.raise_signal(number)
            assert cancel is None or not cancel.is_set()
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def stopped_while_it_ends(first, second, ended):
    try:
        signal.raise_signal(first)
    finally:
        signal.raise_signal(second)
        ended.append(True)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGHUP])
def test_a_second_one_does_not_disturb_what_the_first_one_ends(second):
    ended = []
    before = handlers()
    with pytest.raises(Stopped), stopped_by_sigterm():
        stopped_while_it_ends(signal.SIGTERM, second, ended)
    assert ended
    assert handlers() == before


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_only_the_first_stop_is_heeded(first, second):
    ended = []
    before = handlers()
    with pytest.raises(KeyboardInterrupt) as raised, sigint_beside_imports(is_last=False), stopped_once():
        stopped_while_it_ends(first, second, ended)
    assert ended
    assert (raised.type is Stopped) == (first == signal.SIGTERM)
    assert handlers() == before


def test_without_a_stop_everything_is_as_it_was():
    before = handlers()
    with stopped_once():
        assert handlers() != before
    assert handlers() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_sets_the_event_and_do_nothing_else(number):
    before = handlers()
    with cancelled_by_signals() as cancel:
        assert not cancel.is_set()
        signal.raise_signal(number)
        assert cancel.is_set()
    assert handlers() == before


def run(code, **env):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3]), **env}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, env=environment
    )


THREAD_THAT_IMPORTS = """
import signal, threading
from launcher.cli.signals import sigint_beside_imports
from launcher.edges.later import Later
with sigint_beside_imports(is_last=True):
    later = Later(threading.Event().wait)
    signal.raise_signal(signal.SIGINT)
"""


def test_ctrl_c_waits_for_no_thread_that_imports():
    done = run(THREAD_THAT_IMPORTS)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


LOST = """
from launcher.cli.signals import sigint_beside_imports
with sigint_beside_imports(is_last=True):
    import one
    print("goes on")
"""


def test_ctrl_c_in_an_import_is_not_lost(tmp_path):
    # Like the callbacks of importlib, a __del__ prints and drops what is raised in it.
    (tmp_path / "one.py").write_text(
        "import signal\nclass Dies:\n    def __del__(self): signal.raise_signal(signal.SIGINT)\nDies()\n"
    )
    done = run(LOST, PYTHONPATH=f"{tmp_path}:{Path(__file__).parents[3]}")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_beside_imports_ctrl_c_raises_as_ever():
    before = handlers()
    with pytest.raises(KeyboardInterrupt), sigint_beside_imports(is_last=False):
        signal.raise_signal(signal.SIGINT)
    assert handlers() == before


def test_who_ignores_ctrl_c_goes_on_ignoring_it():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with sigint_beside_imports(is_last=True):
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_after_the_command_ends_the_process_at_once():
    done = run(
        "import signal\nfrom launcher.cli.signals import sigint_beside_imports\n"
        "with sigint_beside_imports(is_last=True): pass\n"
        "signal.raise_signal(signal.SIGINT)"
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
