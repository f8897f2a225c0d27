"""Rows of pods on a real node whose containers do not start: images, init containers, commands, configuration."""

from __future__ import annotations

from functools import partial

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import Action
from tests.cluster.conftest import OOM
from tests.cluster.matrix.row import Row

__all__ = ["CONFIG_MAP", "SECRET", "STARTING"]

image = partial(Row, action=Action.WAIT)
absent = partial(image, code=Code.IMAGE_NOT_FOUND, return_code=101)
troubled = partial(image, code=Code.IMAGE_PULL_TRANSIENT, return_code=104)
refused = partial(image, code=Code.IMAGE_AUTH, return_code=101)

_IMAGES = (
    absent(name="image-tag-missing", how="a tag that the registry does not have", image="$image-none"),
    absent(
        name="image-missing", how="a repository that the registry does not have", image="$local/none/such:1"
    ),
    absent(
        name="image-digest-missing",
        how="a digest that the registry does not have",
        image="$local/none/such@sha256:" + 64 * "0",
    ),
    refused(name="image-401", how="a registry that answers 401", image="$registry/401:1"),
    refused(name="image-403", how="a registry that answers 403", image="$registry/403:1"),
    refused(
        name="image-token-denied", how="a token server that answers 401", image="$registry/token-denied:1"
    ),
    image(
        name="image-pull-secret-missing",
        how="a registry that answers 401, and a pull Secret that does not exist",
        image="$registry/401:1",
        values="imagePullSecrets: [{name: none}]",
        code=Code.IMAGE_PULL_SECRET_MISSING,
        return_code=101,
        says="FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (none)",
    ),
    troubled(name="image-429", how="a registry that answers 429", image="$registry/429:1"),
    troubled(name="image-500", how="a registry that answers 500", image="$registry/500:1"),
    troubled(name="image-502", how="a registry that answers 502", image="$registry/502:1", fixture=False),
    troubled(name="image-503", how="a registry that answers 503", image="$registry/503:1"),
    troubled(name="image-blob-500", how="a registry whose blobs answer 500", image="$registry/blob-500:1"),
    troubled(name="image-reset", how="a registry that hangs up", image="$registry/reset:1"),
    troubled(name="image-garbage", how="a registry that answers nonsense", image="$registry/garbage:1"),
    image(
        name="image-platform",
        how="an image for s390x only",
        image="$registry/platform:1",
        code=Code.IMAGE_PLATFORM,
        return_code=101,
    ),
    Row(
        name="image-pulling",
        how="a registry that does not answer, once the kubelet has said that it pulls",
        image="$registry/slow:1",
        code=Code.PULLING,
        action=Action.WAIT,
        return_code=104,
        graces={"start": 10},
        ends_as=Code.START_TIMEOUT,
        says="container $container: pulling image $registry/slow:1",
    ),
    Row(
        name="init-image-pulling",
        how="an init container whose image comes from a registry that does not answer",
        values="extra: {initContainers: [{name: init, image: $registry/slow:1}]}",
        code=Code.PULLING,
        action=Action.WAIT,
        return_code=104,
        graces={"start": 10},
        ends_as=Code.START_TIMEOUT,
        says="container init: pulling image $registry/slow:1",
        fixture=False,
    ),
    Row(
        name="image-slow",
        how="a registry that does not answer",
        image="$registry/slow:1",
        code=Code.CREATING,
        action=Action.WAIT,
        return_code=104,
        graces={"start": 3},
        ends_as=Code.START_TIMEOUT,
    ),
    image(
        name="registry-down",
        how="a registry that is down",
        image="localhost:1/fljob:1",
        code=Code.IMAGE_PULL_TRANSIENT,
        return_code=104,
    ),
    image(
        name="registry-unknown",
        how="a registry whose name does not resolve",
        image="nosuch.invalid/fljob:1",
        code=Code.IMAGE_PULL_TRANSIENT,
        return_code=104,
    ),
    image(
        name="registry-no-tls",
        how="a registry without TLS that the node asks with TLS",
        image="$plain/fljob:1",
        code=Code.IMAGE_PULL_TRANSIENT,
        return_code=104,
    ),
    image(
        name="image-name-invalid",
        how="an image reference that cannot be parsed",
        image="Not/Valid:1",
        code=Code.IMAGE_NAME_INVALID,
        action=Action.FAIL,
        return_code=101,
    ),
    image(
        name="image-never-pull",
        how="pullPolicy Never and an image that the node does not have",
        image="$image-none",
        values="image: {pullPolicy: Never}",
        code=Code.IMAGE_NEVER_PULL,
        action=Action.FAIL,
        return_code=101,
    ),
)


def _init(container: str) -> str:
    return f"extra: {{initContainers: [{{name: init, image: $image, {container}}}]}}"


_SMALL = "resources: {limits: {memory: 16Mi}}"

_INITS = (
    Row(
        name="init-fails",
        how="an init container that exits with 3",
        values=_init('command: [sh, -c, "exit 3"]'),
        code=Code.INIT_FAILED,
        return_code=101,
    ),
    Row(
        name="init-oom",
        how="an init container that uses more memory than its limit",
        values=_init(f"command: [sh, -c, '{OOM}'], {_SMALL}"),
        code=Code.INIT_OOM,
        return_code=104,
    ),
    Row(
        name="init-memory-below-a-process",
        how="an init container with a limit of 1Mi, in which not even its first process fits",
        values=_init("command: ['true'], resources: {limits: {memory: 1Mi}}"),
        code=Code.INIT_OOM,
        return_code=104,
    ),
    Row(
        name="init-slow",
        how="an init container that does not end",
        values=_init("command: [sleep, '600']"),
        code=Code.INITIALIZING,
        action=Action.WAIT,
        return_code=104,
        graces={"start": 20},  # runs while the pod is prepared, too: until the init container is seen running
        ends_as=Code.START_TIMEOUT,
    ),
    absent(
        name="init-image-missing",
        how="an init container whose image is missing",
        values="extra: {initContainers: [{name: init, image: $image-none}]}",
    ),
    Row(
        name="init-bad-command",
        how="an init container whose command does not exist",
        values=_init("command: [/none]"),
        code=Code.INIT_FAILED,
        return_code=101,
    ),
    Row(
        name="sidecar-crash-loop",
        how="a native sidecar that ends with 1 again and again before the job starts",
        values=_init(
            'restartPolicy: Always, command: [sh, -c, "exit 1"], startupProbe: {exec: {command: ["false"]}}'
        ),
        code=Code.CRASH_LOOP,
        action=Action.FAIL,
        return_code=101,
        seconds=240,
    ),
)

config = partial(Row, action=Action.WAIT, code=Code.MISSING_REF, return_code=101)


def _env(source: str) -> str:
    return f"env: [{{name: X, valueFrom: {{{source}}}}}]"


SECRET = """---
apiVersion: v1
kind: Secret
metadata: {name: there, namespace: $ns, labels: {matrix: "yes"}}
stringData: {a: b}
"""
CONFIG_MAP = """---
apiVersion: v1
kind: ConfigMap
metadata: {name: there, namespace: $ns}
data: {a: "b"}
binaryData: {garbage: AAECAwQFBgc=}
"""


def create_secret(scene):
    """Create the Secret that was missing."""
    scene.kubectl("create", "secret", "generic", "none", "--from-literal=x=y")
    scene.kubectl("label", "secret", "none", "matrix=yes")


_CONFIGS = (
    config(
        name="env-secret-missing",
        how="env from a Secret that does not exist",
        values=_env("secretKeyRef: {name: none, key: x}"),
    ),
    config(
        name="env-secret-heals",
        how="env from a Secret that comes later",
        values=_env("secretKeyRef: {name: none, key: x}"),
        graces={"config": 60},
        heal=create_secret,
        fixture=False,
    ),
    config(
        name="env-secret-key-missing",
        how="env from a key that the Secret does not have",
        objects=SECRET,
        values=_env("secretKeyRef: {name: there, key: x}"),
    ),
    config(
        name="env-config-missing",
        how="env from a ConfigMap that does not exist",
        values=_env("configMapKeyRef: {name: none, key: x}"),
    ),
    config(
        name="env-config-key-missing",
        how="env from a key that the ConfigMap does not have",
        objects=CONFIG_MAP,
        values=_env("configMapKeyRef: {name: there, key: x}"),
    ),
    Row(
        name="non-root",
        how="podSecurity restricted and an image whose user is root",
        values="podSecurity: restricted",
        code=Code.CONTAINER_CONFIG,
        action=Action.FAIL,
        return_code=101,
    ),
    Row(
        name="sub-path",
        how="a subPath below a file",
        objects=CONFIG_MAP,
        values="extra: {volumes: [{name: x, configMap: {name: there}}], "
        "volumeMounts: [{name: x, mountPath: /x, subPath: a/b}]}",
        code=Code.SUB_PATH,
        action=Action.WAIT,
        return_code=104,
    ),
)

command = partial(Row, code=Code.BAD_COMMAND, return_code=101, exit_code=128)

_COMMANDS = (
    command(name="command-missing", how="a command that is not in the image", command=("/none",)),
    command(name="command-not-on-path", how="a command that is not on the PATH", command=("none",)),
    command(name="command-no-permission", how="a command that may not be executed", command=("/etc/hosts",)),
    # runc finds out too late to tell: "exec /x/garbage: exec format error" is in the log, and the exit code is 1.
    Row(
        name="command-garbage",
        how="a command that is no program, or one for another processor",
        command=("/x/garbage",),
        code=Code.APP_ERROR,
        return_code=9,
        exit_code=1,
        objects=CONFIG_MAP,
        values="extra: {volumes: [{name: x, configMap: {name: there, defaultMode: 0755}}], "
        "volumeMounts: [{name: x, mountPath: /x}]}",
    ),
    command(
        name="working-directory",
        how="a working directory that is a file",
        values="container: {spec: {workingDir: /etc/hosts}}",
    ),
    Row(
        name="mount-over-a-file",
        how="a volume that is mounted over a file of the image",
        values="extra: {volumes: [{name: x, emptyDir: {}}], volumeMounts: [{name: x, mountPath: /bin/busybox}]}",
        code=Code.CONTAINER_CONFIG,
        return_code=101,
        exit_code=128,
    ),
    # Beside a container without a limit, so that the pod has none.
    Row(
        name="memory-below-a-process",
        how="memory: 1Mi, in which not even the first process of a container fits",
        k8s={"memory": "1Mi"},
        values="extra: {containers: [{name: beside, image: $image, command: [sleep, '600']}]}",
        code=Code.OOM_KILLED,
        return_code=104,
        exit_code=128,
    ),
    # The kubelet kills the container; only an event names the hook.
    Row(
        name="post-start-hook",
        how="a postStart hook that fails",
        command="sleep 600",
        values='container: {spec: {lifecycle: {postStart: {exec: {command: ["false"]}}}}}\n'
        # the container outlives the event for as long: the event must come first
        "pod: {spec: {terminationGracePeriodSeconds: 5}}",
        code=Code.POST_START_HOOK,
        return_code=101,
        exit_code=137,
    ),
)

STARTING: tuple[Row, ...] = (*_IMAGES, *_INITS, *_CONFIGS, *_COMMANDS)
