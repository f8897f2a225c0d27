"""Rows of containers that wait for a reason."""

from __future__ import annotations

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import Action
from tests.cluster.matrix.kwok.status import terminated, waits
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import Scene

__all__ = ["WAITING"]


def _touch(scene: Scene) -> None:
    """Change the pod, as the kubelet does when it tries again."""
    scene.kubectl("annotate", "pod", scene.pod, "touched=yes")


_PULLS = (
    waits(
        "image-inspect",
        "ImageInspectError",
        'Failed to inspect image "r/x:1": rpc error: code = Unknown desc = layer does not exist',
        Code.IMAGE_INSPECT,
        104,
    ),
    waits(
        "registry-unavailable",
        "RegistryUnavailable",
        "image pull failed for r/x:1 because the registry is unavailable.",
        Code.IMAGE_PULL_TRANSIENT,
        104,
    ),
    waits(
        "image-signature",
        "SignatureValidationFailed",
        "image pull failed for r/x:1 because the signature validation failed.",
        Code.IMAGE_SIGNATURE,
        101,
        action=Action.FAIL,
    ),
    waits("image-qps", "ErrImagePull", "pull QPS exceeded", Code.IMAGE_PULL_TRANSIENT, 104),
    waits(
        "image-tls",
        "ErrImagePull",
        'failed to do request: Head "https://r/v2/x/manifests/1": net/http: TLS handshake timeout',
        Code.IMAGE_PULL_TRANSIENT,
        104,
    ),
    waits(
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
    waits(
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
# What the kubelet says of itself: kuberuntime_container.go, watch_based_manager.go, kubelet_pods.go.
_KUBELET = (
    waits(
        "config-cache",
        "CreateContainerConfigError",
        "failed to sync configmap cache: timed out waiting for the condition",
        Code.CONFIG_TRANSIENT,
        104,
        says="failed to sync configmap cache",
    ),
    waits(
        "config-services",
        "CreateContainerConfigError",
        "services have not yet been read at least once, cannot construct envvars",
        Code.CONFIG_TRANSIENT,
        104,
    ),
    waits(
        "pre-create-hook",
        "PreCreateHookError",
        "failed to write data to checkpoint: no space left on device",
        Code.SANDBOX,
        104,
    ),
    waits(
        "pre-start-hook",
        "PreStartHookError",
        "failed to add container to the topology manager: container not found",
        Code.SANDBOX,
        104,
    ),
)
_RUNTIME = (
    waits("create-deadline", "CreateContainerError", "context deadline exceeded", Code.CREATE_TRANSIENT, 104),
    waits(
        "create-name-in-use",
        "CreateContainerError",
        'failed to reserve container name "job_p1_ns_u1_0": name "job_p1_ns_u1_0" is reserved for "c1"',
        Code.CREATE_TRANSIENT,
        104,
    ),
    waits(
        "create-no-command",
        "CreateContainerError",
        "failed to generate container spec: no command specified",
        Code.BAD_COMMAND,
        101,
        action=Action.FAIL,
    ),
    waits("gpu-hook", "RunContainerError", _NVIDIA, Code.RUNTIME_ERROR, 104),
    terminated("gpu-hook-ended", 128, "StartError", _NVIDIA, Code.RUNTIME_ERROR, 104),
    waits(
        "sandbox-reason",
        "CreatePodSandboxError",
        "Failed to create sandbox for pod: rpc error: code = Unknown desc = failed to start sandbox container",
        Code.SANDBOX,
        104,
    ),
    waits(
        "sandbox-config",
        "ConfigPodSandboxError",
        "Failed to generate sandbox config for pod: open /etc/resolv.conf: no such file or directory",
        Code.SANDBOX,
        104,
    ),
    waits(
        "post-start-hook-waiting",
        "PostStartHookError",
        "PostStartHookError: command 'false' exited with 1: ",
        Code.POST_START_HOOK,
        101,
        action=Action.FAIL,
    ),
    waits(
        "unknown-reason",
        "ReasonOfTomorrow",
        "something new",
        Code.UNCLASSIFIED,
        104,
        graces={"start": 10},  # runs from the binding on: until kwok has written the reason
        ends_as=Code.START_TIMEOUT,
    ),
)

WAITING: tuple[Row, ...] = (*_PULLS, *_KUBELET, *_RUNTIME)
