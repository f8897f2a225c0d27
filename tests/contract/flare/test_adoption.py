"""Parents die and come back in a real federation on loopback; job processes stand for pods, files for the cluster."""

from __future__ import annotations

import time

import pytest

from launcher.edges.disk import history, submitters
from tests.contract.flare.loopback.federation import ADMIN, SERVER, SITES, Federation


@pytest.fixture(scope="module")
def federation(tmp_path_factory):
    made = Federation(tmp_path_factory.mktemp("federation"))
    for site in SITES:
        made.configure(site, adopt=True)
    try:
        made.start(*SITES)
        yield made
    finally:
        made.stop()


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def results(federation, site, job):
    return {path.name for path in (federation.root / "kits" / site / job).rglob("*")}


def records(federation, site, job):
    """Return what the history of a site says of a job."""
    found = history.read(federation.root / "kits" / site)
    assert found.unreadable == ()
    return [record for record in found.records if record.job == job]


def test_each_parent_dies_once_and_the_job_completes(federation):
    job = federation.submit()
    pods = federation.round(0)
    assert set(pods) == {"server", "site-1", "site-2"}
    federation.kill("site-1")
    federation.start("site-1")
    federation.round(2)
    assert federation.pods() == pods
    federation.kill(SERVER)
    federation.start(SERVER)
    assert federation.ends(job) == "FINISHED:COMPLETED"
    for site in ("site-1", SERVER):
        assert f"job {job} taken over" in federation.log(site)
    for site in ("site-1", "site-2"):
        assert "best_numpy.npy" in results(federation, site, job)
    assert federation.is_clean()
    assert not (federation.root / "kits" / SERVER / "fljob/running" / f"{job}.json").exists()
    # A server's job store names the submitter; to a site nobody says it again: its parent has noted it.
    for site in SITES:
        until(lambda site=site: records(federation, site, job))
        assert [record.submitter for record in records(federation, site, job)] == [ADMIN]
    noted = {site for site in SITES if (federation.root / "kits" / site / submitters.FILE).exists()}
    assert noted == {*SITES} - {SERVER}


def test_pods_that_wait_are_taken_over_and_an_abort_reaches_all(federation):
    federation.hold("server", "site-1")
    job = federation.submit()
    until(lambda: len(federation.pods()) == 3 and federation.status(job) == "RUNNING")
    federation.kill(SERVER)
    before = len(federation.log(SERVER))
    federation.start(SERVER)
    federation.took_over(job, SERVER)
    # A server process that starts waits half a minute for sites; on a busy machine they come back later than that.
    for site in ("site-1", "site-2"):
        until(lambda site=site: f"Re-activate the client: {site} " in federation.log(SERVER)[before:])
    federation.hold("site-1")
    until(lambda: "Round 0 started" in federation.pod_log("server"))
    federation.kill("site-1")
    federation.start("site-1")
    federation.took_over(job, "site-1")
    federation.hold()
    federation.round(1)
    federation.ask("abort", job)
    assert federation.ends(job) == "FINISHED:ABORTED"
    assert federation.is_clean()


def test_a_server_process_that_ends_while_its_parent_is_away_has_not_completed(federation):
    job = federation.submit()
    federation.round(1)
    federation.kill(SERVER)
    federation.end_pod("server")
    federation.start(SERVER)
    assert federation.ends(job) == "FINISHED:ABNORMAL"
    assert federation.is_clean()


def test_a_site_that_does_not_want_it_ends_its_job(federation):
    job = federation.submit()
    federation.round(0)
    federation.configure("site-1", adopt=False)
    federation.kill("site-1")
    federation.start("site-1")
    assert federation.ends(job) == "FINISHED:ABNORMAL"
    assert f"job {job} not taken over: release=" in federation.log("site-1")
    assert federation.is_clean()
