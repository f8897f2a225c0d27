"""Whose clock says how old an install is: never that of the machine on which helm runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.releases import ReleaseState, release_state
from launcher.core.views import ReleaseView
from launcher.errors import Conflict, Unavailable
from launcher.usecases.dated_releases import DatedReleases
from launcher.usecases.service import Service
from tests.fakes import START, FakeWorld
from tests.jobs import make_spec, render

SKEWS = [-86_400.0, -600.0, -61.0, 0.0, 61.0, 600.0, 86_400.0]


@pytest.fixture
def fake():
    fake = FakeWorld()
    fake.clock.time = 1000.0
    return fake


def service_of(fake, service, made):
    releases = DatedReleases(fake.releases, lambda *_: made(), fake.clock)
    return Service(replace(fake.world, releases=releases), service.policy, render)


def installing(fake, skew, age):
    """Leave a release of another process that has been installing for ``age`` seconds, on a clock that is wrong."""
    spec = make_spec()
    moment = fake.clock.now() + timedelta(seconds=skew - age)
    values = render(spec)
    fake.releases.items[spec.release] = ReleaseView(spec.release, "fl", "pending-install", 1, moment, values)
    return spec, fake.clock.now() - timedelta(seconds=age)


@pytest.mark.parametrize("skew", SKEWS)
def test_a_young_install_is_not_stolen_whatever_the_clock_of_its_machine_says(fake, service, skew):
    spec, made = installing(fake, skew, 5)
    with pytest.raises(Conflict, match="is being installed by another process"):
        service_of(fake, service, lambda: made).launch(spec)
    assert fake.releases.items[spec.release].status == "pending-install"
    assert ("uninstall", spec.release, "fl") not in fake.releases.log


@pytest.mark.parametrize("skew", SKEWS)
def test_an_abandoned_install_is_replaced_whatever_the_clock_of_its_machine_said(fake, service, skew):
    spec, made = installing(fake, skew, 61)
    service_of(fake, service, lambda: made).launch(spec)
    assert fake.releases.items[spec.release].status == "deployed"


@pytest.mark.parametrize("skew", SKEWS)
@pytest.mark.parametrize("age", [5, 61])
def test_a_sweep_goes_by_the_same_clock(fake, service, skew, age):
    spec, made = installing(fake, skew, age)
    found = list(service_of(fake, service, lambda: made).sweep("fl", 0.0))
    assert found == ([] if age < 60 else [f"release {spec.release}"])


def test_an_age_that_nobody_can_tell_is_no_reason_to_take_a_release_away(fake, service):
    def made():
        raise Unavailable("the cluster cannot be asked")

    spec, _ = installing(fake, -600.0, 600)
    with pytest.raises(Conflict):
        service_of(fake, service, made).launch(spec)
    with pytest.raises(Conflict):
        service_of(fake, service, lambda: None).launch(spec)


def test_other_releases_cost_no_question(fake, service):
    def made():
        raise AssertionError

    own = service_of(fake, service, made)
    handle = own.launch(make_spec())
    assert own.inspect(handle.job.release, "fl").release.updated == START
    assert [one.release.updated for one in own.jobs("fl")] == [START]
    handle.terminate()
    assert "values" in own.world.releases.template("r", "fl", {"values": 1})


def test_a_state_is_told_by_the_servers_time(fake):
    view = ReleaseView("r", "fl", "pending-install", 1, START - timedelta(days=1))
    releases = DatedReleases(fake.releases, lambda *_: START, fake.clock)
    fake.releases.items["r"] = view
    seen = releases.status("r", "fl").value
    assert release_state(seen, START + timedelta(seconds=59)) is ReleaseState.INSTALLING
    assert release_state(seen, START + timedelta(seconds=60)) is ReleaseState.ABANDONED
