"""Rows of the causes that keep a scheduled pod from running."""

from __future__ import annotations

from collections.abc import Mapping

from launcher.core.catalogue.codes import DESCRIBE_POD, Code, Entry, Limit, StrictRule
from launcher.core.catalogue.returncodes import ReturnCode

__all__ = ["STARTING"]

_JOB = ReturnCode.EXECUTION_EXCEPTION
_INFRA = ReturnCode.INFRASTRUCTURE_ERROR
_FAIL, _WAIT = StrictRule.FAIL, StrictRule.WAIT

STARTING: Mapping[Code, Entry] = {
    Code.CREATING: Entry(
        "The node is preparing volumes and the sandbox.",
        "wait; if it lasts, look at the pod's events",
        _INFRA,
        Limit.START,
        _WAIT,
        relaunchable=True,
    ),
    Code.PULLING: Entry(
        "The node is downloading an image.",
        "wait; raise timeouts.start when the image is large, or have it put on the nodes beforehand",
        _INFRA,
        Limit.START,
        _WAIT,
        relaunchable=True,
    ),
    Code.INITIALIZING: Entry(
        "An init container is still running, or a container has not stayed up yet.",
        "look at its log, and at its startup probe if it has one",
        _INFRA,
        Limit.START,
        _WAIT,
        relaunchable=True,
    ),
    Code.IMAGE_PULL_TRANSIENT: Entry(
        "The image cannot be pulled now: the registry or the way to it is in trouble.",
        "check that the node reaches the registry; rate limits pass by themselves",
        _INFRA,
        Limit.PULL,
        _FAIL,
        relaunchable=True,
    ),
    Code.IMAGE_NOT_FOUND: Entry(
        "The registry does not have the image.",
        "correct the image in launcher_spec or in the study, or push it",
        _JOB,
        Limit.PULL_PERMANENT,
        _FAIL,
    ),
    Code.IMAGE_AUTH: Entry(
        "The registry refused the credentials for the image.",
        "name a valid registry Secret in image_pull_secrets",
        _JOB,
        Limit.PULL_PERMANENT,
        _FAIL,
    ),
    Code.IMAGE_PULL_SECRET_MISSING: Entry(
        "A registry Secret of the pod does not exist, and without it the registry does not give the image.",
        "create the Secret that the detail names in the job's namespace, or correct image_pull_secrets",
        _JOB,
        Limit.PULL_PERMANENT,
        _FAIL,
    ),
    Code.IMAGE_PLATFORM: Entry(
        "The image does not exist for the node's platform.",
        "push an image for that platform, or select other nodes",
        _JOB,
        Limit.PULL_PERMANENT,
        _FAIL,
    ),
    Code.IMAGE_NEVER_PULL: Entry(
        "The pull policy is Never and the node does not have the image.",
        "load the image on the node, or change image.pullPolicy",
        _JOB,
        Limit.NOW,
        _FAIL,
    ),
    Code.IMAGE_NAME_INVALID: Entry(
        "The image reference cannot be parsed.",
        "correct the image in launcher_spec or in the study",
        _JOB,
        Limit.NOW,
        _FAIL,
    ),
    Code.IMAGE_INSPECT: Entry(
        "The container runtime cannot look at the image, or its registry is unavailable.",
        "look at the node's container runtime",
        _INFRA,
        Limit.PULL,
        _WAIT,
        relaunchable=True,
    ),
    Code.IMAGE_SIGNATURE: Entry(
        "The signature of the image was not accepted.",
        "sign the image as the node's policy demands",
        _JOB,
        Limit.NOW,
        _WAIT,
    ),
    Code.MISSING_REF: Entry(
        "An object that the job refers to, such as a Secret or ConfigMap, or a key of it, does not exist.",
        "create it in the job's namespace, or correct the reference",
        _JOB,
        Limit.CONFIG,
        _FAIL,
    ),
    Code.SUB_PATH: Entry(
        "The kubelet cannot prepare a subPath of a volume.",
        DESCRIBE_POD,
        _INFRA,
        Limit.HEAL,
        _FAIL,
        relaunchable=True,
    ),
    Code.CONTAINER_CONFIG: Entry(
        "The kubelet refuses the container's configuration.", DESCRIBE_POD, _JOB, Limit.NOW, _FAIL
    ),
    Code.CONFIG_TRANSIENT: Entry(
        "The kubelet cannot put the container's configuration together yet.",
        "wait: a kubelet that has just started does not know Services and Secrets yet",
        _INFRA,
        Limit.HEAL,
        _FAIL,
        relaunchable=True,
    ),
    Code.CREATE_TRANSIENT: Entry(
        "The container runtime could not create the container in time.",
        "look at the node's container runtime",
        _INFRA,
        Limit.CREATE,
        _FAIL,
        relaunchable=True,
    ),
    Code.BAD_COMMAND: Entry(
        "The container's command cannot be executed.",
        "check python_path and the command against what the image contains",
        _JOB,
        Limit.NOW,
        _FAIL,
    ),
    Code.RUNTIME_ERROR: Entry(
        "The container runtime failed to start the container.",
        "look at the node's container runtime and its device plugins",
        _INFRA,
        Limit.CREATE,
        _FAIL,
        relaunchable=True,
    ),
    Code.CRASH_LOOP: Entry(
        "A container keeps ending, and the kubelet keeps starting it again.",
        "look at its log; if it is the job's own, find the webhook that gave it a restartPolicy",
        _JOB,
        Limit.NOW,
        _FAIL,
    ),
    Code.NETWORK_NOT_READY: Entry(
        "The node's network plugin is not ready, or cannot give the pod an address.",
        "wait: plugins start later than their node; then look at the plugin and its address pool",
        _INFRA,
        Limit.HEAL,
        _FAIL,
        relaunchable=True,
    ),
    Code.SANDBOX: Entry(
        "The container runtime cannot create the pod's sandbox.",
        "look at the node's network plugin and container runtime",
        _INFRA,
        Limit.CREATE,
        _WAIT,
        relaunchable=True,
    ),
    Code.SANDBOX_CONFIG: Entry(
        "The node cannot run a pod with these settings, such as its runtime class, user namespace or memory.",
        "correct the named setting in pod template or launcher_spec, or have the nodes prepared for it",
        _JOB,
        Limit.CONFIG,
        _FAIL,
    ),
    Code.SECURITY_PROFILE_MISSING: Entry(
        "A seccomp or AppArmor profile that the pod names is not on the node.",
        "have the profile installed on the nodes, or correct its name in the pod template",
        _JOB,
        Limit.CONFIG,
        _FAIL,
    ),
    Code.DEVICES_NOT_READY: Entry(
        "The node cannot prepare the devices of a ResourceClaim of the job.",
        "look at the DRA driver of the device on the node",
        _INFRA,
        Limit.HEAL,
        _WAIT,
        relaunchable=True,
    ),
    Code.POST_START_HOOK: Entry(
        "The postStart hook of a container failed.",
        "correct the hook in the pod template",
        _JOB,
        Limit.NOW,
        _WAIT,
    ),
    Code.MOUNT: Entry(
        "A volume cannot be mounted yet.",
        "look at the volume's driver on the node",
        _INFRA,
        Limit.HEAL,
        _FAIL,
        relaunchable=True,
    ),
    Code.VOLUME_CONFIG: Entry(
        "A volume does not allow how the job uses it.",
        "correct the volume or its mount in the pod template, as the detail says",
        _JOB,
        Limit.CONFIG,
        _FAIL,
    ),
    Code.VOLUME_BUSY: Entry(
        "A volume is still attached to another node.",
        "wait until the other node releases it (about six minutes), or end the pod that holds it",
        _INFRA,
        Limit.DETACH,
        _FAIL,
        relaunchable=True,
    ),
    Code.UNCLASSIFIED: Entry(
        "The pod waits for a reason that is not in the catalogue.",
        DESCRIBE_POD,
        _INFRA,
        Limit.START,
        _WAIT,
        relaunchable=True,
    ),
    Code.START_TIMEOUT: Entry(
        "The pod was scheduled and did not start in time.",
        "read the detail; raise timeouts.start when the image is large",
        _INFRA,
        relaunchable=True,
        ran_out=Limit.START.clock,
    ),
    Code.LAUNCH_TIMEOUT: Entry(
        "The job did not run within the launcher's timeout.",
        "read the detail, or raise timeout",
        _INFRA,
        relaunchable=True,
        ran_out="timeout",
    ),
}
