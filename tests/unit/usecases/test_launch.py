"""Two launches of one job at the same time: the slower one leaves what the faster one made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.core.views import ReleaseView
from launcher.errors import Conflict
from tests.fakes import START
from tests.jobs import CANARY, make_spec, render


def first_of_two(fake, service, when, secret):
    """Let another process launch the same job when a launch has seen that there is no pod."""
    other = {"TOKEN": b"the winner's"} if secret else None
    if when == "before the Secret":
        return lambda spec: service.launch(make_spec(), secret=other) and render(spec)
    install = fake.releases.install

    def late(*args):
        fake.releases.install = install
        service.launch(make_spec(), secret=other)
        install(*args)

    fake.releases.install = late
    return render


@pytest.mark.parametrize("when", ["before the Secret", "before the install"])
@pytest.mark.parametrize("secret", [True, False])
def test_the_slower_of_two_launches_leaves_the_faster_ones_job_alone(fake, service, when, secret):
    rendered = first_of_two(fake, service, when, secret)
    with pytest.raises(Conflict, match="already running"):
        replace(service, render=rendered).launch(make_spec(), secret={"TOKEN": CANARY} if secret else None)
    assert [entry[0] for entry in fake.releases.log].count("uninstall") == 0
    assert fake.releases.items
    assert fake.pods.items
    assert list(fake.secrets.items.values()) == ([{"TOKEN": b"the winner's"}] if secret else [])


def test_a_dead_release_that_another_process_replaces_at_the_same_time_is_the_other_ones(fake, service):
    dead = ReleaseView(make_spec().release, "fl", "failed", 1, START)
    fake.releases.items[dead.name] = dead
    uninstall = fake.releases.uninstall

    def late(*args):
        fake.releases.uninstall = uninstall
        uninstall(*args)
        service.launch(make_spec())
        return True

    fake.releases.uninstall = late
    with pytest.raises(Conflict, match="already running"):
        service.launch(make_spec())
    assert fake.releases.items[dead.name].status == "deployed"


def test_a_deployed_release_that_has_lost_its_pod_is_replaced_however_young_it_is(fake, service):
    service.launch(make_spec())
    fake.pods.show(None)
    service.launch(make_spec())
    assert [entry[0] for entry in fake.releases.log] == ["install", "install", "uninstall", "install"]
