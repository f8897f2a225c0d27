"""Collecting a diagnosis from a world of which parts are missing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from launcher.core.jobref import JobRef
from launcher.core.lifecycle.ledger_note import to_text
from launcher.core.lifecycle.state import Track
from launcher.core.views import ContainerKind, ContainerState, ContainerView, PodEvent
from launcher.errors import Denied, NotFound, ToolMissing, Unavailable
from launcher.usecases.diagnose import collect, diagnose
from tests.fakes import START, exited, main, raising, running, scheduled, unscheduled
from tests.jobs import make_spec, show

CANARIES = {"secret": "canary-secret-1", "literal": "canary-literal-2", "given": "canary-given-3"}
RELEASE = "fj-a1b2-site-1-0"
INIT = ContainerView(
    "fetch", ContainerKind.INIT, state=ContainerState.TERMINATED, reason="Completed", exit_code=0
)
SIDE = ContainerView("proxy", ContainerKind.SIDECAR_INIT, state=ContainerState.RUNNING, restarts=1)


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


def test_the_record_of_a_job_is_what_who_waited_for_it_has_measured(fake, service):
    spec = make_spec()
    handle = service.launch(spec)
    assert history(fake, service) == {"missing": "the job has not ended"}
    show(fake, exited(7))
    assert history(fake, service) == {"missing": "nobody who waited for the job has noted its end"}
    handle.wait()
    handle.close(5)
    track = handle.track
    note = to_text(handle.measuring.note(handle.job, track))
    fake.releases.note_pod(spec.release, "fl", track.pod.uid)
    fake.releases.note_ledger(spec.release, "fl", note, track.pod.uid)
    found = history(fake, service)
    assert (found["code"], found["exit_code"], found["submitter"]) == ("AppError", 7, "")
    assert sum(found["seconds"].values()) >= 0


def history(fake, service):
    return json.loads(run(fake, service).files["history.json"])


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


def test_a_job_without_release_and_pod_is_not_found(fake, service):
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


def test_an_observation_that_fails_leaves_the_rest(failed, service):
    files = diagnose(failed.world, RELEASE, "fl", raising(Unavailable("nodes cannot be listed"))).files
    assert files["cause.txt"].startswith("Unknown: ")
    assert files["logs/job.log"].endswith("bye\n")


def test_a_pod_of_a_later_attempt_is_not_ours(fake):
    job = JobRef(release="fj-1", namespace="fl", pod_name="job-1", uid="uid-0")
    fake.pods.show(running())
    files = collect(fake.world, job, Track(launched=0.0, pod=replace(exited(1), uid="uid-0"))).files
    assert files["pod.yaml"] == "# a later attempt has taken the pod's name\n"
    assert files["logs/job.log"] == "# a later attempt has taken the pod's name\n"


def test_a_release_of_a_later_launch_is_not_ours(fake, service):
    first = service.launch(make_spec())
    show(fake, exited(7))
    first.wait()
    track = first.track
    fake.releases.note_pod(RELEASE, "fl", "uid-of-the-next")
    files = collect(fake.world, first.job, track).files
    assert "a later launch has taken the name of release" in files["missing.txt"]
    assert json.loads(files["status.json"])["helm"] is None
    fake.releases.note_pod(RELEASE, "fl", track.pod.uid)
    assert json.loads(collect(fake.world, first.job, track).files["status.json"])["helm"]


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


def test_masks_and_logs_have_a_time_limit_each(failed, service, monkeypatch):
    monkeypatch.setattr(failed.secrets, "mask", late(failed, failed.secrets.mask))
    list_pods = failed.pods.list

    def slow(namespace):
        failed.clock.time += 31
        return list_pods(namespace)

    monkeypatch.setattr(failed.pods, "list", slow)
    files = run(failed, service, tail=5).files
    assert "my tokens are *** and ***" in files["logs/job.log"]


def test_a_mask_after_the_time_limit_is_missing(failed, service, monkeypatch):
    reference = {"envFrom": [{"secretRef": {"name": "study"}}]}
    failed.pods.spec["containers"].append(reference)
    failed.secrets.items["study"] = {"HF": b"canary-study-4"}
    failed.pods.lines = {"": ["canary-study-4"]}
    assert run(failed, service).files["logs/job.log"] == "***\n"
    monkeypatch.setattr(failed.secrets, "mask", late(failed, failed.secrets.mask))
    files = run(failed, service).files
    assert "canary-study-4" not in "".join(files.values())
    assert "Secret fl/study cannot be read: not asked" in files["logs/job.log"]


def test_known_credentials_need_no_mask(failed, service, monkeypatch):
    monkeypatch.setattr(failed.secrets, "mask", raising(Denied("no")))
    files = run(failed, service, known=[CANARIES["secret"]]).files
    assert files["logs/job.log"].startswith("my tokens are ***")


def test_logs_are_withheld_when_neither_pod_nor_release_can_be_read(failed, monkeypatch):
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


def test_collecting_has_a_time_limit(failed, service, monkeypatch):
    def slow(*args, **kwargs):
        failed.clock.time += 20
        raise Unavailable("timed out")

    monkeypatch.setattr(failed.pods, "logs", slow)
    files = run(failed, service).files
    assert failed.clock.time == 40
    assert "timed out" in files["logs/fetch.log"]
    assert "not asked" in files["logs/job.log"]


def pod_manifest(name="job-1", image="a:1"):
    spec = {"containers": [{"name": "job", "image": image}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def test_what_somebody_has_changed(failed, service):
    failed.installed.records[RELEASE] = [pod_manifest()]
    failed.installed.objects["job-1"] = pod_manifest(image="b:2")
    drift = json.loads(run(failed, service).files["status.json"])["drift"]
    assert (drift["drifted"], len(drift["changes"])) == (True, 1)
    assert drift["changes"][0].startswith("Pod spec.containers[job].image: changed")


def test_what_somebody_has_changed_and_cannot_be_asked(failed, service):
    failed.installed.records[RELEASE] = [pod_manifest()]
    failed.installed.objects["job-1"] = "no answer"
    files = run(failed, service).files
    assert json.loads(files["status.json"])["drift"] is None
    assert "drift: cannot see what has become of pod fl/job-1: no answer" in files["missing.txt"]
