"""Whoever submitted a job sees at FLARE's server why it waits at a site, and how it ended there."""

from __future__ import annotations

import json
import time

import pytest

from tests.cluster.federation.adopted import IMPOSSIBLE

pytestmark = pytest.mark.cluster

# A new session, with Python and FLARE, takes three seconds itself on two cores; nobody waits here for less.
SEEN_WITHIN = 60.0


def sites(federation, job):
    return json.loads(federation.as_admin("status", job, "-o", "json"))["sites"]


def seen(federation, job, is_so):
    """Wait until the sites say something, and return it."""
    deadline = time.monotonic() + SEEN_WITHIN
    while not is_so(found := sites(federation, job)):
        assert time.monotonic() < deadline, found
    return found


def test_an_admin_sees_why_a_site_waits_and_how_all_ended(federation):
    run = federation.submit(site_1=IMPOSSIBLE)
    run.until("RUNNING")
    found = seen(federation, run.job, lambda told: "code" in told.get("site-1", {}))
    waits = found["site-1"]
    assert (waits["state"], waits["code"], waits["clock"]) == (
        "STARTING",
        "InsufficientResources",
        "pending_timeout",
    )
    assert "Insufficient cpu" in waits["detail"]
    seen(
        federation,
        run.job,
        lambda told: [told[one]["state"] for one in ("server", "site-2")] == ["RUNNING"] * 2,
    )
    shown = federation.as_admin("status", run.job)
    assert "site-1:" in shown
    assert "pending_timeout ends it in" in shown
    assert "cure, at the site:" in shown
    # FLARE's own command shows it, too.
    assert json.loads(federation.ask(run.job, "meta"))["fljob"]["sites"]["site-1"]["summary"]
    federation.ask(run.job, "abort")
    assert federation.ends(run.job) == "FINISHED:ABORTED"
    ended = seen(federation, run.job, lambda told: "return_code" in told["site-1"])
    assert ended["site-1"]["code"] == "Terminated"
    assert federation.is_clean()


def test_the_archive_of_the_results_says_it_too(federation):
    run = federation.submit()
    assert run.end() == "FINISHED:COMPLETED"
    told = json.loads(federation.ask(run.job, "told"))
    assert {"server", "site-1", "site-2"} <= told.keys()
    found = seen(federation, run.job, lambda told: all("return_code" in one for one in told.values()))
    assert {one["return_code"] for one in found.values()} == {0}


READ = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9464/metrics').read().decode())"


def test_a_parent_says_what_its_jobs_have_used_and_serves_what_it_counts(federation):
    with federation.file("site-1", "fljob/fljob.yaml", json.dumps({"metrics_port": 9464})):
        run = federation.submit()
        assert run.end() == "FINISHED:COMPLETED"
        # In the image of a parent is all that it needs for it.
        served = federation.kubectl("exec", "deployment/site-1", "--", "python3", "-c", READ)
    words = ("usage", "--kit", "/var/tmp/nvflare/workspace", "--since", "10m", "--by", "job", "-o", "json")
    used = {one["key"]: one for one in json.loads(federation.fljob("site-1", *words))}
    assert (used[run.job]["jobs"], used[run.job]["failed"]) == (1, 0)
    assert used[run.job]["runningSeconds"] > 1
    counted = dict(line.rsplit(" ", 1) for line in served.splitlines() if line and line[0] != "#")
    assert float(counted['fljob_jobs_ended_total{code="Success",return_code="0"}']) >= 1
    assert counted["fljob_acting"] == "1.0"


def test_a_site_that_does_not_tell_is_not_in_it(federation):
    with federation.file("site-1", "fljob/fljob.yaml", json.dumps({"tell_server": False})):
        run = federation.submit()
        assert run.end() == "FINISHED:COMPLETED"
    found = seen(federation, run.job, lambda told: "return_code" in told.get("site-2", {}))
    assert "site-1" not in found
