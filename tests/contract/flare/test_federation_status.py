"""``fljob federation status``: what an admin sees, and what he is told when his kit or the server is not as it must be."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner
from nvflare.fuel.flare_api import api_spec, flare_api

from launcher.cli.commands.federation import federation_command
from launcher.core.catalogue import Code
from launcher.core.report.site_verdict import SiteVerdict, to_meta, with_told
from launcher.errors import Denied, InvalidInput, LauncherError, NotFound, Unavailable
from tests.fakes import START

WAITS = SiteVerdict(
    "STARTING", Code.INSUFFICIENT_RESOURCES.value, "0/3 nodes are available", "timeouts.resources"
)
META = {
    "job_id": "job-1",
    "status": "RUNNING",
    **with_told("job-1", {"site-2": to_meta(WAITS, START), "server": to_meta(SiteVerdict("RUNNING"), START)}),
}


class Session:
    """A session of FLARE's API that answers with a meta, or raises."""

    def __init__(self, answer):
        self.answer, self.is_closed = answer, False

    def get_job_meta(self, job_id):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def close(self):
        self.is_closed = True


@pytest.fixture
def status(tmp_path, monkeypatch):
    """Return a function that asks a server with this answer, and returns what is printed."""
    (tmp_path / "startup").mkdir()
    (tmp_path / "startup/fed_admin.json").write_text(json.dumps({"admin": {"username": "lead@acme.com"}}))

    def ask(answer, *words):
        session, asked = Session(answer), []

        def connect(name, folder, **given):
            asked.append((name, folder, given["study"]))
            sys.stdout.write("Trying to obtain server address\n")
            return session

        monkeypatch.setattr(flare_api, "new_secure_session", connect)
        arguments = ["status", "job-1", "--admin", str(tmp_path), *words]
        done = CliRunner().invoke(federation_command, arguments)
        assert session.is_closed
        assert asked[0][:2] == ("lead@acme.com", str(tmp_path))
        if isinstance(done.exception, LauncherError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    return ask


def test_a_row_for_each_site_with_cause_clock_and_cure(status):
    shown = status(META)
    assert "Trying" not in shown
    lines = shown.splitlines()
    assert lines[0].split() == ["job:", "job-1", "RUNNING"]
    assert lines[1].split() == ["server:", "RUNNING"]
    assert lines[2].startswith("site-2:  STARTING")
    assert "InsufficientResources" in shown
    assert "cure, at the site:" in shown


def test_as_json(status):
    row = json.loads(status(META, "-o", "json"))
    assert (row["jobId"], row["status"], row["sites"].keys()) == ("job-1", "RUNNING", {"server", "site-2"})


@pytest.mark.parametrize(
    "meta", [{"job_id": "job-1", "status": "SUBMITTED"}, {**META, "job_id": "a clone of it"}]
)
def test_where_nobody_has_told_anything(status, meta):
    assert "no site has told anything" in status(meta)


def test_what_a_site_wrote_moves_no_cursor(status):
    told = {"state": "\x1b[2J", "detail": "x\nserver:  SUCCEEDED", "code": "Y"}
    shown = status({"job_id": "job-1", "status": "\x1b[31m", **with_told("job-1", {"evil\n": told})})
    assert "\x1b" not in shown
    assert "\nserver:  SUCCEEDED" not in shown


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (api_spec.JobNotFound("no job"), NotFound),
        (api_spec.AuthenticationError("who"), Denied),
        (api_spec.AuthorizationError("not you"), Denied),
        (api_spec.NoConnection("cannot connect"), Unavailable),
        (RuntimeError("a defect"), Unavailable),
    ],
)
def test_what_the_server_refuses(status, error, kind):
    with pytest.raises(kind) as told:
        status(error)
    assert told.value.cure


@pytest.mark.parametrize("text", [None, "{", "[]", '{"admin": {}}'])
def test_a_kit_that_is_none(tmp_path, text):
    if text is not None:
        (tmp_path / "startup").mkdir()
        (tmp_path / "startup/fed_admin.json").write_text(text)
    done = CliRunner().invoke(federation_command, ["status", "job-1", "--admin", str(tmp_path)])
    assert isinstance(done.exception, InvalidInput)
    assert "fed_admin.json" in str(done.exception)
    assert "nvflare provision" in done.exception.cure
