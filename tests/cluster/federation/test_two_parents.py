"""Two parents of one site at once: the newest acts, the other says so and does nothing."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager

import pytest

from tests.cluster.federation.adopted import SERVER, completed, started, went_on

pytestmark = pytest.mark.cluster


def lease_of(federation, site):
    """Return who acts for a site: the spec of the Lease that its newest parent holds."""
    (newest,) = [name.removeprefix("pod/") for name in federation.parents(site)[-1:]]
    items = json.loads(federation.kubectl("get", "lease", "-o", "json"))["items"]
    held = [one for one in items if one["metadata"]["name"].startswith("fljob-parent-")]
    return next(one["spec"] for one in held if one["spec"]["holderIdentity"].startswith(newest))


@pytest.fixture
def two(federation):
    """A site with two parents by mistake; one again afterwards."""
    with two_parents(federation, "site-2", "site-2") as found:
        yield found


@pytest.fixture
def two_servers(federation):
    """A server with two parents by mistake; one again afterwards."""
    with two_parents(federation, SERVER, "server") as found:
        yield found


@contextmanager
def two_parents(federation, deployment, site):
    federation.kubectl("scale", f"deployment/{deployment}", "--replicas=2")
    (old, new) = until_two(federation, deployment)
    federation.kubectl("wait", "--for=jsonpath={.status.phase}=Running", new, "--timeout=180s")
    federation.pod_says(new, f"this parent acts for site {site} now, instead of ")
    yield old, new
    federation.kubectl("scale", f"deployment/{deployment}", "--replicas=1")
    # FLARE's server knows the token of the other one until that has been silent for ten minutes.
    federation.restart(deployment)
    federation.only_newest(deployment)


def until_two(federation, site):
    deadline = time.monotonic() + 120
    while len(found := federation.parents(site)) < 2:
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    return found


def test_a_job_ends_while_its_old_parent_lives(federation):
    """The old parent sees the end as well, and would take the release away before the new one has looked."""
    job, uids = started(federation)
    time.sleep(45)
    old = federation.delete_parent("site-1")
    federation.pod_says(old, "another parent of site site-1 acts: ")
    assert federation.uids(job).items() <= uids.items()
    went_on(federation, job, "site-1")
    assert lease_of(federation, "site-1")["leaseTransitions"] >= 1


def test_two_parents_by_mistake(federation, request):
    """The job that runs completes. Of a new one the process may reach either parent by the Service: it may fail."""
    job, uids = started(federation)
    old, new = request.getfixturevalue("two")
    federation.pod_says(new, f"job {job} taken over")
    federation.pod_says(old, "leaves all jobs alone until that one is gone")
    assert federation.uids(job).items() <= uids.items()
    completed(federation, job)
    # The one that stays acts again when the one that acted is gone.
    leaves(federation, "site-2", new)
    federation.pod_says(old, "this parent acts for site site-2 again")


def leaves(federation, deployment, parent):
    """Take this one of two parents away, at once."""
    federation.kubectl("annotate", parent, "controller.kubernetes.io/pod-deletion-cost=-1")
    federation.kubectl("scale", f"deployment/{deployment}", "--replicas=1")
    federation.kubectl("delete", "--grace-period=1", parent)


def test_two_parents_of_the_server(federation):
    job, uids = started(federation)
    time.sleep(20)
    old = federation.delete_parent(SERVER)
    federation.pod_says(old, "another parent of site server acts: ")
    federation.newest_says(SERVER, f"job {job} taken over")
    assert federation.uids(job).items() <= uids.items()
    went_on(federation, job, SERVER)


def test_what_one_parent_of_the_server_has_ended_stays_so(federation, request):
    """The other one has heard of no failure: FLARE would call the job COMPLETED there."""
    job, _ = started(federation)
    old, new = request.getfixturevalue("two_servers")
    federation.pod_says(new, f"job {job} taken over")
    chosen = f"fljob.internal/job-id={job},fljob.internal/site=server"
    federation.kubectl("delete", "pod", "--now", "-l", chosen)
    status = federation.ends(job)
    assert status == "FINISHED:ABNORMAL"
    leaves(federation, SERVER, new)
    federation.pod_says(old, f"job {job}: another parent of the server has ended it")
    time.sleep(30)
    assert federation.ask(job, "end") == status
    assert federation.is_clean()
