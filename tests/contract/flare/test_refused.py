"""A new parent goes on with jobs whose creation was refused: a federation on loopback, files for the cluster."""

from __future__ import annotations

import json
import time

import pytest

from launcher.flare.context import TRANSFER_TOKEN
from tests.contract.flare.loopback.federation import SERVER, SITES, Federation


@pytest.fixture(scope="module")
def federation(tmp_path_factory):
    made = Federation(tmp_path_factory.mktemp("refused"))
    for site in SITES:
        made.configure(site, adopt=True)
    try:
        made.start(*SITES)
        yield made
    finally:
        made.stop()


def until(condition, federation):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "\n".join(federation.log(site)[-3000:] for site in SITES)
        time.sleep(0.3)


def refused(federation, site):
    """Submit a job that a site refuses; return its id once FLARE calls it running and the site has noted it."""
    federation.refuse("server" if site == SERVER else site)
    job = federation.submit()
    until(lambda: federation.notes(site), federation)
    until(lambda: federation.status(job) == "RUNNING", federation)
    return job


def again(federation, *sites):
    federation.kill(*sites)
    federation.start(*sites)


def secret(federation, site):
    (path,) = (federation.cluster / "secrets").glob(f"*-cred-*-{site}-*")
    return path


def leaves_nothing(federation):
    assert federation.is_clean()
    until(lambda: not any(federation.notes(site) for site in SITES), federation)
    return True


def holds_no_credential(federation, values):
    """Tell whether no credential stands in a note or a log; a short value, FLARE's "NA", is none."""
    (note,) = federation.notes("site-1")
    assert note.stat().st_mode & 0o777 == 0o600
    texts = [note.read_text(), *(federation.log(site) for site in SITES)]
    return not any(len(value) > 8 and value in text for value in values for text in texts)


def test_the_next_parent_of_a_site_goes_on_trying_and_the_job_completes(federation):
    job = refused(federation, "site-1")
    held = json.loads(secret(federation, "site-1").read_text())["data"]
    again(federation, "site-1")
    federation.took_over(job, "site-1")
    assert "has no pod yet, its creation is tried again: exceeded quota" in federation.log("site-1")
    assert TRANSFER_TOKEN in held
    assert holds_no_credential(federation, held.values())
    federation.refuse()
    assert federation.ends(job) == "FINISHED:COMPLETED"
    for site in ("site-1", "site-2"):
        folder = federation.root / "kits" / site / job
        assert "best_numpy.npy" in {path.name for path in folder.rglob("*")}
    assert leaves_nothing(federation)


def test_the_next_parent_of_the_server_does_so_too(federation):
    job = refused(federation, SERVER)
    again(federation, SERVER)
    federation.took_over(job, SERVER)
    federation.refuse()
    assert federation.ends(job) == "FINISHED:COMPLETED"
    assert leaves_nothing(federation)


def test_an_abort_after_that_leaves_nothing(federation):
    job = refused(federation, "site-1")
    again(federation, "site-1")
    federation.took_over(job, "site-1")
    federation.ask("abort", job)
    assert federation.ends(job) == "FINISHED:ABORTED"
    assert leaves_nothing(federation)


def test_what_cannot_be_gone_on_with_ends_at_once_and_the_server_hears_why(federation):
    job = refused(federation, "site-1")
    federation.kill("site-1")
    secret(federation, "site-1").unlink()
    federation.start("site-1")
    assert federation.ends(job) == "FINISHED:ABNORMAL"
    assert f"job {job} not taken over: release=" in federation.log("site-1")
    for site in ("site-1", SERVER):
        assert "the Secret with its credentials is gone" in federation.log(site)
    assert leaves_nothing(federation)
