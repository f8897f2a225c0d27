"""Asking what has become of a release: what cannot be asked is an error, and nothing foreign is compared."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import JobReport, Track
from launcher.core.ownership import Owner, Ownership
from launcher.core.views import Presence
from launcher.errors import Conflict, Denied, NotFound, Rejected, Unavailable
from launcher.usecases.drift import drift_seen, installed_drift
from launcher.usecases.installed_ports import NoInstallations
from launcher.usecases.ports import World
from tests.fakes import FakeWorld, running

FOLDER = Path(__file__).parents[2] / "data" / "drift"
GATES = "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'x'"
RECORDINGS = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def recorded(name):
    found = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    return found["manifest"], found["pod"]


def a_world(name="untouched", **changes):
    manifest, pod = recorded(name)
    fake = FakeWorld()
    fake.installed.records["fj-1"] = [manifest]
    fake.installed.objects[pod["metadata"]["name"]] = changes.get("live", pod)
    fake.installed.refuses = changes.get("refuses")
    return fake


def found(**changes):
    job = JobRef(release="fj-1", namespace="fl", pod_name="job-1", job_id="a1")
    return JobReport(job, None, Track(launched=0.0, pod=running()), **changes)


def test_nothing_has_changed():
    fake = a_world()
    compared = installed_drift(fake.world, found())
    assert not compared.drift.is_drifted
    assert compared.not_asked == {}
    assert fake.installed.tried


def test_of_a_refused_dry_run_the_fields_are_compared():
    fake = a_world("gate", refuses=Rejected(GATES))
    compared = installed_drift(fake.world, found())
    assert not compared.drift.is_drifted
    assert list(compared.not_asked.values()) == [GATES]


@pytest.mark.parametrize("refuses", [Denied("cannot patch"), Rejected("422"), Unavailable("a webhook"), None])
@pytest.mark.parametrize("name", RECORDINGS)
def test_status_and_diff_agree_with_the_right_to_ask_and_without(name, refuses):
    fake = a_world(name, refuses=refuses)
    asked = installed_drift(fake.world, found()).drift
    assert drift_seen(fake.world, found()).value == asked


def test_status_changes_nothing_and_asks_for_no_dry_run():
    fake = a_world()
    assert drift_seen(fake.world, found()).presence is Presence.FOUND
    assert fake.installed.tried == []


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"live": "no answer"}, Unavailable),
        ({"live": Denied("cannot get")}, Denied),
    ],
)
def test_what_could_not_be_asked_is_an_error(changes, error):
    with pytest.raises(error):
        installed_drift(a_world(**changes).world, found())


def test_of_what_could_not_be_asked_status_says_why():
    seen = drift_seen(a_world(live="no answer").world, found())
    assert seen.presence is Presence.UNAVAILABLE
    assert "no answer" in seen.why


def test_a_pod_that_is_gone():
    assert installed_drift(a_world(live=None).world, found()).drift.is_drifted


def test_a_release_without_a_record():
    fake = FakeWorld()
    with pytest.raises(NotFound):
        installed_drift(fake.world, found())
    assert drift_seen(fake.world, found()).presence is Presence.ABSENT


@pytest.mark.parametrize(
    ("owner", "error"),
    [
        (Owner.FOREIGN_RELEASE, Conflict),
        (Owner.FOREIGN_POD, Conflict),
        (Owner.POD_WITHOUT_RELEASE, NotFound),
    ],
)
def test_what_is_not_ours_is_not_compared(owner, error):
    fake = a_world("image")
    its = found(ownership=Ownership(owner, "it is somebody's"))
    with pytest.raises(error, match="it is somebody's"):
        installed_drift(fake.world, its)
    assert drift_seen(fake.world, its).presence is Presence.ABSENT
    assert fake.installed.tried == []


def test_where_nobody_can_tell_nothing_is_claimed():
    fake = FakeWorld()
    world = World(fake.releases, fake.pods, fake.secrets, fake.clock)
    assert drift_seen(world, found()).presence is Presence.UNAVAILABLE
    nobody = NoInstallations()
    ref, manifest = a_world().installed.manifests("fj-1", "fl")[0]
    assert nobody.raw(ref).presence is Presence.UNAVAILABLE
    with pytest.raises(Unavailable):
        nobody.applied(ref, manifest)
