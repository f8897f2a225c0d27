"""A site's parent is replaced while a quota refuses its job's pod: the next one goes on trying, in a real federation."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.cluster.federation.adopted import ROUNDS, went_on
from tests.cluster.federation.conftest import GONE_WITHIN

pytestmark = pytest.mark.cluster

# Counts pods that have a deadline, which only those of site-1's jobs have.
QUOTA = """
apiVersion: v1
kind: ResourceQuota
metadata: {{name: full}}
spec:
  hard: {{pods: "{pods}"}}
  scopes: [Terminating]
"""
COUNTED = {"values": {"pod": {"spec": {"activeDeadlineSeconds": 3600}}}}
PATIENT = {"pending_timeout": 900}


@pytest.fixture
def full(federation):
    """A quota that no job pod of site-1 fits into."""
    federation.kubectl("apply", "-f", "-", stdin=QUOTA.format(pods=0))
    federation.kubectl("wait", "--for=jsonpath={.status.hard}", "quota/full", "--timeout=60s")
    with federation.file("site-1", "fljob/fljob.yaml", json.dumps(COUNTED)):
        yield
    federation.kubectl("delete", "quota", "full", "--ignore-not-found")


def notes(federation):
    folder = Path(os.environ["FLJOB_SHARE"]) / federation.namespace / "site-1" / "fljob/refused"
    return list(folder.glob("*"))


def refused(federation, replace=lambda federation: federation.restart("site-1")):
    """Submit a job that site-1 refuses, and replace that site's parent; return its id."""
    run = federation.submit(action="slow", site_1=PATIENT, options=("--rounds", str(ROUNDS)))
    run.until("RUNNING")
    federation.newest_says("site-1", "refused, trying again")
    assert len(notes(federation)) == 1
    assert [name for name in federation.credentials() if "-site-1-" in name]
    replace(federation)
    federation.newest_says("site-1", f"job {run.job} taken over: release=")
    federation.newest_says("site-1", "has no pod yet, its creation is tried again")
    assert federation.pods("site-1") == []
    return run.job


@pytest.mark.usefixtures("full")
def test_the_next_parent_goes_on_trying_until_the_quota_is_raised(federation):
    job = refused(federation)
    federation.kubectl("apply", "-f", "-", stdin=QUOTA.format(pods=1))
    federation.newest_says("site-1", "launched at last")
    went_on(federation, job, "site-1")
    assert notes(federation) == []


@pytest.mark.usefixtures("full")
def test_the_parent_that_was_deleted_tries_no_more(federation):
    """It lives on for half a minute beside the next one, and the note is that one's."""
    job = refused(federation, lambda federation: federation.delete_parent("site-1"))
    federation.kubectl("apply", "-f", "-", stdin=QUOTA.format(pods=1))
    federation.newest_says("site-1", "launched at last")
    federation.only_newest("site-1")
    went_on(federation, job, "site-1")
    assert notes(federation) == []


# Helm, but it does not come back from the try that finds a marker: it is as if the parent were killed in its midst,
# with the record of the try in the cluster and nobody who undoes it.
HELM = """#!/bin/sh
cd /var/tmp/nvflare/workspace/fljob
case " $* " in *" install "*) [ ! -e hold ] || { rm hold; helm "$@"; touch held; sleep 600; } ;; esac
exec helm "$@"
"""


@pytest.fixture
def held_helm(federation):
    """A helm in the workspace of site-1; returns a function that waits until it holds a try."""
    folder = Path(os.environ["FLJOB_SHARE"]) / federation.namespace / "site-1/fljob"
    program = "/var/tmp/nvflare/workspace/fljob/helm"

    def hold():
        (folder / "hold").touch()
        deadline = time.monotonic() + GONE_WITHIN
        while not (folder / "held").exists():
            assert time.monotonic() < deadline, federation.log("site-1")
            time.sleep(0.2)
        (folder / "held").unlink()

    with federation.file("site-1", "fljob/helm", HELM):
        (folder / "helm").chmod(0o755)
        with federation.file("site-1", "fljob/fljob.yaml", json.dumps({**COUNTED, "helm": program})):
            yield hold


@pytest.mark.usefixtures("full")
def test_a_parent_that_is_killed_in_the_midst_of_a_try_costs_nothing(federation, held_helm):
    def kill(federation):
        held_helm()
        record = ("get", "secret", "-l", "owner=helm,status=failed", "-o", "name")
        assert federation.kubectl(*record).count("fj-") == 1
        federation.replace_now("site-1")

    job = refused(federation, kill)
    federation.kubectl("apply", "-f", "-", stdin=QUOTA.format(pods=1))
    federation.newest_says("site-1", "launched at last")
    went_on(federation, job, "site-1")
    assert notes(federation) == []


@pytest.mark.usefixtures("full")
def test_an_abort_after_that_leaves_nothing(federation):
    job = refused(federation)
    federation.ask(job, "abort")
    assert federation.ends(job) == "FINISHED:ABORTED"
    assert federation.is_clean()
    assert notes(federation) == []
