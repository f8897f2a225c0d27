"""Parents are replaced while a job runs in a real federation: the training goes on, or ends as it must."""

from __future__ import annotations

import time

import pytest

from tests.cluster.federation.adopted import IMPOSSIBLE, SERVER, started, went_on

pytestmark = pytest.mark.cluster

# The middle of five rounds of fifteen seconds: a parent that is told to stop works on for half a minute.
IN_ROUND_1 = 20.0

RESTARTS = {"a site": ("site-1",), "the server": (SERVER,), "both": ("site-1", SERVER)}


@pytest.mark.parametrize("which", RESTARTS)
def test_parents_are_rolled_out_anew(federation, which):
    job, uids = started(federation)
    time.sleep(IN_ROUND_1)
    federation.restart(*RESTARTS[which])
    assert federation.uids(job).items() <= uids.items()
    went_on(federation, job, *RESTARTS[which])


@pytest.mark.parametrize("which", RESTARTS)
def test_parents_are_deleted(federation, which):
    """The old parent lives on for half a minute beside the new one."""
    job, uids = started(federation)
    time.sleep(IN_ROUND_1)
    old = {site: federation.delete_parent(site) for site in RESTARTS[which]}
    for site, pod in old.items():
        federation.newest_says(site, f"job {job} taken over")
        federation.kubectl("wait", "--for=delete", pod, "--timeout=180s")
    assert federation.uids(job).items() <= uids.items()
    went_on(federation, job, *old)


def test_three_restarts_in_one_job(federation):
    job, uids = started(federation)
    for parent in ("site-1", SERVER, "site-1"):
        federation.replace_now(parent)
        time.sleep(8)
    assert federation.uids(job).items() <= uids.items()
    went_on(federation, job, "site-1", SERVER)


def test_abort_after_a_restart_of_both(federation):
    job, _ = started(federation)
    federation.restart("site-1", SERVER)
    federation.newest_says("site-1", f"job {job} taken over")
    federation.newest_says(SERVER, f"job {job} taken over")
    begin = time.monotonic()
    federation.ask(job, "abort")
    assert federation.ends(job) == "FINISHED:ABORTED"
    assert time.monotonic() - begin < 60
    assert federation.is_clean()


def test_a_pod_that_is_pending_is_taken_over_and_can_be_aborted(federation):
    run = federation.submit(site_1=IMPOSSIBLE)
    run.until("RUNNING")
    federation.restart("site-1")
    federation.newest_says("site-1", f"job {run.job} taken over")
    federation.ask(run.job, "abort")
    assert federation.ends(run.job) == "FINISHED:ABORTED"
    assert federation.is_clean()


def test_a_job_without_its_secret_ends(federation):
    job, _ = started(federation)
    secrets = federation.kubectl("get", "secret", "-o", "name").split()
    (own,) = [name for name in secrets if "cred" in name and "-site-1-" in name]
    federation.kubectl("delete", own)
    federation.restart("site-1")
    assert federation.ends(job) == "FINISHED:ABNORMAL"
    assert "not taken over: release=" in federation.says("site-1", job)
    assert "the Secret with its credentials is gone" in federation.says("site-1", job)
    assert federation.is_clean()
