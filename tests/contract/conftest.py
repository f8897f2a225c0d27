"""What holds for all contract tests."""

from __future__ import annotations

import threading

import pytest

from launcher.cli import messages


@pytest.fixture(autouse=True)
def only_of_this_test(monkeypatch):
    """Keep what threads of earlier tests say out of what a command prints.

    A parent never ends, so neither do its threads, and a cluster that is not there they ask for ever.
    """
    others = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
    emit = messages._Echo.emit

    def mine(handler, record):
        if record.thread not in others:
            emit(handler, record)

    monkeypatch.setattr(messages._Echo, "emit", mine)
