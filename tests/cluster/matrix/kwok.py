"""Rows that want hardware, a cloud or a broken kubelet: kwok writes the status, in the words of the component.

The words are those of the sources of Kubernetes 1.36 and containerd, or of reports from the field; each row
says whose they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import yaml

from launcher.core.catalogue import Code
from launcher.core.patience import Action
from launcher.core.track import JobState
from tests.cluster.matrix.row import KWOK, Row
from tests.cluster.matrix.scene import Scene, fake_node, on_fake_node

__all__ = ["KWOK_ROWS"]

_STATUS = "fake.fljob.internal/status"


def _row(
    name: str, how: str, code: Code, return_code: int, status: dict, extra: str = "{}", **more: object
) -> Row:
    annotations = {_STATUS: yaml.safe_dump(status, width=1000), "fake.fljob.internal/run-for": "1h"}
    values = yaml.safe_load(on_fake_node())
    values["pod"]["annotations"] = annotations
    values |= yaml.safe_load(extra)
    return Row(
        name=name,
        how=how,
        code=code,
        return_code=return_code,
        provenance=KWOK,
        objects=fake_node(),
        values=yaml.safe_dump(values, width=100000),
        **more,  # type: ignore[arg-type]
    )


def _container(**state: dict) -> dict:
    return {
        "name": "$container",
        "image": "x",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": state,
    }


def _waits(name: str, reason: str, message: str, code: Code, return_code: int, **more: object) -> Row:
    waiting = {"reason": reason, **({"message": message} if message else {})}
    status = {"phase": "Pending", "containerStatuses": [_container(waiting=waiting)]}
    more = {"action": Action.WAIT, **more}
    return _row(name, f"waiting reason {reason}", code, return_code, status, **more)


def _failed(
    name: str, reason: str, message: str, code: Code, return_code: int = 104, **status: object
) -> Row:
    told = {"phase": "Failed", **({"reason": reason} if reason else {}), "message": message, **status}
    return _row(name, f"pod reason {reason}: {message}"[:110], code, return_code, told)


def _terminated(name: str, exit_code: int, reason: str, message: str, code: Code, return_code: int) -> Row:
    told = {"exitCode": exit_code, "reason": reason, "message": message}
    status = {"phase": "Failed", "containerStatuses": [_container(terminated=told)]}
    return _row(name, f"container reason {reason}", code, return_code, status, exit_code=exit_code)


def _touch(scene: Scene) -> None:
    """Change the pod, as the kubelet does when it tries again."""
    scene.kubectl("annotate", "pod", scene.pod, "touched=yes")


_PULLS = (
    _waits(
        "image-inspect",
        "ImageInspectError",
        'Failed to inspect image "r/x:1": rpc error: code = Unknown desc = layer does not exist',
        Code.IMAGE_INSPECT,
        104,
    ),
    _waits(
        "registry-unavailable",
        "RegistryUnavailable",
        "image pull failed for r/x:1 because the registry is unavailable.",
        Code.IMAGE_PULL_TRANSIENT,
        104,
    ),
    _waits(
        "image-signature",
        "SignatureValidationFailed",
        "image pull failed for r/x:1 because the signature validation failed.",
        Code.IMAGE_SIGNATURE,
        101,
        action=Action.FAIL,
    ),
    _waits("image-qps", "ErrImagePull", "pull QPS exceeded", Code.IMAGE_PULL_TRANSIENT, 104),
    _waits(
        "image-tls",
        "ErrImagePull",
        'failed to do request: Head "https://r/v2/x/manifests/1": net/http: TLS handshake timeout',
        Code.IMAGE_PULL_TRANSIENT,
        104,
    ),
    _waits(
        "image-docker-denied",
        "ErrImagePull",
        "pull access denied, repository does not exist or may require authorization: server message: "
        "insufficient_scope: authorization failed",
        Code.IMAGE_AUTH,
        101,
        act=_touch,
        when=Code.IMAGE_AUTH,
        graces={
            "pull_permanent": 15
        },  # runs while kubectl touches the pod, which takes seconds on a busy machine
    ),
    _waits(
        "image-disk-full",
        "ErrImagePull",
        "failed to extract layer sha256:00: write /usr/lib/x: no space left on device",
        Code.IMAGE_PULL_TRANSIENT,
        104,
    ),
)
_NVIDIA = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: error during container init: error running prestart hook #0: exit status 1, "
    "stdout: , stderr: Auto-detected mode as 'legacy' nvidia-container-cli: initialization error: nvml error: "
    "driver not loaded: unknown"
)
_RUNTIME = (
    _waits(
        "create-deadline", "CreateContainerError", "context deadline exceeded", Code.CREATE_TRANSIENT, 104
    ),
    _waits(
        "create-name-in-use",
        "CreateContainerError",
        'failed to reserve container name "job_p1_ns_u1_0": name "job_p1_ns_u1_0" is reserved for "c1"',
        Code.CREATE_TRANSIENT,
        104,
    ),
    _waits(
        "create-no-command",
        "CreateContainerError",
        "failed to generate container spec: no command specified",
        Code.BAD_COMMAND,
        101,
        action=Action.FAIL,
    ),
    _waits("gpu-hook", "RunContainerError", _NVIDIA, Code.RUNTIME_ERROR, 104),
    _terminated("gpu-hook-ended", 128, "StartError", _NVIDIA, Code.RUNTIME_ERROR, 104),
    _waits(
        "sandbox-reason",
        "CreatePodSandboxError",
        "Failed to create sandbox for pod: rpc error: code = Unknown desc = failed to start sandbox container",
        Code.SANDBOX,
        104,
    ),
    _waits(
        "sandbox-config",
        "ConfigPodSandboxError",
        "Failed to generate sandbox config for pod: open /etc/resolv.conf: no such file or directory",
        Code.SANDBOX,
        104,
    ),
    _waits(
        "post-start-hook-waiting",
        "PostStartHookError",
        "PostStartHookError: command 'false' exited with 1: ",
        Code.POST_START_HOOK,
        101,
        action=Action.FAIL,
    ),
    _waits(
        "unknown-reason",
        "ReasonOfTomorrow",
        "something new",
        Code.UNCLASSIFIED,
        104,
        graces={"start": 10},  # runs from the binding on: until kwok has written the reason
        ends_as=Code.START_TIMEOUT,
    ),
)


def _says(reason: str, message: str) -> Callable[[Scene], None]:
    return lambda scene: scene.event(reason, message)


creating = partial(
    _waits, reason="ContainerCreating", message="", action=Action.WAIT, when=Code.CREATING, return_code=104
)
_EVENTS = (
    creating(
        "volume-busy",
        act=_says(
            "FailedAttachVolume",
            'Multi-Attach error for volume "pvc-1" Volume is already exclusively attached to one node and can\'t be '
            "attached to another",
        ),
        code=Code.VOLUME_BUSY,
    ),
    creating(
        "volume-attach",
        act=_says(
            "FailedAttachVolume", 'AttachVolume.Attach failed for volume "pvc-1" : rpc error: deadline'
        ),
        code=Code.MOUNT,
    ),
    creating(
        "sandbox-network",
        act=_says(
            "FailedCreatePodSandBox",
            "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: "
            'plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized',
        ),
        code=Code.NETWORK_NOT_READY,
    ),
)
_TARGET = {"type": "DisruptionTarget", "status": "True"}
_ENDS = (
    _failed(
        "node-shutdown",
        "Terminated",
        "Pod was terminated in response to imminent node shutdown.",
        Code.NODE_SHUTDOWN,
        conditions=[
            {
                **_TARGET,
                "reason": "TerminationByKubelet",
                "message": "Pod was terminated in response to imminent node shutdown.",
            }
        ],
    ),
    _failed(
        "node-shutting-down",
        "NodeShutdown",
        "Pod was rejected as the node is shutting down.",
        Code.NODE_SHUTDOWN,
    ),
    _failed(
        "unexpected-admission",
        "UnexpectedAdmissionError",
        "Pod was rejected: Allocate failed due to no healthy devices present; cannot allocate unhealthy devices "
        "nvidia.com/gpu, which is unexpected",
        Code.ADMISSION,
    ),
    _failed(
        "out-of-gpu",
        "OutOfnvidia.com/gpu",
        "Pod was rejected: Node didn't have enough resource: nvidia.com/gpu, requested: 1, used: 1, capacity: 1",
        Code.ADMISSION,
    ),
    _failed(
        "out-of-pods",
        "OutOfpods",
        "Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 110, capacity: 110",
        Code.ADMISSION,
    ),
    _failed(
        "evicted-memory",
        "Evicted",
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 40Mi. Container job was using "
        "900Mi, request is 64Mi, has larger consumption of memory. ",
        Code.EVICTED,
        conditions=[
            {**_TARGET, "reason": "TerminationByKubelet", "message": "The node was low on resource: memory. "}
        ],
    ),
    _failed(
        "evicted-disk",
        "Evicted",
        "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 900Mi. ",
        Code.EVICTED,
    ),
    _failed(
        "preempted-by-kubelet",
        "Preempting",
        "Preempted in order to admit critical pod",
        Code.PREEMPTED,
    ),
    _failed("provider-failed", "ProviderFailed", "the provider could not create the pod", Code.POD_FAILED),
    _failed(
        "node-lost-reason", "NodeLost", "Node n1 which was running pod p1 is unresponsive", Code.NODE_LOST
    ),
    _terminated(
        "status-unknown",
        137,
        "ContainerStatusUnknown",
        "The container could not be located when the pod was terminated",
        Code.NODE_LOST,
        104,
    ),
    _row(
        "sidecar-oom-first",
        "a sidecar that is killed for lack of memory before the job starts",
        Code.SIDECAR_OOM,
        104,
        {
            "phase": "Failed",
            "containerStatuses": [
                {**_container(terminated={"exitCode": 137, "reason": "OOMKilled"}), "name": "sidecar"}
            ],
        },
        "extra: {containers: [{name: sidecar, image: none.invalid/none, resources: {limits: {memory: 16Mi}}}]}",
    ),
    _row(
        "phase-unknown",
        "a node that stopped reporting, as before Kubernetes 1.27",
        Code.UNKNOWN_PHASE,
        104,
        {
            "phase": "Unknown",
            "reason": "NodeLost",
            "message": "Node n1 which was running pod p1 is unresponsive",
        },
        action=Action.WAIT,
        ends_as=Code.NODE_LOST,
        graces={"api": 3},
    ),
)

_RUNS = {
    "phase": "Running",
    "containerStatuses": [{**_container(running={"startedAt": "2026-01-01T00:00:00Z"}), "ready": True}],
}


def _condition_then_delete(kind: str, reason: str, message: str) -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        condition = {"type": kind, "status": "True", "reason": reason, "message": message}
        patch = yaml.safe_dump({"status": {"conditions": [condition]}}, width=1000)
        scene.kubectl("patch", "pod", scene.pod, "--subresource=status", "-p", patch)
        scene.kubectl("delete", "pod", scene.pod, "--wait=false")

    return act


_TAKEN = (
    _row(
        "queue-preempted",
        "Kueue's condition TerminationTarget, then a delete",
        Code.QUEUE_PREEMPTED,
        104,
        _RUNS,
        act=_condition_then_delete(
            "TerminationTarget", "Preempted", "Preempted to accommodate a workload due to prioritization"
        ),
        when=JobState.RUNNING,
    ),
    _row(
        "shutdown-then-deleted",
        "DisruptionTarget TerminationByKubelet, then a delete",
        Code.NODE_SHUTDOWN,
        104,
        _RUNS,
        act=_condition_then_delete(
            "DisruptionTarget",
            "TerminationByKubelet",
            "Pod was terminated in response to imminent node shutdown.",
        ),
        when=JobState.RUNNING,
    ),
)

KWOK_ROWS: tuple[Row, ...] = (*_PULLS, *_RUNTIME, *_EVENTS, *_ENDS, *_TAKEN)
