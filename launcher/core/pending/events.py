"""The codes of Warning events of a scheduled pod, whose containers still wait for volumes or the sandbox.

Volumes have no status in the pod: while a mount fails, the container shows ContainerCreating and only the
events name the cause. Events that repeat a waiting reason (BackOff, Failed) are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from launcher.core.catalogue import Code
from launcher.core.pending.containers import SECURITY_PROFILE, waiting_code
from launcher.core.views import PodEvent

__all__ = [
    "event_code",
    "failed_probe",
    "failure_code",
    "last_words",
    "missing_pull_secret",
    "newest_warning",
    "pull_under_way",
]


_NAME = re.compile(r'"[^"\n]{0,1024}"')


@dataclass(frozen=True)
class _BesideNames:
    """Words that do not count in a name, as in 'failed to reserve sandbox name "cni-x_fl_0"'."""

    words: re.Pattern[str]

    def search(self, message: str) -> re.Match[str] | None:
        return self.words.search(_NAME.sub('""', message))


_PULLING = re.compile(r'Pulling image "([^"]{1,1024})"')
_AFTER_A_PULL = frozenset({"Pulled", "Created", "Started", "Failed", "BackOff", "Killing"})
# 'Container proxy failed liveness probe, will be restarted', 'Init container proxy failed startup probe'
_KILLED_BY_PROBE = re.compile(r"(?:Init c|C)ontainer (?P<name>\S+) failed (?:liveness|startup) probe")
_KILLING_PROBES = ("Liveness probe ", "Startup probe ")
_MOUNTS = ("FailedMount", "FailedMapVolume")
# 'volume x has volumeMode Block, but is specified in volumeMounts', 'unsupported fieldPath: x'
_VOLUME_SETTING = re.compile(
    r"has volumeMode (?:Block|Filesystem), but|mount options are not supported for this volume type|"
    r"unsupported fieldPath|does not support subscript|invalid HostPath"
)
# What the pod asks for and the node cannot give. kubelet: "can't set `spec.hostUsers: false`, runtime does
# not support user namespaces", 'failed to construct FQDN ..., FQDN x is too long', 'hostname for pod "x" was
# invalid'; containerd: 'no runtime for "x" is configured'; CRI-O: 'failed to find runtime handler x from
# runtime list'; containerd: 'runtime "io.containerd.kata.v2" binary not installed "containerd-shim-kata-v2"';
# cri-dockerd: 'RuntimeHandler "x" not supported'; runc: 'sysctl "x" is not in a separate kernel
# namespace'; Multus, of a network that an annotation names: 'cannot find a network-attachment-definition (x)
# in namespace (fl): network-attachment-definitions.k8s.cni.cncf.io "x" not found'; runc, where all containers
# have a limit, and so the pod: 'container init was OOM-killed (memory limit too low?)'
_SANDBOX_SETTING = re.compile(
    r"spec\.hostUsers|\"UserNamespacesSupport\" is disabled|not support user namespaces|"
    r"failed to lookup RuntimeClass|no runtime for \"|failed to find runtime handler|"
    r"RuntimeHandler \"[^\"]{1,253}\" not supported|cannot find a network-attachment-definition|"
    r"runtime \"(?!io\.containerd\.runc\.)[^\"]{1,253}\" binary not installed|"
    r"container init was OOM-killed|unable to set memory limit to \d|"
    r"failed to construct FQDN|hostname for pod |is not a valid DNS (?:label|subdomain)|invalid DNSPolicy|"
    r"unsupported supplementalGroupsPolicy|(?-i:HostProcess)|\bsysctl \"",
    re.IGNORECASE,
)
# containerd: 'failed to setup network for sandbox "x": plugin type="calico" failed (add): ...'. Not the
# network to a registry: 'failed to get sandbox image "pause": ... connect: network is unreachable'.
_NETWORK = _BesideNames(
    re.compile(
        r"\bnetwork(?! is unreachable)|networkplugin|\bcni\b|\bipam\b|\bip address|plugin type=",
        re.IGNORECASE,
    )
)

_ROWS: tuple[tuple[str, re.Pattern[str] | _BesideNames, Code], ...] = (
    # 'MountVolume.SetUp failed for volume "x" : secret "nope" not found'; of the driver for other stores:
    # 'SecretProviderClass.secrets-store.csi.x-k8s.io "nope" not found'; of a token: 'serviceaccounts "nope"
    # not found'
    (
        "FailedMount",
        re.compile(
            r'(?:secret|configmap|SecretProviderClass\S{0,100}|serviceaccounts?) "[^"]*" not found|'
            r"references non-existent (?:secret|config) key"
        ),
        Code.MISSING_REF,
    ),
    # 'volume uses the ReadWriteOncePod access mode and is already in use by another pod'
    *((reason, re.compile("ReadWriteOncePod access mode"), Code.VOLUME_IN_USE) for reason in _MOUNTS),
    *((reason, _VOLUME_SETTING, Code.VOLUME_CONFIG) for reason in _MOUNTS),
    # 'Multi-Attach error for volume "pvc-..." Volume is already exclusively attached to one node'; 1.37:
    # 'Waiting for detach for volume "pvc-..." Volume is already used by pod(s) x'
    (
        "FailedAttachVolume",
        re.compile(r"Multi-Attach|Waiting for detach|already (?:exclusively attached|used by)"),
        Code.VOLUME_BUSY,
    ),
    ("FailedAttachVolume", re.compile(r""), Code.MOUNT),
    ("FailedMount", re.compile(r""), Code.MOUNT),
    ("FailedMapVolume", re.compile(r""), Code.MOUNT),
    # a large volume is being given to fsGroup: slow, and no failure
    ("VolumePermissionChangeInProgress", re.compile(r""), Code.CREATING),
    ("FailedCreatePodSandBox", SECURITY_PROFILE, Code.SECURITY_PROFILE_MISSING),
    ("FailedCreatePodSandBox", _SANDBOX_SETTING, Code.SANDBOX_CONFIG),
    ("FailedCreatePodSandBox", _NETWORK, Code.NETWORK_NOT_READY),
    ("FailedCreatePodSandBox", re.compile(r""), Code.SANDBOX),
    ("NetworkNotReady", re.compile(r""), Code.NETWORK_NOT_READY),
    # 'error determining status: rpc error: ...': the runtime could not be asked
    ("FailedSync", _NETWORK, Code.NETWORK_NOT_READY),
    ("FailedSync", re.compile(r""), Code.SANDBOX),
    ("FailedPodSandBoxStatus", re.compile(r""), Code.SANDBOX),
    ("FailedCreatePodContainer", re.compile(r""), Code.SANDBOX),
    ("Failed", re.compile(r"^error making pod data directories"), Code.SANDBOX),
    # 'Failed to prepare dynamic resources: prepare dynamic resources: NodePrepareResources failed ...'
    ("FailedPrepareDynamicResources", re.compile(r""), Code.DEVICES_NOT_READY),
)


def event_code(event: PodEvent) -> Code | None:
    """Return the code of an event, or None when it is not about why the pod does not start."""
    if event.type != "Warning":
        return None
    return next(
        (code for reason, text, code in _ROWS if event.reason == reason and text.search(event.message)), None
    )


def failure_code(event: PodEvent) -> Code | None:
    """Return the code of a ``Failed`` event, which comes a moment before the waiting reason that it repeats.

    Only policy ``strict`` decides by it.
    """
    # 'Failed to pull image "x": ...', then 'Error: ErrImagePull', which says less
    if event.reason != "Failed" or event.message in {"Error: ErrImagePull", "Error: ImagePullBackOff"}:
        return None
    if event.message.startswith("Failed to pull image"):
        return waiting_code("ErrImagePull", event.message)
    started = "containerd task" in event.message
    return waiting_code("RunContainerError" if started else "CreateContainerConfigError", event.message)


def newest_warning(events: Iterable[PodEvent], created: datetime | None) -> tuple[PodEvent, Code] | None:
    """Return the newest event that has a code, with it, unless a later Normal event shows that it is over.

    Args:
        events: events of this pod uid, oldest first.
        created: when the pod was created, where its name selected the events: older ones are about another
            pod. None where the uid selected them.
    """
    found: tuple[PodEvent, Code] | None = None
    for event in events:
        if created is not None and event.last_seen is not None and event.last_seen < created:
            continue
        code = event_code(event)
        if code is not None:
            found = (event, code)
        elif (
            found is not None
            and event.type == "Normal"
            and event.reason in {"Pulling", "Pulled", "Created", "Started"}
        ):
            found = None  # the volumes and the sandbox are there: images are only pulled afterwards
    return found


def last_words(events: Iterable[PodEvent], known: str) -> str:
    """Return the newest event as text to append to the detail of a timeout; empty when there is none.

    Args:
        events: events of this pod uid, oldest first; ``Scheduled`` is left out.
        known: the detail so far; an event that it contains is left out.
    """
    new = [e for e in events if e.reason != "Scheduled" and e.message and e.message not in known]
    return f"; last event: {new[-1].reason}: {new[-1].message}" if new else ""


def pull_under_way(events: Iterable[PodEvent], created: datetime | None) -> tuple[PodEvent, str] | None:
    """Return the event of the pull that has begun and not ended, with its image; None when there is none.

    The containers of a pod are started one after the other, each once its image is there.

    Args:
        events: events of this pod uid, oldest first.
        created: when the pod was created; older events are about another pod of its name.
    """
    found: tuple[PodEvent, str] | None = None
    for event in events:
        if created is not None and event.last_seen is not None and event.last_seen < created:
            continue
        # 'Pulling image "r/x:1"', then 'Successfully pulled image "r/x:1" in 3s (...)' or 'Failed ...'
        begun = _PULLING.fullmatch(event.message) if event.reason == "Pulling" else None
        if begun is not None:
            found = (event, begun[1])
        elif event.reason in _AFTER_A_PULL:
            found = None
    return found


def missing_pull_secret(events: Iterable[PodEvent]) -> str:
    """Return the kubelet's newest words about image pull Secrets that do not exist; empty without any.

    The pull is then tried without credentials, and the registry answers that there is no such image.
    """
    # 'Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.'
    said = [event for event in events if event.reason == "FailedToRetrieveImagePullSecret"]
    return f"{said[-1].reason}: {said[-1].message}" if said else ""


def failed_probe(events: Iterable[PodEvent], container: str = "") -> str:
    """Return what the newest events say about a probe that failed, or made the kubelet kill a container.

    Args:
        events: events of this pod uid, oldest first.
        container: whose end is to be explained; empty = any container, and a failure that killed nothing
            counts, too.
    """
    killed = failed = ""
    stopped = not container
    for event in events:
        if container and event.container not in ("", container):
            continue
        if event.reason == "Killing":
            found = _KILLED_BY_PROBE.match(event.message)
            if found is not None and container in ("", found["name"]):
                killed = event.message
            # All that is said of a container that does not restart, whatever the kubelet stops it for.
            stopped = stopped or event.message == f"Stopping container {container}"
        # 'Startup probe failed: HTTP probe failed with statuscode: 503'; readiness holds and kills nothing
        elif event.reason == "Unhealthy" and event.message.startswith(_KILLING_PROBES):
            failed = event.message
    return ": ".join(filter(None, (killed, failed))) if killed or stopped else ""
