"""A refused launch that is tried again: until it is accepted, hopeless, too late or terminated."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.jobref import JobRef
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.pending.refusal import Refusal
from launcher.core.spec.site import PendingPolicy, Timeouts
from launcher.edges.clock import SystemClock
from launcher.errors import Denied, LeftBehind, Reason, Rejected, Unavailable
from launcher.usecases.retry import Installer, Turns
from launcher.usecases.service import Service
from tests.fakes import FakeClock, FakeWorld, exited, make_pod, running
from tests.jobs import make_release, make_spec, render

QUOTA = Rejected("exceeded quota: q", reason=Reason.QUOTA_EXCEEDED)


@pytest.fixture
def fake():
    fake = FakeWorld()
    fake.releases.install_error = QUOTA
    return fake


def service(fake, **policy):
    return Service(replace(fake.world, clock=SystemClock()), WaitPolicy(**policy), render)


def until(check, seconds=60.0):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_quota_that_is_raised_in_time_lets_the_job_run(fake):
    handle = service(fake).launch(make_spec(), secret={"TOKEN": b"x"}, retry_refused=True)
    assert handle.poll() is ReturnCode.UNKNOWN
    assert handle.track.verdict.code is Code.QUOTA_EXCEEDED
    assert fake.secrets.items == {}  # a Secret without a job is nobody's: each try makes its own
    fake.releases.install_error = None
    fake.pods.script = [running(), exited(0)]
    until(lambda: fake.releases.items)
    assert handle.wait().code is Code.SUCCESS
    assert handle.close(30)
    assert fake.is_empty


def test_a_quota_that_stays_ends_the_job_at_its_clock_and_nothing_is_left(fake):
    handle = service(fake).launch(make_spec(pending_timeout=0.3), secret={"TOKEN": b"x"}, retry_refused=True)
    outcome = handle.wait()
    assert (outcome.code, outcome.return_code, outcome.clock) == (Code.QUOTA_EXCEEDED, 104, "pending_timeout")
    assert handle.close(30)
    assert fake.is_empty


def test_a_permanent_refusal_ends_the_job_at_once(fake):
    handle = service(fake).launch(make_spec(), retry_refused=True)
    fake.releases.install_error = Denied("pods is forbidden")
    outcome = handle.wait()
    assert (outcome.code, outcome.return_code) == (Code.FORBIDDEN, 104)
    assert handle.close(30)
    assert fake.is_empty


def test_terminate_while_it_is_refused_leaves_nothing_and_tries_no_more(fake):
    handle = service(fake).launch(make_spec(), secret={"TOKEN": b"x"}, retry_refused=True)
    handle.terminate()
    fake.releases.install_error = None
    tried = len(fake.releases.log)
    time.sleep(1.5)
    assert len(fake.releases.log) == tried
    assert fake.is_empty
    assert handle.poll() is ReturnCode.ABORTED


@pytest.mark.parametrize(
    ("error", "policy", "retry"),
    [
        (QUOTA, {}, False),
        (QUOTA, {"mode": PendingPolicy.STRICT}, True),
        (Denied("no"), {}, True),
        (Rejected("x", reason=Reason.POD_SECURITY), {}, True),
    ],
)
def test_other_refusals_are_raised_and_nothing_is_left(fake, error, policy, retry):
    fake.releases.install_error = error
    with pytest.raises(type(error)):
        service(fake, **policy).launch(make_spec(), secret={"TOKEN": b"x"}, retry_refused=retry)
    assert fake.is_empty


@pytest.mark.parametrize("end", ["wait", "poll"])
def test_a_refused_job_that_has_ended_is_not_tried_again(fake, end):
    """The diagnosis, which goes on before anything is removed, may take a minute."""
    begun, go_on = threading.Event(), threading.Event()
    handle = service(fake).launch(
        make_spec(pending_timeout=0.2),
        on_failure=lambda *_: begun.set() or go_on.wait(60),
        retry_refused=True,
    )
    until(lambda: handle.poll() is ReturnCode.INFRASTRUCTURE_ERROR) if end == "poll" else handle.wait()
    assert begun.wait(10)
    fake.releases.install_error = None
    tried = len(fake.releases.log)
    time.sleep(1.5)
    assert len(fake.releases.log) == tried
    go_on.set()
    assert handle.close(30)
    assert fake.is_empty


def test_a_try_under_way_at_the_end_of_the_job_undoes_its_release(fake):
    install, trying, may_end = fake.releases.install, threading.Event(), threading.Event()

    def slow(*args):
        if len(fake.releases.log) == 1:
            trying.set()
            assert may_end.wait(60)
            fake.releases.install_error = None
        install(*args)

    fake.releases.install = slow
    begun, go_on = threading.Event(), threading.Event()
    handle = service(fake).launch(
        make_spec(),
        secret={"TOKEN": b"x"},
        on_failure=lambda *_: begun.set() or go_on.wait(60),
        retry_refused=True,
    )
    assert trying.wait(10)
    handle._policy = replace(handle._policy, pending_timeout=0.0)
    assert handle.wait().code is Code.QUOTA_EXCEEDED
    assert begun.wait(10)
    may_end.set()
    until(lambda: ("uninstall", make_spec().release, "fl") in fake.releases.log and fake.is_empty)
    go_on.set()
    assert handle.close(30)
    assert fake.is_empty


def test_an_api_server_that_is_busy_has_its_own_clock(fake):
    fake.releases.install_error = Unavailable("503")
    handle = service(fake, graces=Timeouts(api=0.3)).launch(make_spec(), retry_refused=True)
    assert handle.wait().code is Code.API_UNAVAILABLE


def test_an_api_server_that_is_away_before_anything_was_made_is_waited_for_too(fake):
    fake.releases.install_error, fake.pods.unavailable = None, "connection refused"
    handle = service(fake).launch(make_spec(), secret={"TOKEN": b"x"}, retry_refused=True)
    assert handle.poll() is ReturnCode.UNKNOWN
    fake.pods.unavailable = ""
    fake.pods.script = [running(), exited(0)]
    until(lambda: fake.releases.items)
    assert handle.wait().code is Code.SUCCESS


def test_what_is_shared_is_prepared_in_each_try(fake):
    fake.releases.install_error = None
    answers = [Unavailable("503"), None]

    def prepare():
        if error := answers.pop(0):
            raise error

    handle = service(fake).launch(make_spec(), prepare=prepare, retry_refused=True)
    until(lambda: fake.releases.items)
    assert answers == []
    handle.terminate()
    assert fake.is_empty


def unfinished():
    return LeftBehind(Unavailable("timed out"), message="timed out; and the clean-up failed")


@pytest.mark.parametrize("end", ["next try", "terminate"])
def test_a_refused_job_leaves_another_process_its_job_of_the_same_id(fake, end):
    """The other one came while this one waited: its pod is not what a try of this one left."""
    waits = service(fake).launch(make_spec(), secret={"TOKEN": b"x"}, retry_refused=True)
    fake.releases.install_error = None
    other = service(fake).launch(make_spec(), secret={"TOKEN": b"other's"})
    if end == "terminate":
        waits.terminate()
    else:
        assert waits.wait().code is Code.NAME_CONFLICT
    assert waits.close(30)
    assert [entry[0] for entry in fake.releases.log].count("uninstall") == 0
    assert fake.secrets.items == {"nvflare-cred-job-1": {"TOKEN": b"other's"}}
    fake.pods.show(replace(exited(0), annotations=fake.pods.items["job-1"].annotations))
    assert other.wait().code is Code.SUCCESS


def test_a_half_made_release_of_its_own_does_not_fail_the_job(fake):
    """The API server went away between Helm's record and the pod: "pending-install" is nobody else's."""
    fake.releases.install_error = unfinished()
    fake.secrets.delete_errors = [Unavailable("503")]
    handle = service(fake).launch(make_spec(), secret={"TOKEN": b"x"}, retry_refused=True)
    name, nearly_abandoned = make_spec().release, SystemClock().now() - timedelta(seconds=57)
    fake.releases.items[name] = make_release("pending-install", updated=nearly_abandoned)
    fake.releases.install_error = None
    said = "is half installed, as an earlier try left it"
    until(lambda: handle.poll() is ReturnCode.UNKNOWN and said in handle.track.verdict.detail)
    assert handle.track.verdict.code is Code.API_UNAVAILABLE
    fake.pods.script = [running(), exited(0)]
    until(lambda: fake.pods.items)
    assert handle.wait().code is Code.SUCCESS
    assert handle.close(30)
    assert fake.is_empty


def test_a_clean_refusal_forgets_what_an_earlier_try_left(fake):
    """The try after the one that left something was refused cleanly: a pod that comes then is another's."""
    fake.releases.install_error = unfinished()
    waits = service(fake).launch(make_spec(), retry_refused=True)
    fake.releases.install_error = QUOTA
    until(lambda: waits.poll() is ReturnCode.UNKNOWN and waits.track.verdict.code is Code.QUOTA_EXCEEDED)
    fake.releases.install_error = None
    other = service(fake).launch(make_spec())
    assert waits.wait().code is Code.NAME_CONFLICT
    assert waits.close(30)
    assert fake.releases.items
    other.terminate()


def test_what_nobody_expected_ends_the_job_and_leaves_nothing(fake):
    fake.releases.install_error = QUOTA
    handle = service(fake).launch(make_spec(), secret={"TOKEN": b"x"}, retry_refused=True)
    fake.releases.install_error = TypeError("a defect")
    outcome = handle.wait()
    assert (outcome.code, "TypeError: a defect" in outcome.detail) == (Code.CREATE_FAILED, True)
    assert handle.close(30)
    assert fake.is_empty


def test_a_secret_that_could_not_be_undone_is_removed_with_the_job(fake):
    fake.secrets.delete_errors = [Unavailable("503")]
    handle = service(fake).launch(make_spec(), secret={"TOKEN": b"x"}, retry_refused=True)
    assert fake.secrets.items
    handle.terminate()
    assert fake.is_empty


def test_what_an_attempt_left_behind_is_removed_by_the_next(fake):
    fake.releases.install_error = unfinished()
    handle = service(fake).launch(make_spec(), retry_refused=True)
    annotations = {"meta.helm.sh/release-name": make_spec().release}
    left = make_pod("job-1", labels=render(make_spec())["labels"], annotations=annotations, uid="half-made")
    fake.pods.show(left)
    fake.releases.install_error = None
    until(lambda: fake.releases.items and fake.pods.items["job-1"].uid != "half-made")
    handle.terminate()
    assert fake.is_empty


@pytest.mark.parametrize("seen", [running(), exited(0)])
def test_a_job_that_an_earlier_try_has_made_whole_does_not_run_a_second_time(fake, seen):
    """Only the answer was lost: the pod is there, and it may have run to its end meanwhile."""
    fake.releases.install_error = unfinished()
    handle = service(fake).launch(make_spec(attempt=2), secret={"TOKEN": b"x"}, retry_refused=True)
    name, labels = make_spec().release, render(make_spec(attempt=3))["labels"]
    fake.releases.items[name] = make_release("pending-install")
    annotations = {"meta.helm.sh/release-name": name}
    fake.pods.show(replace(seen, labels=labels, annotations=annotations, uid="made"))
    until(lambda: not handle.is_refused)
    assert (handle.wait_accepted().uid, handle.job.attempt) == ("made", 3)
    assert [entry[0] for entry in fake.releases.log] == ["install"]
    assert fake.secrets.items == {"nvflare-cred-job-1": {"TOKEN": b"x"}}
    handle.terminate()
    assert fake.is_empty


def test_a_secret_that_cannot_be_made_again_does_not_cost_the_job_that_an_earlier_try_has_made(fake):
    fake.releases.install_error = unfinished()
    handle = service(fake).launch(make_spec(), secret={"TOKEN": b"x"}, retry_refused=True)
    fake.secrets.put_error = Unavailable("503")
    name = make_spec().release
    fake.releases.items[name] = make_release("deployed")
    annotations, labels = {"meta.helm.sh/release-name": name}, render(make_spec())["labels"]
    fake.pods.show(replace(running(), labels=labels, annotations=annotations, uid="made"))
    until(lambda: handle.poll() is ReturnCode.UNKNOWN and "503" in handle.track.verdict.detail)
    fake.secrets.put_error = None
    assert handle.wait_accepted().uid == "made"
    handle.terminate()
    assert fake.is_empty


def test_joining_does_not_delay_the_next_try():
    turns, first = Turns(SystemClock()), object()
    full = Refusal(Code.QUOTA_EXCEEDED, "x")
    turns.join(first, full)
    due = turns._next_at
    for _ in range(5):
        turns.join(object(), full)
    assert turns._next_at == due
    turns.retry_now()
    assert turns._next_at <= due
    assert turns.wait(first, threading.Event())


FULL, AWAY = Refusal(Code.QUOTA_EXCEEDED, "full"), Refusal(Code.WEBHOOK_FAILED, "away")


def play(clock, turns, answer, seconds):
    """Let the next one try when it is due, for so long; return (second, who) of each try."""
    tries = []
    while (due := max(clock.time, turns._next_at)) <= seconds:
        clock.time = due
        who = turns.next()
        tries.append((due, who))
        refusal = answer(who)
        turns.tried(who, refusal)
        if refusal is None:
            turns.leave(who)
    return tries


@pytest.mark.parametrize("waiting", [25, 100])
def test_transient_refusals_do_not_queue_behind_quota(waiting):
    clock = FakeClock()
    turns = Turns(clock)
    for number in range(waiting):
        turns.join(number, FULL)
    play(clock, turns, lambda _: FULL, 60.0)
    turns.join("moment", AWAY)
    tries = play(clock, turns, lambda who: AWAY if who == "moment" else FULL, 360.0)
    moments = [at for at, who in tries if who == "moment"]
    assert moments[0] <= 60.0 + 30.0
    assert max(later - at for at, later in pairwise(moments)) <= 30.0
    assert len(moments) <= len(tries) / 2 + 1  # the others are tried, too
    assert len(tries) <= 300.0 / 15.0 + 1  # and all together no oftener than one


def test_one_try_at_a_time():
    turns, first, hurried = Turns(SystemClock()), object(), object()
    turns.join(first, FULL)
    assert turns.wait(first, threading.Event())
    turns.join(hurried, AWAY)
    assert turns.next() is first
    turns.tried(first, FULL)
    assert turns.next() is hurried


def test_transient_queue_keeps_its_turn_when_its_cause_has_gone():
    clock = FakeClock()
    turns = Turns(clock)
    for number in range(25):
        turns.join(number, FULL)
        turns.join(f"met {number}", AWAY)
    play(clock, turns, lambda who: AWAY if str(who).startswith("met") else FULL, 60.0)
    tries = play(clock, turns, lambda _: FULL, 160.0)
    assert len({who for _, who in tries if str(who).startswith("met")}) == 25
    later = play(clock, turns, lambda _: FULL, 460.0)
    assert len(later) <= 300.0 / 15.0 + 4  # four, until the pause has grown again


def job(name):
    return JobRef(release=name, namespace="fl", pod_name=name)


def test_all_refused_jobs_together_try_as_often_as_one():
    tries, lock, full = [], threading.Lock(), threading.Event()

    def attempt(name):
        def run(_cancel):
            with lock:
                tries.append((time.monotonic(), name))
            if full.is_set():
                return job(name)
            raise QUOTA

        return run

    turns, names = Turns(SystemClock()), [f"j{n}" for n in range(20)]
    refusal = Refusal(Code.QUOTA_EXCEEDED, "x")
    made = [Installer(job(name), attempt(name), refusal, turns, lambda: None) for name in names]
    time.sleep(4.0)
    with lock:
        refused = list(tries)
    # 1 s, then 2, then 4: never more than two tries in four seconds, whoever makes them.
    assert 1 <= len(refused) <= 2
    assert len({name for _, name in refused}) == len(refused)
    full.set()
    until(lambda: all(one.state[1] is None for one in made))
    with lock:
        accepted = [at for at, _ in tries[len(refused) :]]
    assert accepted[-1] - accepted[0] < 15.0  # one a second, as after a refusal, would take 19
    for one in made:
        one.stop()


def test_one_of_many_that_wait_stops_at_once_and_only_the_next_looks_at_the_clock():
    class Counting(SystemClock):
        looks = 0

        def monotonic(self):
            self.looks += 1
            return super().monotonic()

    def refuse(_cancel):
        raise QUOTA

    clock = Counting()
    turns = Turns(clock)
    refusal = Refusal(Code.QUOTA_EXCEEDED, "x")
    made = [Installer(job(f"j{n}"), refuse, refusal, turns, lambda: None) for n in range(100)]
    turns._next_at = clock.monotonic() + 60.0
    until(lambda: len(turns._bells) == 100)
    clock.looks = 0
    time.sleep(1.0)
    assert clock.looks <= 10  # all hundred looked four times a second
    begin = time.monotonic()
    for one in reversed(made):
        one.stop()
    assert time.monotonic() - begin < 5.0
    assert turns._bells == {}
