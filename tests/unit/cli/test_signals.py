"""Ctrl-C and SIGTERM as an exception or an event, and as they were afterwards."""

from __future__ import annotations

import signal

import pytest

from launcher.cli.signals import Stopped, cancelled_by_signals, stopped_by_sigterm


def handlers():
    return signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)


def test_sigterm_is_raised_like_ctrl_c():
    before = handlers()
    with pytest.raises(KeyboardInterrupt) as raised, stopped_by_sigterm():
        signal.raise_signal(signal.SIGTERM)
    assert raised.type is Stopped
    assert handlers() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_signals_set_the_event_and_do_nothing_else(number):
    before = handlers()
    with cancelled_by_signals() as cancel:
        assert not cancel.is_set()
        signal.raise_signal(number)
        assert cancel.is_set()
    assert handlers() == before
