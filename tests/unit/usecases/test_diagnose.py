"""Collecting a diagnosis from a world of which parts are missing; and the handle that wants one before it removes."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest

from launcher import composition
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import Track
from launcher.core.views import ContainerKind, ContainerState, ContainerView, PodEvent
from launcher.edges.disk.bundle import write_bundle
from launcher.errors import Denied, InvalidInput, NotFound, ToolMissing, Unavailable
from launcher.usecases.diagnose import collect, diagnose
from tests.fakes import START, exited, main, running, scheduled, unscheduled
from tests.jobs import make_spec

CANARIES = {"secret": "canary-secret-1", "literal": "canary-literal-2", "given": "canary-given-3"}
RELEASE = "fj-a1b2-site-1-0"
INIT = ContainerView(
    "fetch", ContainerKind.INIT, state=ContainerState.TERMINATED, reason="Completed", exit_code=0
)
SIDE = ContainerView("proxy", ContainerKind.SIDECAR_INIT, state=ContainerState.RUNNING, restarts=1)


def show(fake, pod):
    known = fake.pods.items["job-1"]
    fake.pods.show(replace(pod, labels=known.labels, annotations=known.annotations))


@pytest.fixture
def failed(fake, service):
    """A job with an init container and a sidecar that failed; credentials are all over it."""
    service.launch(make_spec(), secret={"TOKEN": CANARIES["secret"].encode()})
    show(fake, scheduled(INIT, SIDE, main("terminated", "Error", "", 7), phase="Failed"))
    reference = {"secretKeyRef": {"name": "nvflare-cred-job-1", "key": "TOKEN"}}
    env = [{"name": "TOKEN", "valueFrom": reference}, {"name": "HF_TOKEN", "value": CANARIES["literal"]}]
    fake.pods.spec = {"containers": [{"name": "job", "env": env}]}
    fake.pods.lines = {"": [f"my tokens are {CANARIES['secret']} and {CANARIES['literal']}", "bye"]}
    fake.pods.event_list = (PodEvent("Failed", f"bad {CANARIES['secret']}", "Warning", START),)
    return fake


def run(fake, service, **options):
    return service.diagnose(RELEASE, "fl", **options)


def raising(error):
    def refuse(*args, **kwargs):
        raise error

    return refuse


def test_everything_of_a_failed_job(failed, service):
    files = run(failed, service).files
    assert files["cause.txt"].startswith("AppError: The job process failed. ")
    assert {name for name in files if name.startswith("logs/")} == {
        f"logs/{name}{kind}.log" for name in ("fetch", "proxy", "job") for kind in ("", ".previous")
    }
    assert files["logs/job.log"].endswith("\nbye\n")
    assert files["logs/job.previous.log"] == "# the container was never restarted\n"
    assert files["logs/proxy.previous.log"].endswith("\nbye\n")
    assert ("logs", "job-1", "fl", "False", "1000", "proxy", "True") in failed.pods.log
    assert "missing.txt" not in files
    assert json.loads(files["status.json"])["outcome"]["cure"] == "read the job's log"


def test_no_canary_is_in_a_bundle(failed, service):
    files = run(failed, service, known=[CANARIES["given"]]).files
    assert {name: text for name, text in files.items() if any(c in text for c in CANARIES.values())} == {}
    assert "my tokens are *** and ***" in files["logs/job.log"]
    assert "bad ***" in files["events.txt"]


def test_what_the_launcher_knows_is_hidden_when_the_secret_is_gone(failed, service):
    failed.secrets.items.clear()
    assert CANARIES["secret"] in run(failed, service).files["logs/job.log"]
    files = run(failed, service, known=[CANARIES["secret"]]).files
    assert CANARIES["secret"] not in "".join(files.values())
    assert "mask of Secret nvflare-cred-job-1" in files["missing.txt"]


def test_the_tail(failed, service):
    failed.pods.lines = {"": [str(number) for number in range(50)]}
    assert run(failed, service, tail=2).files["logs/fetch.log"] == "48\n49\n"


def test_a_pod_that_never_started(fake, service):
    service.launch(make_spec())
    show(fake, unscheduled(containers=(replace(main("waiting"), name="job"),)))
    fake.pods.lines = {"": []}
    files = run(fake, service).files
    assert files["logs/job.log"] == "# the container has not started\n"
    assert files["cause.txt"].startswith("InsufficientResources: ")
    assert json.loads(files["status.json"])["pending"]["clock"] == "pending_timeout"


def test_a_pod_that_is_gone(fake, service):
    service.launch(make_spec())
    fake.pods.show(None, "job-1")
    files = run(fake, service).files
    assert files["cause.txt"].startswith("DeletedExternally: ")
    assert "there is no pod fl/job-1 any more" in files["pod.yaml"]
    assert "events: without a pod" in files["missing.txt"]


def test_a_release_that_is_gone(failed, service):
    failed.releases.items.clear()
    files = run(failed, service).files
    assert files["values.yaml"] == f"# release {RELEASE} is gone\n"
    assert files["logs/job.log"].endswith("bye\n")


def test_a_job_of_which_there_is_nothing_is_an_error(fake, service):
    with pytest.raises(NotFound, match="no job release 'fj-a1b2-site-1-0'"):
        run(fake, service)


@pytest.mark.parametrize("error", [Denied("pods is forbidden", cure="grant it"), Unavailable("refused")])
@pytest.mark.parametrize("part", ["list", "raw", "events", "logs"])
def test_a_part_of_the_pod_that_cannot_be_had_is_named(failed, service, monkeypatch, part, error):
    monkeypatch.setattr(failed.pods, part, raising(error))
    files = run(failed, service).files
    assert error.message in files["missing.txt"]
    assert files["cause.txt"].startswith("AppError: ")


def test_without_the_right_to_list_the_release_names_the_pod(failed, service, monkeypatch):
    monkeypatch.setattr(failed.pods, "list", raising(Denied("no list")))
    assert run(failed, service).files["cause.txt"].startswith("AppError")


def test_nothing_but_refusals_is_still_a_bundle(failed, service, monkeypatch):
    for part in ("list", "get", "raw", "events", "logs"):
        monkeypatch.setattr(failed.pods, part, raising(Denied(f"no {part}")))
    monkeypatch.setattr(failed.releases, "status", raising(ToolMissing("there is no helm")))
    monkeypatch.setattr(failed.secrets, "mask", raising(Denied("no mask")))
    files = run(failed, service).files
    assert files["cause.txt"].startswith("Unknown: ")
    assert "no list" in files["missing.txt"]
    assert "there is no helm" in files["missing.txt"]


def test_a_look_that_fails_leaves_the_rest(failed, service):
    files = diagnose(failed.world, RELEASE, "fl", raising(Unavailable("nodes cannot be listed"))).files
    assert files["cause.txt"].startswith("Unknown: ")
    assert files["logs/job.log"].endswith("bye\n")


def test_a_pod_of_a_later_attempt_is_not_ours(fake):
    job = JobRef(release="fj-1", namespace="fl", pod_name="job-1", uid="uid-0")
    fake.pods.show(running())
    files = collect(fake.world, job, Track(launched=0.0, pod=replace(exited(1), uid="uid-0"))).files
    assert files["pod.yaml"] == "# a later attempt has taken the pod's name\n"
    assert files["logs/job.log"] == "# a later attempt has taken the pod's name\n"


def late(failed, answer):
    def mask(name, namespace):
        failed.clock.time += 31
        return answer(name, namespace)

    return mask


@pytest.mark.parametrize("error", [Denied("cannot get secrets", cure="grant it"), Unavailable("timed out")])
def test_what_cannot_be_masked_is_withheld(failed, service, monkeypatch, error):
    monkeypatch.setattr(failed.secrets, "mask", raising(error))
    files = run(failed, service).files
    assert CANARIES["secret"] not in "".join(files.values())
    for name in ("logs/job.log", "logs/proxy.previous.log", "events.txt", "events.yaml"):
        assert files[name].startswith("# withheld, since it may show credentials")
        assert f"Secret fl/nvflare-cred-job-1 cannot be read: {error.message}" in files[name]
        assert "cure: ask again when the cluster answers, with the right to get Secrets" in files[name]
    assert "logs/job.log: withheld" in files["missing.txt"]
    assert files["cause.txt"].startswith("AppError: ")
    assert not [asked for asked in failed.pods.log if asked[0] in ("logs", "events")]


def test_the_masks_do_not_wait_for_slow_logs_nor_the_logs_for_slow_masks(failed, service, monkeypatch):
    monkeypatch.setattr(failed.secrets, "mask", late(failed, failed.secrets.mask))
    list_pods = failed.pods.list

    def slow(namespace):
        failed.clock.time += 31
        return list_pods(namespace)

    monkeypatch.setattr(failed.pods, "list", slow)
    files = run(failed, service, tail=5).files
    assert "my tokens are *** and ***" in files["logs/job.log"]


def test_a_mask_that_comes_too_late_is_one_that_is_missing(failed, service, monkeypatch):
    reference = {"envFrom": [{"secretRef": {"name": "study"}}]}
    failed.pods.spec["containers"].append(reference)
    failed.secrets.items["study"] = {"HF": b"canary-study-4"}
    failed.pods.lines = {"": ["canary-study-4"]}
    assert run(failed, service).files["logs/job.log"] == "***\n"
    monkeypatch.setattr(failed.secrets, "mask", late(failed, failed.secrets.mask))
    files = run(failed, service).files
    assert "canary-study-4" not in "".join(files.values())
    assert "Secret fl/study cannot be read: not asked" in files["logs/job.log"]


def test_who_knows_the_credentials_of_the_job_needs_no_mask_of_them(failed, service, monkeypatch):
    monkeypatch.setattr(failed.secrets, "mask", raising(Denied("no")))
    files = run(failed, service, known=[CANARIES["secret"]]).files
    assert files["logs/job.log"].startswith("my tokens are ***")


def test_without_pod_and_release_nobody_knows_what_is_secret(failed, monkeypatch):
    job = JobRef(release=RELEASE, namespace="fl", pod_name="job-1", uid="uid-1")
    monkeypatch.setattr(failed.pods, "raw", raising(Denied("no pods")))
    monkeypatch.setattr(failed.releases, "status", raising(ToolMissing("there is no helm")))
    failed.pods.lines = {"": ["canary-study-4"]}
    files = collect(failed.world, job, Track(launched=0.0, pod=failed.pods.items["job-1"])).files
    assert "the Secrets of the job are not known: no pods" in files["logs/job.log"]
    assert "canary-study-4" not in "".join(files.values())


def test_the_end_of_a_log_survives_the_limit_of_bytes(failed, service):
    failed.pods.lines = {"": [f"{number} " + "x" * 20_000 for number in range(999)] + ["the end"]}
    lines = run(failed, service).files["logs/job.log"].splitlines()
    assert lines[0] == "... cut: the last 1000 lines are too long, these are the last 10"
    assert [line.split()[0] for line in lines[1:-1]] == [str(number) for number in range(990, 999)]
    assert lines[1].endswith(" ... cut, the line has 20004 characters")
    assert lines[-1] == "the end"


def test_one_endless_line_is_cut(failed, service):
    failed.pods.lines = {"": ["0f3a" * 1_000_000]}
    (note, line) = run(failed, service).files["logs/job.log"].splitlines()
    assert note.endswith("these are the last 1")
    assert len(line) < 4200


def test_collecting_ends_when_a_node_does_not_answer(failed, service, monkeypatch):
    def slow(*args, **kwargs):
        failed.clock.time += 20
        raise Unavailable("timed out")

    monkeypatch.setattr(failed.pods, "logs", slow)
    files = run(failed, service).files
    assert failed.clock.time == 40
    assert "timed out" in files["logs/fetch.log"]
    assert "not asked" in files["logs/job.log"]


# The handle


def kept(service, **launch):
    seen = []
    handle = service.launch(make_spec(), on_failure=lambda job, track: seen.append((job, track)), **launch)
    return handle, seen


@pytest.mark.parametrize(
    "pod",
    [exited(7), exited(137, "OOMKilled"), scheduled(main("waiting", "InvalidImageName", "bad"))],
    ids=["exit", "oom", "never started"],
)
def test_a_failed_job_is_looked_at_once_before_anything_goes(fake, service, pod):
    seen = []

    def look(job, track):
        seen.append(
            (job.release in fake.releases.items, job.pod_name in fake.pods.items, dict(fake.secrets.items))
        )

    handle = service.launch(make_spec(), on_failure=look, secret={"TOKEN": b"x"})
    show(fake, pod)
    assert handle.wait(timeout=200) is not None
    assert handle.close(5)
    handle.terminate()
    assert fake.is_empty
    assert seen == [(True, True, {"nvflare-cred-job-1": {"TOKEN": b"x"}})]


def test_success_and_termination_are_not_looked_at(fake, service):
    handle, seen = kept(service)
    show(fake, exited(0))
    handle.wait()
    assert handle.close(5)
    handle, also = kept(service)
    show(fake, running())
    handle.terminate()
    assert (seen, also) == ([], [])
    assert fake.is_empty


@pytest.mark.parametrize(
    "error", [Unavailable("no"), OSError(28, "No space left on device"), ZeroDivisionError()]
)
def test_a_bundle_that_cannot_be_written_does_not_hinder_the_removal(fake, service, caplog, error):
    handle = service.launch(make_spec(), on_failure=raising(error))
    show(fake, exited(7))
    handle.wait()
    handle.terminate()
    assert fake.is_empty
    assert "has no diagnosis" in caplog.text


def test_many_threads_remove_and_one_looks(fake, service):
    calls = []

    def slow(job, track):
        calls.append(threading.current_thread().name)
        threading.Event().wait(0.2)
        assert job.release in fake.releases.items

    handle = service.launch(make_spec(), on_failure=slow)
    show(fake, exited(7))
    handle.poll()
    threads = [threading.Thread(target=handle.terminate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(calls) == 1
    assert fake.is_empty


def test_an_attached_handle_looks_too(fake, service):
    service.launch(make_spec())
    show(fake, exited(7))
    seen = []
    handle = service.attach(
        RELEASE, "fl", on_failure=lambda job, track: seen.append(track.outcome.code.value)
    )
    handle.wait()
    assert handle.close(5)
    assert seen == ["AppError"]


def test_the_keeper_writes_and_tells(failed, service, tmp_path):
    told = []
    write = composition.bundle_writer(failed.world, tmp_path / "b", told.append, known=[CANARIES["given"]])
    handle = service.attach(RELEASE, "fl", on_failure=write)
    handle.wait()
    assert handle.close(5)
    assert told == [(tmp_path / "b/cause.txt").read_text().strip()]
    assert "bye" in (tmp_path / "b/logs/job.log").read_text()


# Writing


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(
        InvalidInput, match=r"exists and is not empty\n  cure: name a new folder, or add --force"
    ):
        write_bundle(tmp_path, {"cause.txt": "x"})
    write_bundle(tmp_path, {"cause.txt": "x", "logs/a.log": "a", "missing.txt": "m"}, force=True)
    write_bundle(tmp_path, {"cause.txt": "y"}, force=True)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["cause.txt", "mine.txt"]
    assert (tmp_path / "cause.txt").read_text() == "y"


def test_force_takes_nothing_that_is_not_of_a_bundle(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/mine.log").write_text("mine")
    write_bundle(tmp_path, {"cause.txt": "x"}, force=True)
    assert (tmp_path / "logs/mine.log").exists()


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_place_that_cannot_be_a_folder_is_one_clear_error(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match=r"-o: .*file"):
        write_bundle(tmp_path / place, {"cause.txt": "x"})


def test_half_of_a_surrogate_pair_is_written(tmp_path):
    write_bundle(tmp_path / "b", {"cause.txt": "\ud83d"})
    assert (tmp_path / "b/cause.txt").read_text() == "\\ud83d"
