"""`list --watch` and `top`: a stream of JSON, lines for a program, and a screen that is painted over."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import sys
import termios
import threading
from dataclasses import replace

import pytest

from launcher.core.lifecycle.ledger_note import LedgerNote, to_text
from launcher.core.views import PodEvent
from launcher.errors import Denied
from tests.fakes import START, main, raising, running, scheduled, unscheduled
from tests.unit.cli.conftest import known_as, show

PULL = PodEvent("Pulling", 'Pulling image "r/x:1"', last_seen=START, container="job")


@pytest.fixture
def acts(fake, monkeypatch):
    """Return what lets things happen one after the other while somebody looks, and Ctrl-C at the end."""

    def play(*happenings, end=KeyboardInterrupt):
        left = list(happenings)

        def sleep(seconds):
            fake.clock.time += seconds
            if not left:
                raise end
            left.pop(0)()

        monkeypatch.setattr(fake.clock, "sleep", sleep)

    return play


def nothing():
    return


@pytest.fixture
def changes(fake, release):
    """Changes of the one job there is."""
    (name,) = fake.pods.items

    def shows(pod):
        return lambda: show(fake, pod)

    def vanish():
        fake.releases.items.clear()
        fake.pods.show(None, name)

    def cut():
        fake.pods.unavailable = "cannot list pods: \x1b[2Jrefused"

    def mend():
        fake.pods.unavailable = ""

    return {
        "short": shows(unscheduled()),
        "again": shows(unscheduled(resource_version="9")),
        "runs": shows(running()),
        "gone": vanish,
        "cut": cut,
        "mend": mend,
    }


def stream(out):
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("command", [("list", "--watch"), ("top",)], ids=" ".join)
def test_the_stream_has_a_document_for_each_change(fljob, acts, changes, release, command):
    acts(
        changes["short"],
        nothing,
        changes["again"],
        changes["runs"],
        nothing,
        nothing,
        changes["gone"],
        nothing,
        nothing,
    )
    code, out, err = fljob(*command, "-n", "fl", "-o", "json")
    documents = stream(out)
    assert [one["type"] for one in documents] == ["ADDED", "LISTED", "MODIFIED", "MODIFIED", "DELETED"]
    assert documents[1]["jobs"] == 1
    jobs = [one["job"] for one in documents if "job" in one]
    assert [job["state"] for job in jobs] == ["STARTING", "STARTING", "RUNNING", "RUNNING"]
    assert {job["release"] for job in jobs} == {release}
    assert jobs[1]["pending"]["code"] == "InsufficientResources"
    assert (code, err) == (130, "")


def test_the_stream_says_when_the_cluster_cannot_be_asked_and_goes_on(fljob, acts, changes):
    acts(changes["cut"], nothing, changes["mend"], changes["runs"])
    _, out, err = fljob("list", "--watch", "-n", "fl", "-o", "json")
    said = [(one["type"], one.get("why")) for one in stream(out) if one["type"] in ("LOST", "BACK")]
    assert said == [("LOST", "cannot list pods: \\x1b[2Jrefused"), ("BACK", "")]
    assert stream(out)[-1]["job"]["state"] == "RUNNING"
    assert err == ""


def test_a_download_is_one_document_however_long_it_lasts(fake, fljob, acts, changes):
    show(fake, scheduled(main("waiting", "ContainerCreating")))
    fake.pods.event_list = (PULL,)
    acts(*[nothing] * 60)
    _, out, _ = fljob("list", "--watch", "-n", "fl", "-o", "json")
    added, listed = stream(out)
    assert added["job"]["pending"]["detail"] == "container job: pulling image r/x:1 for 0 s"
    assert listed["type"] == "LISTED"


@pytest.mark.parametrize("state", ["short", "runs"])
def test_seconds_that_a_waiter_has_noted_and_that_go_on_are_no_change(
    fake, fljob, acts, changes, release, state
):
    changes[state]()
    uid = next(iter(fake.pods.items.values())).uid
    causes = {"short": "InsufficientResources", "runs": "Running"}

    def note(cause):
        noted = LedgerNote(pod=uid, launched=START, until=START, cause=cause, seconds={"Launching": 1.0})
        fake.releases.note_pod(release, "fl", uid)
        fake.releases.note_ledger(release, "fl", to_text(noted), uid)

    note(causes[state])
    acts(*[nothing] * 40, lambda: note("ClusterAway"), *[nothing] * 40)
    _, out, _ = fljob("list", "--watch", "-n", "fl", "-o", "json")
    documents = stream(out)
    assert [one["type"] for one in documents] == ["ADDED", "LISTED", "MODIFIED"]
    assert documents[0]["job"]["ledger"]["cause"] == causes[state]
    assert documents[-1]["job"]["ledger"]["cause"] == "ClusterAway"


def test_a_job_that_no_longer_fits_the_filter_leaves_the_stream(fljob, acts, changes):
    acts(changes["runs"])
    _, out, _ = fljob("list", "--watch", "-n", "fl", "-o", "json", "--state", "STARTING")
    assert [(one["type"], one.get("job", {}).get("state")) for one in stream(out)] == [
        ("ADDED", "STARTING"),
        ("LISTED", None),
        ("DELETED", "STARTING"),
    ]


def test_a_terminal_that_can_only_be_written_to_has_its_width(fljob, acts, changes, monkeypatch):
    acts(changes["short"], changes["cut"], nothing, changes["mend"])
    monkeypatch.setenv("COLUMNS", "50")
    text = "".join(fljob("list", "--watch", "-n", "fl")[1:])
    assert "InsufficientResources" in text
    assert "refused" in text
    assert [line for line in text.splitlines() if len(line) > 50] == []


@pytest.mark.parametrize("command", [("list", "-w"), ("top",)], ids=" ".join)
def test_lines_for_a_program_have_no_escape_codes(fljob, acts, changes, release, command):
    acts(
        changes["short"],
        changes["again"],
        changes["cut"],
        changes["mend"],
        changes["runs"],
        nothing,
        changes["gone"],
        nothing,
        nothing,
    )
    code, out, err = fljob(*command, "-n", "fl")
    lines = [re.split(r" {2,}", line)[1:] for line in out.splitlines()]
    assert [line[:2] for line in lines] == [
        [state, f"fl/{release}"] for state in ("STARTING", "STARTING", "RUNNING", "gone")
    ]
    assert lines[1][2].startswith("InsufficientResources: 0/1 nodes are available")
    assert [line[2:] for line in lines[2:]] == [["on node-1"]] * 2
    assert err.splitlines() == [
        "cannot see the jobs, trying again: cannot list pods: \\x1b[2Jrefused",
        "the jobs are seen again",
    ]
    assert "\x1b" not in out + err
    assert code == 130


def test_where_there_is_nothing_yet_that_is_said(fljob, acts):
    acts(nothing)
    assert fljob("list", "-w", "-n", "fl") == (130, "", "no jobs in namespace fl yet\n")


def test_sigterm_has_the_exit_code_of_other_commands_that_wait(fljob, acts):
    acts(lambda: os.kill(os.getpid(), 15))
    assert fljob("top", "-n", "fl", "-o", "json")[0] == 143


@pytest.mark.parametrize("command", [("list", "--watch"), ("top",)], ids=" ".join)
def test_what_is_wrong_at_the_beginning_is_an_error_as_ever(fake, fljob, monkeypatch, command):
    fake.pods.unavailable = "forbidden"
    monkeypatch.setattr(fake.pods, "list", raising(Denied("cannot list pods: forbidden")))
    code, out, err = fljob(*command, "-A")
    assert (code, out) == (6, "")
    assert "cannot list pods: forbidden" in err


def test_namespaces_without_rights_are_named_at_the_beginning(fake, fljob, acts, release, monkeypatch):
    pods, releases = fake.pods.list, fake.releases.list
    for port, listed in ((fake.pods, pods), (fake.releases, releases)):
        denied = raising(Denied("cannot list: forbidden"))
        monkeypatch.setattr(
            port, "list", lambda namespace, all_=listed, no=denied: all_("fl") if namespace == "fl" else no()
        )
    monkeypatch.setattr(fake.pods, "namespaces", lambda: ("other", "fl"))
    acts(nothing)
    _, out, _ = fljob("list", "-w", "-A", "-o", "json")
    assert [one.get("leftOut") for one in stream(out)] == [None, ["other"]]
    acts(nothing)
    assert fljob("top", "-A")[2] == "namespace other is left out: no right to look there\n"


def test_namespaces_that_are_left_out_later_are_named_then(fake, fljob, acts, release, monkeypatch):
    spaces = ["fl", "other"]
    for port in (fake.pods, fake.releases):
        denied = raising(Denied("cannot list: forbidden"))
        monkeypatch.setattr(
            port, "list", lambda space, all_=port.list, no=denied: all_("fl") if space == "fl" else no()
        )
    monkeypatch.setattr(fake.pods, "namespaces", lambda: tuple(spaces))
    for command in (("list", "-w", "-A", "-o", "json"), ("top", "-A")):
        acts(lambda: spaces.append("third"), *[nothing] * 20)
        _, out, err = fljob(*command)
        if "json" in command:
            listed = [one["leftOut"] for one in stream(out) if one["type"] == "LISTED"]
            assert listed == [["other"], ["other", "third"]]
        else:
            said = "namespace {} is left out: no right to look there"
            assert err.splitlines() == [said.format("other"), said.format("third")]
        spaces.remove("third")


def test_a_namespace_that_is_not_there_is_an_error(fljob):
    assert fljob("list", "-w", "-n", "typo")[0] == 3


def test_there_is_no_stream_of_yaml(fljob):
    code, _, err = fljob("list", "-w", "-n", "fl", "-o", "yaml")
    assert (code, "-o json" in err) == (2, True)


@pytest.fixture
def terminal(monkeypatch):
    """Return a function that makes stdout a terminal of a size, and one that returns what it was sent."""
    with contextlib.ExitStack() as stack:

        def make(columns, lines):
            ours, theirs = pty.openpty()
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            stdout = stack.enter_context(os.fdopen(theirs, "w", encoding="utf-8"))
            sent = bytearray()
            reader = threading.Thread(target=_read_all, args=(ours, sent), daemon=True)
            reader.start()
            stack.callback(os.close, ours)
            for name in ("stdout", "__stdout__"):
                monkeypatch.setattr(sys, name, stdout)
            monkeypatch.setenv("TERM", "xterm-256color")
            for name in ("COLUMNS", "LINES", "NO_COLOR"):
                monkeypatch.delenv(name, raising=False)

            def text():
                stdout.close()
                reader.join(10)
                return sent.decode()

            return text

        yield make


def _read_all(descriptor, sent):
    with contextlib.suppress(OSError):  # of a terminal that nobody has open any more
        while data := os.read(descriptor, 65536):
            sent.extend(data)


OPEN, CLOSE = "\x1b[?1049h", "\x1b[?1049l"
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.mark.parametrize(("columns", "lines"), [(50, 12), (80, 24), (140, 40)])
@pytest.mark.parametrize("command", [("list", "--watch"), ("top",)], ids=" ".join)
def test_a_terminal_is_painted_over_and_the_last_state_stays(
    fake, acts, changes, terminal, fljob, command, columns, lines
):
    acts(changes["short"], nothing, changes["cut"], nothing, changes["mend"], changes["runs"], nothing)
    text = terminal(columns, lines)
    code, _, err = fljob(*command, "-n", "fl")
    sent = text()
    before, screen, after = re.split(f"{re.escape(OPEN)}|{re.escape(CLOSE)}", sent)
    assert (before, code, err) == ("", 130, "")
    assert not re.search(r"\x1b\[[0-3]?[JK]", screen)  # nothing is wiped, so nothing flickers
    frames = [_ESCAPE.sub("", frame).split("\r\n") for frame in screen.split("\x1b[H") if frame.strip()][1:]
    assert len(frames) == 8
    assert {len(frame) for frame in frames} == {lines}
    assert {len(line) for frame in frames for line in frame} == {columns}
    assert "InsufficientResources" in "".join(frames[2])
    assert "trying again: cannot list" in "".join(frames[4])
    assert "RUNNING" in "".join(frames[-1])
    last = [line.rstrip() for line in _ESCAPE.sub("", after).split("\r\n")]
    shown = [line.rstrip().removesuffix("Ctrl-C ends").rstrip() for line in frames[-1]]
    assert last[: len(last) - 1] == shown[: len(last) - 1]
    assert not "".join(shown[len(last) - 1 :])


def test_what_others_wrote_does_not_reach_the_terminal(fake, acts, changes, terminal, fljob):
    (known,) = fake.pods.items.values()
    evil = "\x1b[2J\x1b]0;x\x07[red]\u202e"
    fake.pods.show(
        replace(known_as(fake, unscheduled(evil)), node=evil, annotations={**known.annotations, "k": evil})
    )
    acts(nothing)
    text = terminal(200, 24)
    fljob("top", "-n", "fl")
    sent = text()
    assert "\\x1b[2J" in sent
    assert "[red]" in sent
    for word in ("\x1b[2J", "\x07", "\u202e"):
        assert word not in sent


def test_a_terminal_that_can_only_be_written_to_gets_lines(fake, acts, changes, terminal, fljob, monkeypatch):
    acts(changes["runs"])
    text = terminal(80, 24)
    monkeypatch.setenv("TERM", "dumb")
    fljob("list", "-w", "-n", "fl")
    sent = text()
    assert "\x1b" not in sent
    assert "RUNNING" in sent
