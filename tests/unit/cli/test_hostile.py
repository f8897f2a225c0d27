"""What somebody writes on purpose into metas, files and pods: a row or a sentence, and never more."""

from __future__ import annotations

import json
import logging
import sys
import warnings

import pytest
import yaml

from launcher.cli.live_line import live_line
from launcher.core import names
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.views import Seen
from tests.fakes import START, FakeClock, main, make_pod, running, scheduled, unscheduled
from tests.fuzz.texts import dangers
from tests.unit.cli.conftest import META, known_as, show

RELEASE = "meta.helm.sh/release-name"


def meta_with(folder, **block):
    (folder / "meta.json").write_text(json.dumps({**META, "launcher_spec": {"default": {"k8s": block}}}))


class Terminal:
    """A stream that says it is a terminal, over another."""

    def __init__(self, stream):
        self.stream = stream

    def isatty(self):
        return True

    def __getattr__(self, name):
        return getattr(self.stream, name)


@pytest.mark.parametrize("image", ["busybox[/x]:1", "[bold red]x", ":skull:"])
def test_markup_of_an_image_is_text_on_a_terminal(monkeypatch, capsys, image):
    waiting = scheduled(main("waiting", "ErrImagePull", f'pull "{image}" failed'))
    track = step(Track(launched=0.0), Observation(0.0, START, Seen.found(waiting)), WaitPolicy())
    monkeypatch.setattr(sys, "stderr", Terminal(sys.stderr))
    with live_line(image, FakeClock()) as notify:
        notify(track)


def test_markup_of_a_site_is_text_in_the_table(fake, fljob):
    fake.pods.items["x"] = make_pod("[/y]", annotations={names.ANNOTATION_SITE: "[/x]", RELEASE: "[/z]"})
    code, out, _ = fljob("list", "-n", "fl")
    assert (code, "[/x]" in out, "[/y]" in out) == (0, True, True)


@pytest.mark.parametrize("text", ["1e300", "nan", "-1", "inf", "1e400", "9" * 5000, "\x1b[31m"])
def test_a_forged_annotation_costs_its_own_row(fake, fljob, release, text):
    show(fake, running())
    forged = unscheduled(name="forged", annotations={RELEASE: "fj-x", names.ANNOTATION_PENDING_TIMEOUT: text})
    fake.pods.items["forged"] = forged
    code, out, _ = fljob("list", "-n", "fl", "-o", "json")
    rows = {row["release"] or row["pod"]["name"]: row for row in json.loads(out)}
    assert (code, rows[release]["state"], rows[release]["unreadable"]) == (0, "RUNNING", [])
    assert names.ANNOTATION_PENDING_TIMEOUT in rows["forged"]["unreadable"][0]
    assert fljob("list", "-n", "fl")[0] == 0
    assert fljob("status", release, "-n", "fl")[0] == 0
    code, out, _ = fljob("status", "fj-x", "-n", "fl")
    assert (code, dangers(out)) == (0, [])
    assert "is no time to wait" in out


@pytest.mark.parametrize("output", ["yaml", "json"])
def test_values_are_printed_with_escapes_that_mean_the_same(fljob, folder, output):
    python = "/usr/bin/p\x9b31m\u202e"
    meta_with(folder, image="img:1", python_path=python)
    code, out, _ = fljob("render", "meta.json", "--site", "Zürich", "-o", output)
    assert (code, dangers(out)) == (0, [])
    assert yaml.safe_load(out)["command"] == [python]


def test_umlauts_stay_where_nothing_is_dangerous(fljob):
    assert "Zürich" in fljob("render", "meta.json", "--site", "Zürich")[1]


@pytest.mark.parametrize("command", ["render", "launch"])
def test_an_image_that_is_refused_reaches_the_terminal_as_text(fljob, folder, command):
    meta_with(folder, image="a b\x9b31mRED\u202e")
    code, out, err = fljob(command, "meta.json", "--site", "s", *(("--", "x") if command == "launch" else ()))
    assert (code, dangers(out + err)) == (2, [])
    assert "\\x9b31mRED\\u202e" in err


def test_warnings_are_few(fljob, folder):
    meta_with(folder, image="img:1", **{f"odd\x1b{number}": 1 for number in range(5000)})
    code, _, err = fljob("render", "meta.json", "--site", "s")
    assert (code, dangers(err)) == (0, [])
    assert len(err.splitlines()) == 21


@pytest.mark.parametrize(
    "text", ['"\\udc00a": 1', 'namespace: "\\udc00a"', 'values: {a: ["\\ud83d"]}', "a: " + "[" * 500]
)
def test_a_site_file_with_half_a_character_is_refused_in_words(fljob, folder, text):
    (folder / "fljob.yaml").write_text(text)
    code, out, err = fljob("render", "meta.json", "--site", "s")
    assert (code, out, dangers(err)) == (2, "", [])
    assert "fljob.yaml" in err


def test_a_log_is_escaped_on_a_terminal_only(fake, fljob, release, monkeypatch):
    show(fake, running())
    fake.pods.lines[""] = ["\x1b[31mred\x1b[0m50%\ttab"]
    assert fljob("logs", release, "-n", "fl")[1] == "\x1b[31mred\x1b[0m50%\ttab\n"
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)
    assert fljob("logs", release, "-n", "fl")[1] == "\\x1b[31mred\\x1b[0m50%\ttab\n"


def test_the_last_lines_are_masked_together(fake, fljob, release):
    key = [
        "-----BEGIN RSA PRIVATE KEY-----",
        "MIIEpAIBAAKCAQEAcanary",
        "c2Fub3RoZXJsaW5lY2FuYXJ5",
        "-----END RSA PRIVATE KEY-----",
    ]
    for lines in (key, key[1:], ["x", *key[2:]]):
        fake.pods.lines[""] = [*lines, "done\x1b[2K"]
        show(fake, known_as(fake, scheduled(main("terminated", "Error", "", 1), phase="Running")))
        err = fljob("wait", release, "-n", "fl")[2]
        assert "canary" not in err.lower().replace("canary-", "")
        assert "c2Fub3" not in err
        assert "done\\x1b[2K" in err


def test_launch_prints_no_warning_of_a_library(fake, fljob, monkeypatch):
    def noisy(*_args, **_more):
        logging.getLogger("urllib3.connectionpool").warning("Retrying (Retry(total=2))")
        logging.getLogger("launcher.usecases.x").warning("ours\x1b")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        return ()

    monkeypatch.setattr(fake.releases, "list", noisy)
    code, out, err = fljob("list", "-n", "fl")
    assert (code, out) == (0, "")
    assert err == "ours\\x1b\nno jobs in namespace fl\n"


def test_a_defect_is_shown_without_what_it_quotes(fake, fljob, monkeypatch):
    def broken(*_args, **_more):
        raise RuntimeError("Invalid header value b'Bearer abcdefghijklmnop'\x1b")

    monkeypatch.setattr(fake.releases, "list", broken)
    code, out, err = fljob("list", "-n", "fl")
    assert (code, out) == (70, "")
    assert "abcdefghijklmnop" not in err
    assert "\x1b" not in err.replace("\x1b[31merror:\x1b[0m", "")
    assert "defect of fljob" in err
