"""Two parents of one site at once: the newest acts, the other says so and does nothing."""

from __future__ import annotations

import json
import time

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
    federation.kubectl("scale", "deployment/site-2", "--replicas=2")
    (old, new) = until_two(federation, "site-2")
    federation.kubectl("wait", "--for=jsonpath={.status.phase}=Running", new, "--timeout=180s")
    federation.pod_says(new, "this parent acts for site site-2 now, instead of ")
    yield old, new
    federation.kubectl("scale", "deployment/site-2", "--replicas=1")
    # FLARE's server knows the token of the other one until that has been silent for ten minutes.
    federation.restart("site-2")
    federation.only_newest("site-2")


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
    federation.kubectl("annotate", new, "controller.kubernetes.io/pod-deletion-cost=-1")
    federation.kubectl("scale", "deployment/site-2", "--replicas=1")
    federation.kubectl("delete", "--grace-period=1", new)
    federation.pod_says(old, "this parent acts for site site-2 again")


def test_two_parents_of_the_server(federation):
    job, uids = started(federation)
    time.sleep(20)
    old = federation.delete_parent(SERVER)
    federation.pod_says(old, "another parent of site server acts: ")
    federation.newest_says(SERVER, f"job {job} taken over")
    assert federation.uids(job).items() <= uids.items()
    went_on(federation, job, SERVER)
