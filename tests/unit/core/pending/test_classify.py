"""Causes and patience: real messages in, codes and verdicts out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import CATALOGUE, ENDS, STARTING, UNSCHEDULED, Code, Limit
from launcher.core.pending.classify import Cause, classify, needs_events
from launcher.core.pending.clocks import Action, Patience, WaitPolicy, judge, pause
from launcher.core.pending.containers import waiting_code
from launcher.core.pending.events import failure_code
from launcher.core.pending.scheduler import scarce_resources, scheduling_code
from launcher.core.spec.site import Timeouts
from launcher.core.views import ContainerKind, ContainerState, ContainerView, PodEvent
from tests.fakes import START, main, make_pod, running, scheduled, unscheduled

CONTROL_PLANE = "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }"

SCHEDULER = [
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 Insufficient cpu. preemption: 0/3 ...",
        Code.INSUFFICIENT_RESOURCES,
    ),
    ("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", Code.INSUFFICIENT_RESOURCES),
    ("0/1 nodes are available: 1 Insufficient nvidia.com/mig-1g.5gb.", Code.INSUFFICIENT_RESOURCES),
    (f"0/3 nodes are available: {CONTROL_PLANE}, 2 Too many pods.", Code.INSUFFICIENT_RESOURCES),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 1 Insufficient memory, 1 node(s) didn't match Pod's node affinity/selector.",
        Code.INSUFFICIENT_RESOURCES,
    ),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 node(s) didn't match Pod's node affinity/selector.",
        Code.NO_MATCHING_NODE,
    ),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 node(s) had untolerated taint {{team: a}}.",
        Code.TAINT_NOT_TOLERATED,
    ),
    (
        "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
        Code.NODE_NOT_READY,
    ),
    ("0/1 nodes are available: 1 node(s) were unschedulable.", Code.NODE_NOT_READY),
    (
        f"0/3 nodes are available: {CONTROL_PLANE}, 2 node(s) didn't match pod anti-affinity rules.",
        Code.POD_CONSTRAINT,
    ),
    (
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
        Code.POD_CONSTRAINT,
    ),
    (
        "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
        Code.VOLUME_UNBOUND,
    ),
    ('0/3 nodes are available: persistentvolumeclaim "nope" not found. not found', Code.PVC_MISSING),
    ("0/1 nodes are available: 1 node(s) had volume node affinity conflict.", Code.VOLUME_ZONE_CONFLICT),
    (
        "0/4 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity, 2 node(s) had untolerated taint(s).",
        Code.VOLUME_ZONE_CONFLICT,
    ),
    (
        "0/4 nodes are available: 4 node(s) didn't satisfy plugin(s) [NodeAffinity].",
        Code.NO_MATCHING_NODE,
    ),
    (
        "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 node(s) didn't satisfy plugin(s) [NodeAffinity].",
        Code.TAINT_NOT_TOLERATED,
    ),
    ("something nobody has seen", Code.UNSCHEDULABLE),
    ("", Code.UNSCHEDULABLE),
]


@pytest.mark.parametrize(("message", "code"), SCHEDULER)
def test_a_scheduler_message_has_one_code(message, code):
    assert scheduling_code(message) is code
    assert classify(unscheduled(message)).code is code


def test_text_about_preemption_is_not_a_cause():
    message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 1 Insufficient cpu."
    assert scheduling_code(message) is Code.NO_MATCHING_NODE
    assert scarce_resources(message) == ()


def test_scarce_resources_are_named():
    message = "0/3 nodes are available: 1 Insufficient cpu, 1 Insufficient nvidia.com/gpu, 1 Too many pods."
    assert scarce_resources(message) == ("cpu", "nvidia.com/gpu", "pods")


NOT_FOUND = 'rpc error: code = NotFound desc = failed to pull and unpack image "r/x:1": failed to resolve reference "r/x:1": r/x:1: not found'
WAITING = [
    ("ErrImagePull", NOT_FOUND, Code.IMAGE_NOT_FOUND),
    ("ImagePullBackOff", f'Back-off pulling image "r/x:1": ErrImagePull: {NOT_FOUND}', Code.IMAGE_NOT_FOUND),
    (
        "ErrImagePull",
        "pulling from host r failed with status code [manifests 1]: 401 Unauthorized",
        Code.IMAGE_AUTH,
    ),
    (
        "ErrImagePull",
        "pulling from host r failed with status code [manifests 1]: 403 Forbidden",
        Code.IMAGE_AUTH,
    ),
    (
        "ErrImagePull",
        "pulling from host r failed with status code [manifests 1]: 429 Too Many Requests",
        Code.IMAGE_PULL_TRANSIENT,
    ),
    (
        "ErrImagePull",
        "pulling from host r failed with status code [manifests 1]: 503 Service Unavailable",
        Code.IMAGE_PULL_TRANSIENT,
    ),
    (
        "ErrImagePull",
        'failed to do request: Head "http://r": dial tcp 1.2.3.4:5000: connect: connection refused',
        Code.IMAGE_PULL_TRANSIENT,
    ),
    (
        "ErrImagePull",
        "dial tcp: lookup nosuch.invalid on 10.96.0.10:53: no such host",
        Code.IMAGE_PULL_TRANSIENT,
    ),
    ("ImagePullBackOff", 'Back-off pulling image "r/x:1"', Code.IMAGE_PULL_TRANSIENT),
    ("ErrImagePull", "no match for platform in manifest: not found", Code.IMAGE_PLATFORM),
    (
        "ErrImageNeverPull",
        'Container image "x" is not present with pull policy of Never',
        Code.IMAGE_NEVER_PULL,
    ),
    ("InvalidImageName", "couldn't parse image name", Code.IMAGE_NAME_INVALID),
    ("ImageInspectError", "", Code.IMAGE_INSPECT),
    ("CreateContainerConfigError", 'secret "nope" not found', Code.MISSING_REF),
    ("CreateContainerConfigError", "couldn't find key x in Secret fl/s", Code.MISSING_REF),
    (
        "CreateContainerConfigError",
        "container has runAsNonRoot and image will run as root",
        Code.CONTAINER_CONFIG,
    ),
    ("CreateContainerConfigError", "failed to create subPath directory for volumeMount", Code.SUB_PATH),
    (
        "CreateContainerConfigError",
        "services have not yet been read at least once, cannot construct envvars",
        Code.CONFIG_TRANSIENT,
    ),
    (
        "CreateContainerConfigError",
        "failed to sync secret cache: timed out waiting for the condition",
        Code.CONFIG_TRANSIENT,
    ),
    (
        "RunContainerError",
        "error running prestart hook #0: nvidia-container-cli: libnvidia-ml.so.1: cannot open shared object file: no such file or directory",
        Code.RUNTIME_ERROR,
    ),
    (
        "ErrImagePull",
        "failed to extract layer: lchown /x: permission denied: unknown",
        Code.IMAGE_PULL_TRANSIENT,
    ),
    ("ErrImagePull", "denied: requested access to the resource is denied", Code.IMAGE_AUTH),
    (
        "CreateContainerConfigError",
        "image has non-numeric user (app), cannot verify user is non-root",
        Code.CONTAINER_CONFIG,
    ),
    # images of NVIDIA have nvidia in the path of their command
    (
        "StartError",
        'exec: "/opt/nvidia/entry.sh": stat /opt/nvidia/entry.sh: no such file or directory: unknown',
        Code.BAD_COMMAND,
    ),
    ("StartError", 'exec: "nvidia-smi": executable file not found in $PATH: unknown', Code.BAD_COMMAND),
    ("StartError", "exec /usr/bin/python3: exec format error", Code.BAD_COMMAND),
    # a node without the runtime of its runtime class
    (
        "StartError",
        'unable to retrieve OCI runtime error (open /run/x/log.json: no such file or directory): exec: "nvidia-container-runtime": executable file not found in $PATH: unknown',
        Code.RUNTIME_ERROR,
    ),
    (
        "StartError",
        "error executing hook `/usr/bin/x` (exit code: 1): No such file or directory",
        Code.RUNTIME_ERROR,
    ),
    (
        "RunContainerError",
        'error gathering device information while adding custom device "/dev/nvidia0": no such file or directory',
        Code.RUNTIME_ERROR,
    ),
    # CRI-O, with runc and with crun
    (
        "CreateContainerError",
        'runc create failed: unable to start container process: exec: "/nope": stat /nope: no such file or directory',
        Code.BAD_COMMAND,
    ),
    (
        "CreateContainerError",
        "executable file `nope` not found in $PATH: No such file or directory",
        Code.BAD_COMMAND,
    ),
    ("CreateContainerError", "open executable: Permission denied", Code.BAD_COMMAND),
    ("CreateContainerError", "open /run/x: no such file or directory, after exec", Code.CREATE_TRANSIENT),
    ("CreateContainerError", "context deadline exceeded", Code.CREATE_TRANSIENT),
    ("CreateContainerError", "no command specified", Code.BAD_COMMAND),
    ("RunContainerError", 'exec: "/nope": stat /nope: no such file or directory: unknown', Code.BAD_COMMAND),
    ("RunContainerError", "nvidia-container-cli: initialization error", Code.RUNTIME_ERROR),
    ("CrashLoopBackOff", "back-off 10s restarting failed container", Code.CRASH_LOOP),
    ("CreatePodSandboxError", "", Code.SANDBOX),
    ("PostStartHookError", "", Code.POST_START_HOOK),
    ("SignatureValidationFailed", "", Code.IMAGE_SIGNATURE),
    ("SomethingNew", "text", Code.UNCLASSIFIED),
]


@pytest.mark.parametrize(("reason", "message", "code"), WAITING)
def test_a_waiting_container_has_one_code(reason, message, code):
    assert waiting_code(reason, message) is code


def test_every_pending_code_has_a_test_or_is_made_otherwise():
    named = {code for _, code in SCHEDULER} | {code for *_, code in WAITING}
    otherwise = {
        Code.SCHEDULING_GATED, Code.NO_SCHEDULER, Code.UNKNOWN_PHASE, Code.CREATING, Code.INITIALIZING,
        Code.MOUNT, Code.VOLUME_BUSY, Code.NETWORK_NOT_READY, Code.START_TIMEOUT, Code.LAUNCH_TIMEOUT,
        Code.SCALING_UP, Code.SCALE_UP_REFUSED, Code.NOMINATED, Code.IMPOSSIBLE_REQUEST,  # test_hints.py
    }  # fmt: skip
    assert named | otherwise == {*UNSCHEDULED, *STARTING}


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_row_with_a_sentence(code):
    entry = CATALOGUE[code]
    assert entry.summary.endswith(".")
    assert entry.cure
    assert (code in ENDS) == (entry.strict is None and entry.limit is Limit.NEVER) or code in (
        Code.START_TIMEOUT,
        Code.LAUNCH_TIMEOUT,
    )


@pytest.mark.parametrize(
    ("pod", "code"),
    [
        (make_pod(), Code.NO_SCHEDULER),
        (make_pod(phase=""), Code.NO_SCHEDULER),
        (unscheduled("", "SchedulingGated"), Code.SCHEDULING_GATED),
        (unscheduled("", "SchedulerError"), Code.NO_SCHEDULER),
        (make_pod(phase="Unknown"), Code.UNKNOWN_PHASE),
        (scheduled(), Code.CREATING),
        (scheduled(main("waiting", "ContainerCreating")), Code.CREATING),
        (
            scheduled(
                main("waiting", "PodInitializing"),
                ContainerView("i", ContainerKind.INIT, state=ContainerState.RUNNING),
            ),
            Code.INITIALIZING,
        ),
    ],
)
def test_a_pod_without_a_telling_reason_has_a_code_all_the_same(pod, code):
    assert classify(pod).code is code


def test_a_job_that_runs_or_has_ended_has_no_cause():
    assert classify(running()) is None
    assert classify(scheduled(main("terminated", exit_code=1))) is None


def test_the_first_container_the_kubelet_starts_speaks_for_the_pod():
    init = ContainerView("fetch", ContainerKind.INIT, "", ContainerState.WAITING, "ErrImagePull", NOT_FOUND)
    cause = classify(scheduled(main("waiting", "PodInitializing"), init))
    assert cause.code is Code.IMAGE_NOT_FOUND
    assert cause.detail.startswith("container fetch: ErrImagePull")


@pytest.mark.parametrize(("restarts", "code"), [(1, Code.INITIALIZING), (3, Code.CRASH_LOOP)])
def test_a_sidecar_may_crash_twice(restarts, code):
    sidecar = ContainerView(
        "proxy", ContainerKind.SIDECAR_INIT, "", ContainerState.WAITING, "CrashLoopBackOff", restarts=restarts
    )
    assert classify(scheduled(main("waiting", "PodInitializing"), sidecar)).code is code


def event(reason, message, seconds=1, kind="Warning"):
    return PodEvent(reason, message, kind, START + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("events", "code"),
    [
        (
            [event("FailedMount", 'MountVolume.SetUp failed for volume "x" : secret "nope" not found')],
            Code.MISSING_REF,
        ),
        ([event("FailedMount", "timed out waiting for the condition")], Code.MOUNT),
        ([event("FailedAttachVolume", 'Multi-Attach error for volume "pvc-1"')], Code.VOLUME_BUSY),
        ([event("FailedCreatePodSandBox", "plugin type=bridge failed")], Code.NETWORK_NOT_READY),
        ([event("NetworkNotReady", "cni config uninitialized")], Code.NETWORK_NOT_READY),
        ([event("FailedSync", "error determining status: DeadlineExceeded")], Code.NETWORK_NOT_READY),
        ([event("BackOff", "Back-off pulling image")], Code.CREATING),
        ([event("FailedMount", "x", 1), event("Pulling", "", 2, "Normal")], Code.CREATING),
        ([event("FailedMount", "of an older pod", -5)], Code.CREATING),
        ([event("FailedMount", "x", kind="Normal")], Code.CREATING),
    ],
)
def test_events_speak_for_volumes_and_the_sandbox(events, code):
    pod = scheduled(main("waiting", "ContainerCreating"))
    assert needs_events(pod)
    assert classify(pod, tuple(events)).code is code


def test_without_a_condition_the_newest_scheduling_event_speaks():
    events = (
        event("FailedScheduling", "1 Insufficient cpu", 1),
        event("FailedScheduling", "didn't match Pod's node affinity/selector", 2),
    )
    assert classify(make_pod(), events).code is Code.NO_MATCHING_NODE


def verdicts(code, times, policy=None, *, scheduled=True, revise=True):
    """Judge the same cause at these times; return the verdicts."""
    patience, out = Patience(), []
    for number, now in enumerate(times):
        cause = Cause(
            code, "text", scheduled=scheduled, scarce=("cpu",), revision=str(number if revise else 0)
        )
        patience, verdict = judge(patience, cause, now, policy or WaitPolicy())
        out.append(verdict)
    return out


@pytest.mark.parametrize(
    ("pending_timeout", "times", "actions"),
    [
        (120, [0, 119.9, 120], ["WAIT_FOR_RESOURCES", "WAIT_FOR_RESOURCES", "FAIL"]),
        (0, [0], ["FAIL"]),
        (None, [0, 1e6, 1e9], ["WAIT_FOR_RESOURCES"] * 3),
    ],
)
def test_pending_timeout_bounds_the_wait_for_resources(pending_timeout, times, actions):
    policy = WaitPolicy(pending_timeout=pending_timeout)
    assert [
        v.action.value for v in verdicts(Code.INSUFFICIENT_RESOURCES, times, policy, scheduled=False)
    ] == actions


@pytest.mark.parametrize("code", [c for c in {**UNSCHEDULED, **STARTING} if CATALOGUE[c].limit is Limit.NOW])
def test_a_permanent_cause_fails_at_first_sight(code):
    (verdict,) = verdicts(code, [0])
    assert (verdict.action, verdict.code) == (Action.FAIL, code)


@pytest.mark.parametrize(
    "code",
    [
        c
        for c in {**UNSCHEDULED, **STARTING}
        if CATALOGUE[c].limit not in (Limit.NOW, Limit.NEVER, Limit.QUEUE)
    ],
)
@pytest.mark.parametrize("scheduled", [True, False])
def test_no_cause_lasts_for_ever_and_none_fails_before_its_clock(code, scheduled):
    if CATALOGUE[code].limit is Limit.START:
        scheduled = True
    length = WaitPolicy().seconds(CATALOGUE[code].limit)
    early, late = verdicts(code, [0, length - 0.1, length], scheduled=scheduled)[1:]
    assert early.action is not Action.FAIL
    assert late.action is Action.FAIL


def test_a_scheduled_pod_has_one_clock_over_all_its_causes():
    patience = Patience()
    policy = WaitPolicy(graces=Timeouts(start=100))
    for now, code in enumerate([Code.SANDBOX, Code.CREATING] * 50):
        patience, verdict = judge(patience, Cause(code, "", scheduled=True), float(now), policy)
        assert verdict.action is Action.WAIT
    _, verdict = judge(patience, Cause(Code.SANDBOX, "", scheduled=True), 100.0, policy)
    assert (verdict.action, verdict.code) == (Action.FAIL, Code.START_TIMEOUT)


def test_a_missing_image_is_looked_at_twice():
    first, late, second = verdicts(Code.IMAGE_NOT_FOUND, [0, 31, 31.5], revise=False)
    assert {first.action, late.action, second.action} == {Action.WAIT}
    assert verdicts(Code.IMAGE_NOT_FOUND, [0, 31])[1].action is Action.FAIL


def test_an_image_that_is_never_looked_for_again_does_not_wait_for_ever():
    last = verdicts(Code.IMAGE_NOT_FOUND, [0, 31, 899, 900], revise=False)[-1]
    assert (last.action, last.code, last.clock) == (Action.FAIL, Code.START_TIMEOUT, "timeouts.start")


def test_a_back_off_without_words_goes_on_with_the_error_before_it():
    # Kubernetes 1.29 to 1.31 alternate between the two.
    error = ("ErrImagePull", NOT_FOUND)
    echo = ("ImagePullBackOff", 'Back-off pulling image "r/x:1"')
    patience, codes = Patience(), []
    for number, (reason, message) in enumerate([error, echo, error, echo, echo]):
        pod = scheduled(main("waiting", reason, message), resource_version=str(number))
        patience, verdict = judge(patience, classify(pod), 8.0 * number, WaitPolicy())
        codes.append((verdict.code, verdict.action))
    assert {code for code, _ in codes} == {Code.IMAGE_NOT_FOUND}
    assert [action for _, action in codes] == [Action.WAIT] * 4 + [Action.FAIL]
    assert classify(scheduled(main("waiting", *echo))).code is Code.IMAGE_PULL_TRANSIENT


def test_a_back_off_without_words_is_no_second_look_at_the_image():
    echo = ("ImagePullBackOff", 'Back-off pulling image "r/x:1"')
    patience, actions = Patience(), []
    for number, seen in enumerate([("ErrImagePull", NOT_FOUND), echo, echo, ("ErrImagePull", NOT_FOUND)]):
        pod = scheduled(main("waiting", *seen), resource_version=str(number))
        patience, verdict = judge(patience, classify(pod), 20.0 * number, WaitPolicy())
        actions.append(verdict.action)
    assert actions == [Action.WAIT, Action.WAIT, Action.WAIT, Action.FAIL]
    assert (verdict.code, patience.sightings) == (Code.IMAGE_NOT_FOUND, 2)


def test_a_back_off_without_words_follows_only_a_pull():
    pod = scheduled(main("waiting", "ImagePullBackOff", 'Back-off pulling image "r/x:1"'))
    patience, _ = judge(Patience(), Cause(Code.CREATING, "", scheduled=True), 0.0, WaitPolicy())
    assert judge(patience, classify(pod), 1.0, WaitPolicy())[1].code is Code.IMAGE_PULL_TRANSIENT


def test_a_silent_node_is_lost_when_its_clock_has_run_out_and_not_late_in_starting():
    policy = WaitPolicy(graces=Timeouts(api=1000, start=900))
    silent = classify(scheduled(main("running"), phase="Unknown"))
    patience, verdict = judge(Patience(), silent, 0.0, policy)
    assert (verdict.action, verdict.code, verdict.deadline) == (Action.WAIT, Code.UNKNOWN_PHASE, 1000.0)
    _, verdict = judge(patience, silent, 1000.0, policy)
    assert (verdict.action, verdict.code, verdict.clock) == (Action.FAIL, Code.NODE_LOST, "timeouts.api")


def test_a_pod_whose_node_is_silent_is_not_running_whatever_its_container_said():
    assert classify(scheduled(main("running"), phase="Unknown")).code is Code.UNKNOWN_PHASE


def test_a_crash_loop_tells_the_last_end():
    sidecar = ContainerView(
        "proxy", ContainerKind.SIDECAR_INIT, "", ContainerState.WAITING, "CrashLoopBackOff", restarts=3,
        last_reason="Error", last_exit_code=3,
    )  # fmt: skip
    cause = classify(scheduled(main("waiting", "PodInitializing"), sidecar))
    assert "last end: Error, exit code 3" in cause.detail
    untold = replace(sidecar, last_reason="", last_exit_code=None)
    assert "None" not in classify(scheduled(main("waiting", "PodInitializing"), untold)).detail


def test_the_clock_stops_while_the_cluster_cannot_be_asked():
    shortage = Cause(Code.INSUFFICIENT_RESOURCES, "", scheduled=False)
    patience, _ = judge(Patience(), shortage, 0.0, WaitPolicy())
    patience, verdict = judge(pause(patience), shortage, 1000.0, WaitPolicy())
    assert verdict.action is Action.WAIT_FOR_RESOURCES
    assert verdict.deadline == 1120.0


def test_taking_turns_does_not_extend_a_wait():
    patience = Patience()
    for now in range(240):
        code = Code.INSUFFICIENT_RESOURCES if now % 2 else Code.POD_CONSTRAINT
        patience, verdict = judge(patience, Cause(code, "", scheduled=False), float(now), WaitPolicy())
        assert verdict.action is Action.WAIT_FOR_RESOURCES
    _, verdict = judge(patience, Cause(Code.POD_CONSTRAINT, "", scheduled=False), 241.0, WaitPolicy())
    assert verdict.action is Action.FAIL


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (
            'Failed to pull image "r/x:1": failed to do request: Head "http://r": connection refused',
            Code.IMAGE_PULL_TRANSIENT,
        ),
        (
            'Failed to pull image "r/x:1": rpc error: code = NotFound desc = x: not found',
            Code.IMAGE_NOT_FOUND,
        ),
        ("Error: ErrImagePull", None),
        ('Error: secret "no-such" not found', Code.MISSING_REF),
        ("Error: container has runAsNonRoot and image will run as root", Code.CONTAINER_CONFIG),
        (
            'Error: failed to create containerd task: ... exec: "/nope": stat /nope: no such file or directory',
            Code.BAD_COMMAND,
        ),
    ],
)
def test_an_event_that_comes_before_the_waiting_reason_has_its_code(message, code):
    assert failure_code(PodEvent("Failed", message, "Warning")) is code
