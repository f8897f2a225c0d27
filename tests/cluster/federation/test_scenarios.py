"""A real federation, our launcher at every site: how jobs end, what the parent's log says, what is left."""

from __future__ import annotations

import contextlib
import json
import time

import pytest

from launcher.core.names import release_name

pytestmark = pytest.mark.cluster

# The job's meta asks for a request smaller than the limit: both must be impossible.
IMPOSSIBLE = {"cpu": "999", "cpu_request": "999"}
MISSING = "localhost:5001/fljob-no-such-image:1"


SITES = ("nvflare-server", "site-1", "site-2")


@pytest.mark.smoke
def test_a_job_completes(federation):
    job = federation.submit()
    assert job.end() == "FINISHED:COMPLETED"
    assert federation.is_clean()
    for site in SITES:
        assert "ended: Success" in federation.says(site, job.job)


def test_the_doctor_speaks_with_the_rights_of_the_parent(federation):
    """It is on the PATH of the parent's image, and understands what the parent has mounted of its kit."""
    words = ("doctor", "-n", federation.namespace, "--kit", "/var/tmp/nvflare/workspace")
    said = federation.fljob("site-1", *words)
    assert f"granted in namespace {federation.namespace} to system:serviceaccount:" in said
    assert "adopted: the workspace of a parent" in said
    assert "FAIL" not in said


def test_two_jobs_at_once(federation):
    jobs = [federation.submit() for _ in range(2)]
    assert [job.end() for job in jobs] == ["FINISHED:COMPLETED"] * 2
    assert federation.is_clean()
    for job in jobs:
        assert "ended: Success" in federation.says("site-2", job.job)


def test_abort_while_running(federation):
    job = federation.submit(action="sleep", options=("--abort-running", "8"))
    assert job.end() == "FINISHED:ABORTED"
    assert federation.is_clean()
    # A job process that is told to stop uploads what it has and ends with 0, unless it is slower than ten seconds.
    said = federation.says("site-1", job.job)
    assert "ended: Success" in said or "Terminated: terminated by FLARE" in said


# Where the pods are pending, by the argument of submit() -> the parents that say so.
PENDING = {
    "a site": (("site_1",), ("site-1",)),
    "the server": (("server",), ("nvflare-server",)),
    "both": (("site_1", "server"), ("site-1", "nvflare-server")),
}


@pytest.mark.parametrize("where", PENDING)
def test_abort_while_a_job_pod_is_pending(federation, where):
    """FLARE's own launcher blocks: aborted while the server's pod is pending the job goes on, RUNNING again."""
    blocks, parents = PENDING[where]
    job = federation.submit(
        **dict.fromkeys(blocks, IMPOSSIBLE), options=("--abort-running", "8", "--stay", "15")
    )
    assert job.end() == "FINISHED:ABORTED"
    assert federation.is_clean()
    for parent in parents:
        said = federation.says(parent, job.job)
        assert "pending: InsufficientResources" in said
        assert "Terminated: terminated by FLARE" in said


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
    "user code raises": ("site-1:raise", {}, "FINISHED:EXECUTION_EXCEPTION", "ended: Success"),
    "user code exits 7": ("site-1:exit", {}, "FINISHED:ABORTED", "exit code 7"),
    "out of memory": ("site-1:memory", {"memory": "300Mi"}, "FINISHED:ABNORMAL", "OOMKilled"),
}


@pytest.mark.parametrize("name", ENDS)
def test_how_a_job_ends(federation, name):
    action, block, status, cause = ENDS[name]
    job = federation.submit(action=action, site_1=block)
    assert job.end() == status
    assert federation.is_clean()
    assert cause in federation.says("site-1", job.job)


def test_a_failed_job_is_kept_for_a_while_and_the_janitor_leaves_it(federation):
    """FLARE ends and forgets the job as ever; its pod stays for whoever wants to look, without credentials."""
    with federation.file("site-1", "fljob/fljob.yaml", "retention: {failed: 900}\n"):
        job = federation.submit(action="site-1:exit")
        assert job.end() == "FINISHED:ABORTED"
        deadline = time.monotonic() + 60
        while federation.credentials() or len(federation.releases()) > 1:
            assert time.monotonic() < deadline, federation.left()
            time.sleep(0.5)
    assert "is kept for its retention" in federation.says("site-1", job.job)
    (release,) = federation.releases()
    assert federation.pods("site-1") == federation.left("pod")
    where = ("-n", federation.namespace)
    assert "return code 9" in federation.fljob("site-1", "status", release, *where)
    federation.fljob("site-1", "gc", "--older-than", "0s", *where)
    assert federation.releases() == [release]
    # The same site runs jobs beside it, and they leave nothing.
    assert federation.submit().end() == "FINISHED:COMPLETED"
    federation.fljob("site-1", "terminate", release, *where)
    assert federation.is_clean()


# Slower than Kubernetes' default of thirty seconds allows.
HANDLER = "sleep 35; echo its work is done > /proc/1/fd/1"
GRACEFUL = {
    "grace_period": 60,
    "values": {
        "container": {"spec": {"lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", HANDLER]}}}}}
    },
}


def test_a_job_that_is_terminated_has_the_grace_period_of_its_site(federation):
    with federation.file("site-1", "fljob/fljob.yaml", json.dumps(GRACEFUL)):
        job = federation.submit(action="sleep")
        job.until("RUNNING")
        federation.pod_runs("site-1")
    with federation.following(*federation.pods("site-1")) as log:
        federation.fljob("site-1", "terminate", release_name(job.job, "site-1"), "-n", federation.namespace)
        assert "its work is done" in log.read()
    assert job.end().startswith("FINISHED")
    assert federation.is_clean()


# site of the job process -> (its parent, what only its command line has behind the job's id)
KILLS = {"site-1": ("site-1", " -c site-1 "), "server": ("nvflare-server", "/app_server ")}


@pytest.mark.parametrize("site", KILLS)
def test_a_job_process_is_killed(federation, site, image):
    parent, words = KILLS[site]
    job = federation.submit(action="sleep")
    job.until("RUNNING")
    federation.pod_runs(site)
    time.sleep(8)
    federation.kill(site, f"{job.job}{words}", image)
    # FLARE's own launcher answers 9 and FINISHED:ABORTED, as if somebody had asked for it.
    assert job.end() == "FINISHED:ABNORMAL"
    assert federation.is_clean()
    said = federation.says(parent, job.job)
    assert "ended: Killed, return code 104" in said
    assert "the job process was killed" in said


@pytest.mark.parametrize("site", KILLS)
def test_a_job_pod_is_deleted_by_force(federation, site):
    job = federation.submit(action="sleep")
    job.until("RUNNING")
    federation.pod_runs(site)
    time.sleep(8)
    federation.kubectl("delete", "--force", "--grace-period=0", *federation.pods(site))
    assert job.end() == "FINISHED:ABNORMAL"
    assert federation.is_clean()
    assert "ended: DeletedExternally, return code 104" in federation.says(KILLS[site][0], job.job)


@pytest.fixture
def ending(federation):
    """New parents end what their predecessors left."""
    with contextlib.ExitStack() as changed:
        for site in SITES:
            changed.enter_context(federation.file(site, "fljob/fljob.yaml", "adopt: false\n"))
        yield


@pytest.mark.usefixtures("ending")
def test_a_parent_is_deleted_while_its_job_runs(federation):
    """FLARE's server alone would wait for the site for ever: to it, the new parent is another client."""
    job = federation.submit(action="sleep")
    job.until("RUNNING")
    federation.pod_runs("site-1")
    time.sleep(8)
    pods = federation.kubectl("get", "pod", "-o", "name").split()
    parent = [name for name in pods if name.startswith("pod/site-1-")]
    federation.kubectl("delete", "--wait=false", *parent)
    assert job.end() == "FINISHED:ABNORMAL"
    assert federation.is_clean()
    failure = "due to reported failure from site-1: the parent of the site was replaced"
    assert failure in federation.says("nvflare-server", job.job)
    # The old one, alive for half a minute, sees the job end, too: whichever is quicker removes it.
    release = release_name(job.job, "site-1")
    left = f"{release} was left by an earlier parent of this site: removed"
    federation.newest_says("site-1", left, f"release {release} is gone already")
    # The answer may be lost while the old parent lives, which is half a minute: then it is said again.
    federation.newest_says("site-1", f"job {job.job}: the server was told return code 104")
    # The next test reads the log of the deployment: of whichever parent kubectl finds.
    federation.kubectl("wait", "--for=delete", *parent, "--timeout=180s")
    federation.kubectl("rollout", "status", "deployment/site-1", "--timeout=180s")


@pytest.mark.usefixtures("ending")
def test_the_servers_parent_is_replaced_while_a_job_runs(federation):
    """With FLARE's launcher the job stays RUNNING: abort answers an internal error, and delete is refused."""
    job = federation.submit(action="sleep")
    job.until("RUNNING")
    federation.pod_runs("site-1")
    time.sleep(8)
    federation.restart("nvflare-server")
    federation.only_newest("nvflare-server")
    assert federation.ends(job.job) == "FINISHED:ABNORMAL"
    assert f"job {job.job} not taken over: " in federation.log("nvflare-server")
    assert federation.is_clean()
    federation.ask(job.job, "abort")
    federation.ask(job.job, "delete")
    # Sites do not register again: the next job shows that the server has them.
    assert federation.submit().end() == "FINISHED:COMPLETED"


RUNTIME, V1 = "local/study_runtime.yaml", "local/study_data.yaml"
STUDY = "format_version: 2\nstudies: {penguins: {datasets: {birds: {source: penguins, mode: ro}}%s}}\n"

# name -> (launcher block at site-1, file in its workspace and its content, what the parent of site-1 says)
BAD_INPUT = {
    "a word where a number belongs": ({"pending_timeout": "soon"}, None, "['pending_timeout']"),
    "a number where a quantity belongs": ({"ephemeral_storage": 7}, None, "['ephemeral_storage']"),
    "an empty image": ({"image": ""}, None, "image"),
    "study files of both formats": (
        {},
        (V1, "penguins: {birds: {source: penguins, mode: ro}}"),
        "study_data.yaml",
    ),
    "a study key that there is not": ({}, (RUNTIME, STUDY % ", datsets: {}"), "datsets"),
    "a reserved environment name": ({}, (RUNTIME, STUDY % ", env: {PYTHONPATH: /x}"), "PYTHONPATH"),
    "a study file that is no YAML": ({}, (RUNTIME, "studies: ["), "study_runtime.yaml"),
    "a wrong site file": ({}, ("fljob/fljob.yaml", "polcy: strict"), "polcy"),
    "a wrong site file in the old place": ({}, ("local/fljob.yaml", "polcy: strict"), "polcy"),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_at_a_site(federation, name):
    block, file, cause = BAD_INPUT[name]
    with contextlib.ExitStack() as changed:
        if file:
            changed.enter_context(federation.file("site-1", *file))
        before = len(federation.log("site-1"))
        job = federation.submit(site_1=block)
        assert job.end() == "FINISHED:FAILED_TO_RUN"
    assert federation.is_clean()
    assert cause in federation.log("site-1")[before:]


def test_bad_input_at_the_server(federation):
    job = federation.submit(server={"pending_timeout": "soon"})
    assert job.end() == "FINISHED:FAILED_TO_RUN"
    assert federation.is_clean()
    assert "launcher_spec['server']['k8s']['pending_timeout']" in federation.log("nvflare-server")
