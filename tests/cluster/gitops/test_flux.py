"""Flux installs the examples by digest and signature, reports them, sees another digest, and leaves a finished job alone."""

from __future__ import annotations

import subprocess

import pytest

from tests.cluster.conftest import kubectl
from tests.cluster.gitops.examples import eventually
from tests.cluster.gitops.flux import is_ready, ready, says

pytestmark = pytest.mark.usefixtures("flux")
POD = "train-1-site-1-f505dccd"


def pod(names):
    return names.get("pod", POD)


def finished(names):
    eventually(lambda: (pod(names) or {}).get("status", {}).get("phase") == "Succeeded", lambda: pod(names))
    return pod(names)["metadata"]["uid"]


def revisions(names):
    """Return how many records Helm has of the job."""
    selector = "owner=helm,name=train-1"
    return len(kubectl("get", "secret", "-n", names.namespace, "-l", selector, "-o", "name").split())


@pytest.fixture
def running(job, chart):
    """A job of the example that Flux has installed and that has ended well."""
    job.apply("flux/job.yaml", chart("0.1.0"))
    is_ready(job, "ocirepository", "fljob")
    is_ready(job, "helmrelease", "train-1")
    job.uid = finished(job)
    return job


def test_a_job_is_installed_by_digest_and_left_alone_when_it_has_ended(running, fljob):
    listed = fljob("list", "-n", running.namespace, check=0).stdout
    assert "train-1" in listed
    assert "SUCCEEDED" in listed
    for kind, name in (("ocirepository", "fljob"), ("helmrelease", "train-1")) * 2:
        running.reconcile(kind, name)
    assert finished(running) == running.uid
    assert revisions(running) == 1
    assert ready(running, "helmrelease", "train-1")[0] == "True"


def test_a_pod_that_is_removed_is_not_made_again(running):
    kubectl("delete", "pod", POD, "-n", running.namespace)
    running.reconcile("helmrelease", "train-1")
    running.reconcile("helmrelease", "train-1")
    assert pod(running) is None
    assert ready(running, "helmrelease", "train-1")[0] == "True"


def test_another_digest_is_seen_and_a_job_is_never_upgraded(running, chart):
    digest = chart("0.1.1")
    running.apply("flux/job.yaml", digest)
    is_ready(running, "ocirepository", "fljob")
    source = running.get("ocirepository", "fljob")["status"]["artifact"]
    assert source["revision"].endswith(digest)
    says(running, "helmrelease", "train-1", "a job is never upgraded")
    assert finished(running) == running.uid
    running.reconcile("helmrelease", "train-1")
    assert pod(running)["metadata"]["uid"] == running.uid


def test_a_job_that_leaves_git_goes_with_its_pod(running):
    kubectl("delete", "helmrelease", "train-1", "-n", running.namespace, "--timeout=60s")
    eventually(lambda: pod(running) is None, lambda: pod(running))
    assert revisions(running) == 0


def test_a_digest_that_is_not_there_installs_nothing(job):
    job.apply("flux/job.yaml", "sha256:" + "1" * 64)
    says(job, "ocirepository", "fljob", "sha256:" + "1" * 64)
    assert pod(job) is None
    assert revisions(job) == 0


def test_a_chart_that_is_not_signed_installs_nothing(job, chart):
    job.apply("flux/job.yaml", chart("0.1.2", signed=False))
    says(job, "ocirepository", "fljob", "no matching signatures")
    assert pod(job) is None
    assert revisions(job) == 0


def test_a_job_that_fails_is_told_by_its_pod_and_is_not_tried_again(job, chart):
    job.command = "exit 3"
    job.apply("flux/job.yaml", chart("0.1.0"))
    is_ready(job, "helmrelease", "train-1")
    eventually(lambda: (pod(job) or {}).get("status", {}).get("phase") == "Failed", lambda: pod(job))
    uid = pod(job)["metadata"]["uid"]
    job.reconcile("helmrelease", "train-1")
    assert pod(job)["metadata"]["uid"] == uid
    assert (
        subprocess.run(
            ["helm", "status", "train-1", "-n", job.namespace], check=False, capture_output=True
        ).returncode
        == 0
    )
