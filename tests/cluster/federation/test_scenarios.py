"""A real federation, our launcher at every site: how jobs end, what the parent's log says, what is left."""

from __future__ import annotations

import time

import pytest

pytestmark = pytest.mark.cluster

# The job's meta asks for a request smaller than the limit: both must be impossible.
IMPOSSIBLE = {"cpu": "999", "cpu_request": "999"}
MISSING = "localhost:5001/fljob-no-such-image:1"


def test_a_job_completes(federation):
    job = federation.submit()
    assert job.end() == "FINISHED:COMPLETED"
    assert federation.is_clean()


def test_two_jobs_at_once(federation):
    jobs = [federation.submit() for _ in range(2)]
    assert [job.end() for job in jobs] == ["FINISHED:COMPLETED"] * 2
    assert federation.is_clean()


def test_abort_while_running(federation):
    job = federation.submit(action="sleep", options=("--abort-running", "8"))
    assert job.end() == "FINISHED:ABORTED"
    assert federation.is_clean()


def test_abort_while_a_job_pod_is_pending(federation):
    job = federation.submit(site_1=IMPOSSIBLE, options=("--abort-after", "8"))
    assert job.end() == "FINISHED:ABORTED"
    assert federation.is_clean()


# name -> (action in the job, launcher block at site-1, final status, what the parent of site-1 says)
ENDS = {
    "wrong image": ("", {"image": MISSING}, "FINISHED:EXECUTION_EXCEPTION", "ImageNotFound"),
    "impossible cpu": (
        "",
        {**IMPOSSIBLE, "pending_timeout": 5},
        "FINISHED:ABNORMAL",
        "InsufficientResources",
    ),
    # The job process reports the exception itself and ends with 0: to the parent it is a success.
    "user code raises": ("site-1:raise", {}, "FINISHED:EXECUTION_EXCEPTION", "launched"),
    "user code exits 7": ("site-1:exit", {}, "FINISHED:ABORTED", "exit code 7"),
    "out of memory": ("site-1:memory", {"memory": "300Mi"}, "FINISHED:ABNORMAL", "OOMKilled"),
}


@pytest.mark.parametrize("name", ENDS)
def test_how_a_job_ends(federation, name):
    action, block, status, cause = ENDS[name]
    job = federation.submit(action=action, site_1=block)
    assert job.end() == status
    assert federation.is_clean()
    assert cause in federation.log("site-1")


def test_a_job_pod_is_killed(federation):
    job = federation.submit(action="sleep")
    job.until("RUNNING")
    time.sleep(8)
    federation.kubectl("delete", "--force", "--grace-period=0", *federation.pods("site-1"))
    assert job.end() in {"FINISHED:ABORTED", "FINISHED:ABNORMAL"}
    assert federation.is_clean()


def test_a_parent_is_deleted_while_its_job_runs(federation):
    job = federation.submit(action="sleep", options=("--abort-running", "40"))
    job.until("RUNNING")
    time.sleep(8)
    parent = federation.kubectl("get", "pod", "-o", "name").split()
    federation.kubectl("delete", "--wait=false", *(name for name in parent if name.startswith("pod/site-1-")))
    assert job.end().startswith("FINISHED:")
    assert federation.is_clean()
    assert "left by an earlier parent" in federation.log("site-1")
