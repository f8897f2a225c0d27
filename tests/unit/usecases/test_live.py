"""The jobs for somebody who goes on looking: what is asked for when, and what is shown meanwhile."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from launcher.core.catalogue import Code
from launcher.core.ending.outcome import make_outcome
from launcher.core.lifecycle.ledger_note import to_text
from launcher.core.lifecycle.state import JobState
from launcher.core.lifecycle.step import concluded
from launcher.core.views import PodEvent
from launcher.errors import Denied, Unavailable
from tests.fakes import START, exited, main, raising, running, scheduled, unscheduled
from tests.jobs import make_release, make_spec, show


@pytest.fixture
def rounds(service):
    """A job, and what somebody sees who looks at its namespace."""
    service.launch(make_spec())
    return service.follow_jobs("fl")


@pytest.fixture
def lists(fake, monkeypatch):
    """The times at which Helm was asked for its releases."""
    times, real = [], fake.releases.list

    def counted(namespace):
        times.append(fake.clock.time)
        return real(namespace)

    monkeypatch.setattr(fake.releases, "list", counted)
    return times


def states(seen):
    return [job.track.state.value for job in seen.jobs]


def test_a_job_appears_changes_and_vanishes(fake, service):
    rounds = service.follow_jobs("fl")
    assert next(rounds).jobs == ()
    handle, seen = service.launch(make_spec()), []
    fake.clock.time += 2
    for pod in (unscheduled(), running(), exited(1)):
        show(fake, pod)
        seen += states(next(rounds))
    assert seen == ["STARTING", "RUNNING", "FAILED"]
    fake.releases.uninstall(handle.job.release, "fl")
    fake.clock.time += 2
    assert next(rounds).jobs == ()


def test_what_has_not_changed_is_the_same_report(fake, rounds):
    show(fake, running())
    (first,) = next(rounds).jobs
    (second,) = next(rounds).jobs
    assert first is second
    show(fake, exited(0))
    (third,) = next(rounds).jobs
    assert third.track.state is JobState.SUCCEEDED


def test_helm_is_asked_when_a_pod_comes_or_goes_and_else_twice_a_minute(fake, service, rounds, lists):
    show(fake, running())
    for _ in range(40):
        next(rounds)
    quiet = [later - earlier for earlier, later in itertools.pairwise(lists)]
    assert 30 <= min(quiet) <= max(quiet) < 32
    before = len(lists)
    for change in (replace(running(), name="job-2", uid="uid-2"), None):
        fake.pods.show(change, "job-2")
        next(rounds)
        fake.clock.time += 2
    assert len(lists) == before + 2


def test_a_hundred_pods_one_after_the_other_cost_no_hundred_calls_of_helm(fake, rounds, lists):
    next(rounds)
    for number in range(100):
        fake.pods.show(replace(running(), name=f"p{number}", uid=f"u{number}"))
        next(rounds)
    assert len(lists) <= fake.clock.time + 2


def test_a_pod_that_has_gone_keeps_its_row_until_helm_has_been_asked(fake, rounds, monkeypatch):
    """No job is called failed for the second in which Helm takes it away."""
    show(fake, running())
    next(rounds)
    (known,) = fake.releases.items.values()
    fake.releases.items[known.name] = replace(known, status="uninstalling")
    fake.pods.show(None)
    assert [states(next(rounds)) for _ in range(3)] == [["RUNNING"]] * 3
    del fake.releases.items[known.name]
    assert [] in [states(next(rounds)) for _ in range(4)]


@pytest.mark.parametrize("has_record", [True, False])
def test_a_job_that_is_taken_away_has_not_failed_when_its_processes_end(fake, rounds, has_record):
    show(fake, running())
    next(rounds)
    known = fake.releases.items.popitem()[1]
    fake.clock.time += 1
    if has_record:
        fake.releases.items[known.name] = replace(known, status="uninstalling")
    show(fake, replace(running(), deleted=START))
    seen = states(next(rounds))
    show(fake, exited(137, "Error", deleted=START))
    assert [seen, *(states(next(rounds)) for _ in range(3))] == [["RUNNING"]] * 4


def test_a_pod_that_somebody_else_deletes_is_shown_as_what_it_is(fake, rounds):
    show(fake, running())
    next(rounds)
    fake.clock.time += 1
    show(fake, exited(137, "Error", deleted=START))
    assert states(next(rounds)) == ["FAILED"]


def test_a_removal_that_does_not_end_is_shown_no_longer_than_a_minute(fake, rounds):
    show(fake, running())
    next(rounds)
    (known,) = fake.releases.items.values()
    fake.releases.items[known.name] = replace(known, status="uninstalling")
    fake.pods.show(None)
    end = fake.clock.time + 100
    while states(next(rounds)):
        assert fake.clock.time < end


def test_a_release_that_is_being_installed_has_not_failed(fake, service):
    fake.releases.items["fj-a1b2-site-1-0"] = make_release("pending-install")
    assert states(next(service.follow_jobs("fl"))) == ["STARTING"]


def test_a_release_whose_pod_somebody_deleted_is_over(fake, rounds):
    show(fake, running())
    next(rounds)
    fake.pods.show(None)
    fake.clock.time += 5
    (job,) = next(rounds).jobs
    assert (job.track.state, job.track.outcome.code.value) == (JobState.FAILED, "DeletedExternally")


def test_a_lost_connection_keeps_what_was_seen_and_says_since_when(fake, rounds):
    show(fake, running())
    first = next(rounds)
    fake.pods.unavailable = "cannot list pods: refused"
    lost = [next(rounds) for _ in range(3)]
    assert {one.why for one in lost} == {"cannot list pods: refused"}
    assert {one.as_of for one in lost} == {first.as_of}
    assert all(one.jobs == first.jobs for one in lost)
    fake.pods.unavailable = ""
    back = next(rounds)
    assert (back.why, back.as_of > first.as_of) == ("", True)


def test_helm_that_cannot_be_asked_leaves_what_the_pods_tell(fake, rounds, monkeypatch):
    show(fake, unscheduled())
    next(rounds)
    real, asked = fake.releases.list, []
    monkeypatch.setattr(
        fake.releases, "list", lambda _: asked.append(fake.clock.time) or raising(Unavailable("503"))()
    )
    fake.clock.time += 30
    show(fake, running())
    seen = next(rounds)
    assert (states(seen), seen.why) == (["RUNNING"], "503")
    for _ in range(60):
        next(rounds)
    assert len(asked) < 8  # with growing pauses
    monkeypatch.setattr(fake.releases, "list", real)
    assert "" in {next(rounds).why for _ in range(40)}


@pytest.mark.parametrize(
    "error", [Denied("no right"), Unavailable("refused")], ids=lambda one: type(one).__name__
)
def test_what_is_wrong_at_the_beginning_is_an_error(fake, service, monkeypatch, error):
    fake.pods.unavailable = error.message
    monkeypatch.setattr(fake.pods, "list", raising(error))
    with pytest.raises(type(error), match=error.message):
        next(service.follow_jobs("fl"))


def test_a_watch_that_alone_is_refused_is_an_error_at_the_beginning(fake, service):
    fake.pods.unavailable = "cannot watch pods"
    with pytest.raises(Unavailable, match="cannot watch pods"):
        next(service.follow_jobs("fl"))


def test_a_download_that_only_an_event_tells_is_seen_within_two_seconds(fake, rounds):
    show(fake, scheduled(main("waiting", "ContainerCreating")))
    assert next(rounds).jobs[0].track.verdict.code.value == "Creating"
    fake.pods.event_list = (PodEvent("Pulling", 'Pulling image "r/x:1"', last_seen=START, container="job"),)
    codes = [next(rounds).jobs[0].track.verdict.code.value for _ in range(2)]
    assert "Pulling" in codes


def test_all_namespaces_are_looked_at_with_one_watch(fake, service, rounds):
    show(fake, running())
    assert states(next(service.follow_jobs(""))) == ["RUNNING"]


@pytest.fixture
def some(fake, monkeypatch):
    """Rights in namespace `fl` alone, and to list the names of namespaces."""

    def only(namespace, listed):
        if namespace != "fl":
            raise Denied(f"cannot list in {namespace or 'all namespaces'}")
        return listed

    pods, releases = fake.pods.list, fake.releases.list
    monkeypatch.setattr(fake.pods, "list", lambda namespace: only(namespace, pods("fl")))
    monkeypatch.setattr(fake.releases, "list", lambda namespace: only(namespace, releases("fl")))
    monkeypatch.setattr(fake.pods, "namespaces", lambda: ("kube-system", "fl", "default"))


def test_without_the_right_to_look_everywhere_it_is_done_where_there_are_rights(fake, service, rounds, some):
    show(fake, unscheduled())
    everywhere = service.follow_jobs("")
    first = next(everywhere)
    assert (states(first), first.left_out) == (["STARTING"], ("default", "kube-system"))
    show(fake, running())
    assert states(next(everywhere)) == ["RUNNING"]


@pytest.mark.parametrize("spaces", [raising(Denied("no names")), lambda: ("a", "b"), lambda: ("fl",) * 51])
def test_where_nothing_may_be_looked_at_the_missing_right_is_named(fake, service, monkeypatch, some, spaces):
    monkeypatch.setattr(fake.pods, "namespaces", spaces)
    with pytest.raises(Denied, match="all namespaces"):
        next(service.follow_jobs(""))


@pytest.fixture
def rights(fake, monkeypatch):
    """The namespaces there are, and those in which there are rights; both may change. And what was asked where."""
    spaces, granted, asked = ["fl", "other"], {"fl"}, []

    def allowed(port):
        def listed(namespace, real=port.list):
            asked.append((fake.clock.time, namespace))
            if namespace not in granted:
                raise Denied(f"cannot list in {namespace or 'all namespaces'}")
            return real("fl") if namespace == "fl" else ()

        return listed

    for port in (fake.pods, fake.releases):
        monkeypatch.setattr(port, "list", allowed(port))
    watch = fake.pods.watch
    monkeypatch.setattr(fake.pods, "watch", lambda _: watch(""))
    monkeypatch.setattr(fake.pods, "namespaces", lambda: tuple(spaces))
    return spaces, granted, asked


def rounds_until(rounds, is_it, most=2000):
    for _ in range(most):
        if is_it(seen := next(rounds)):
            return seen
    raise AssertionError(seen)


def test_a_namespace_that_comes_later_is_looked_at_and_one_that_goes_is_not_any_more(fake, service, rights):
    spaces, granted, _ = rights
    everywhere = service.follow_jobs("")
    assert next(everywhere).left_out == ("other",)
    begin = fake.clock.time
    spaces.append("new")
    rounds_until(everywhere, lambda seen: "new" in seen.left_out)
    assert fake.clock.time - begin <= 16
    granted.add("new")  # who makes a namespace gives rights in it a moment later
    rounds_until(everywhere, lambda seen: "new" not in seen.left_out)
    assert fake.clock.time - begin <= 60
    spaces.remove("other")
    rounds_until(everywhere, lambda seen: not seen.left_out)


def test_rights_that_are_not_given_are_asked_for_ever_more_seldom(fake, service, rights):
    _, _, asked = rights
    everywhere = service.follow_jobs("")
    end = fake.clock.time + 3600
    rounds_until(everywhere, lambda _: fake.clock.time > end, 10_000)
    assert 10 <= sum(namespace == "other" for _, namespace in asked) <= 20


def test_what_was_found_stays_while_names_cannot_be_listed(fake, service, rights, monkeypatch, rounds):
    show(fake, running())
    everywhere = service.follow_jobs("")
    next(everywhere)
    for error in (Unavailable("refused"), Denied("no names")):
        monkeypatch.setattr(fake.pods, "namespaces", raising(error))
        end = fake.clock.time + 40
        seen = rounds_until(everywhere, lambda _, end=end: fake.clock.time > end)
        assert (states(seen), seen.left_out) == (["RUNNING"], ("other",))


def test_one_namespace_without_rights_is_an_error(fake, service, some, monkeypatch):
    monkeypatch.setattr(fake.releases, "list", raising(Denied("no right")))
    with pytest.raises(Denied, match="no right"):
        next(service.follow_jobs("fl"))


def test_the_end_that_a_waiter_notes_is_shown_soon(fake, service, lists):
    handle = service.launch(make_spec())
    seen = service.follow_jobs("fl")
    show(fake, running())
    assert states(next(seen)) == ["RUNNING"]
    fake.pods.show(None, "job-1")
    fake.clock.time += 2
    assert next(seen).jobs[0].track.outcome.code is Code.DELETED_EXTERNALLY
    ended = concluded(handle.track, make_outcome(Code.QUEUE_PREEMPTED, "by its queue"))
    text = to_text(handle.measuring.note(handle.job, ended))
    fake.releases.note_ledger(handle.job.release, "fl", text, handle.job.uid)
    begun = fake.clock.time
    while next(seen).jobs[0].track.outcome.code is not Code.QUEUE_PREEMPTED:
        assert fake.clock.time < begun + 15
    before, begun = len(lists), fake.clock.time
    while fake.clock.time < begun + 100:
        next(seen)
    assert len(lists) <= before + 4  # as ever, then
