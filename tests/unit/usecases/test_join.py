"""A launch of what lives already: the same job has a handle, another one is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.core import names
from launcher.core.catalogue import Code
from launcher.core.pending.clocks import WaitPolicy
from launcher.errors import Conflict, Unavailable
from launcher.usecases.service import Service
from tests.fakes import START, exited, running
from tests.jobs import CANARY, make_release, make_spec, render, show


def with_image(spec):
    """Return values in which the image and a variable stand, too."""
    return {
        **render(spec),
        "image": {"reference": spec.image},
        "env": [{"name": "TOKEN", "value": spec.image}],
    }


@pytest.fixture
def service(fake):
    return Service(fake.world, WaitPolicy(), with_image)


def test_without_a_live_job_it_is_launched(fake, service):
    handle, joined = service.launch_or_attach(make_spec(), secret={"TOKEN": CANARY})
    assert not joined
    assert handle.job.release in fake.releases.items


def test_the_same_live_job_is_joined_and_waited_for(fake, service):
    first, _ = service.launch_or_attach(make_spec(), secret={"TOKEN": CANARY})
    show(fake, running())
    second, joined = service.launch_or_attach(make_spec(), secret={"TOKEN": CANARY})
    assert joined
    assert second.job.release == first.job.release
    assert [act for act, *_ in fake.releases.log] == ["install"]
    show(fake, exited(0))
    assert second.wait().code is Code.SUCCESS
    assert second.close(5)
    assert fake.is_empty


def test_another_job_of_the_id_is_refused_with_what_it_differs_in_and_left_alone(fake, service):
    service.launch(make_spec(image="canary-1:1"))
    with pytest.raises(Conflict, match=r"differs in env\[TOKEN\]\.value, image\.reference") as error:
        service.launch_or_attach(make_spec(image="canary-2:1"))
    assert "canary" not in str(error.value)
    assert "another job id" in error.value.cure
    assert len(fake.releases.items) == 1


def test_what_becomes_of_it_after_its_end_and_how_often_it_was_launched_make_no_other_job(fake, service):
    service.launch(make_spec(attempt=3))
    _, joined = service.launch_or_attach(make_spec(retention="failed=60"))
    assert joined


def test_a_dead_job_gives_way(fake, service):
    service.launch(make_spec())
    show(fake, exited(1))
    handle, joined = service.launch_or_attach(make_spec())
    assert not joined
    assert handle.job.attempt == 2


def test_an_install_by_another_process_is_waited_for(fake, service, monkeypatch):
    name = make_spec().release
    fake.releases.items[name] = make_release("pending-install", values=with_image(make_spec()), updated=START)
    sleep = fake.clock.sleep

    def other_process(seconds):
        sleep(seconds)
        if fake.clock.time > 3 and name in fake.releases.items and not fake.pods.items:
            del fake.releases.items[name]
            service.launch(make_spec())

    monkeypatch.setattr(fake.clock, "sleep", other_process)
    _, joined = service.launch_or_attach(make_spec())
    assert joined
    assert fake.clock.time > 3


def test_an_install_that_came_to_nothing_is_made_anew(fake, service, monkeypatch):
    name = make_spec().release
    fake.releases.items[name] = make_release("pending-install", updated=START)
    sleep = fake.clock.sleep

    def other_process(seconds):
        sleep(seconds)
        fake.releases.items.pop(name, None)

    monkeypatch.setattr(fake.clock, "sleep", other_process)
    handle, joined = service.launch_or_attach(make_spec())
    assert not joined
    assert handle.job.release == name


def test_what_is_not_ours_is_not_joined(fake, service):
    service.launch(make_spec())
    fake.releases.foreign.add(make_spec().release)
    pod = fake.pods.items["job-1"]
    fake.pods.show(replace(pod, labels={**pod.labels, names.LABEL_JOB_ID: "other"}))
    with pytest.raises(Conflict):
        service.launch_or_attach(make_spec())


def test_nothing_is_known_while_helm_cannot_be_asked(fake, service, monkeypatch):
    service.launch(make_spec())
    monkeypatch.setattr(
        fake.releases, "record", lambda *_: type(fake.pods.get("x", "fl")).unavailable("away")
    )
    with pytest.raises(Unavailable):
        service.launch_or_attach(make_spec())
