"""The codes of waiting containers: one table of (waiting reason, message), of which the first match decides.

One reason covers causes that heal and causes that do not: ErrImagePull is a missing tag as well as a registry
that is down for a minute. Only the message distinguishes them, so a reason may have several rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from launcher.core.catalogue import Code
from launcher.core.pending.process import start_code

__all__ = ["NOT_A_CAUSE", "SECURITY_PROFILE", "waiting_code"]

# A profile that the pod template names, in the words of containerd, CRI-O and runc: 'cannot load seccomp
# profile "/var/lib/kubelet/seccomp/x.json": open ...: no such file or directory', 'apparmor profile not found
# x', 'unable to apply apparmor profile: apparmor failed to apply profile'
SECURITY_PROFILE = re.compile(
    r"load(?:ing)? seccomp profile|seccomp profile \S+ (?:not found|no such)|"
    r"apparmor profile not found|apply apparmor profile|apparmor profile \S+ is not loaded",
    re.IGNORECASE,
)
# Reasons that every pod passes through while it starts.
NOT_A_CAUSE = frozenset({"", "ContainerCreating", "PodInitializing"})


@dataclass(frozen=True)
class _Row:
    reasons: frozenset[str]
    code: Code
    message: re.Pattern[str] | None = None


def _row(reasons: str, code: Code, message: str = "") -> _Row:
    return _Row(frozenset(reasons.split()), code, re.compile(message, re.IGNORECASE) if message else None)


_PULL = "ErrImagePull ImagePullBackOff"
# The beginnings of what the kubelet says of settings that no node can run; a word such as "invalid" may also
# stand in a name or in an error of the kubelet's own.
_BAD_SETTING = (
    r"^(?:Error: )?(?:invalid (?:MountPropagation mode|key subscript in|environment variable format)|"
    # 'container has runAsNonRoot and image will run as root', 'image has non-numeric user (x), cannot verify'
    r"container has runAsNonRoot|image has non-numeric user|container's runAsUser breaks non-root policy|"
    r"hostname for pod |pod (?:Hostname|HostnameOverride|Subdomain) |"
    r"localhostProfile must be set|missing localhost apparmor profile name|unknown apparmor profile type|"
    r"unsupported (?:supplementalGroupsPolicy|fieldPath|container resource)|fieldPath \S+ does not support|"
    r"error (?:SubPath|DevicePath) |unable to provision SubPath |"
    # 'volume "x" requested recursive read-only mode, but it is not read-only'
    r"volume \S+ requested recursive read-only mode|"
    r"recursive read-only mount needs|unknown recursive read-only mode|"
    r"container request \d+ is larger than total node memory|"
    r"environment variable (?:key|value) .* exceeds maximum|couldn't parse env file|"
    # of a resourceFieldRef
    r"container \S+ not found)"
)
# What the image or the pod asks for and no runtime gives. containerd: 'mount callback failed on /tmp/x: no
# users found', Docker and CRI-O: 'unable to find user x: no matching entries in passwd file'; CRI-O: 'set
# memory limit 4194304 too low; should be at least 12582912 bytes'; runc: 'unable to find user 0: read
# /etc/passwd: is a directory'
_BAD_CONTAINER = re.compile(
    r"\bno (?:users|groups) found\b|\bunable to find (?:user|group) |"
    r"no matching entries in (?:passwd|group) file|"
    r"set memory limit \d{1,20} too low|\b(?:unknown|invalid) capability \"|"
    r"are you trying to mount a directory onto a file",
    re.IGNORECASE,
)
# runc, of a volume over a file of the image: 'error mounting "/var/lib/kubelet/pods/U/volumes/v" to rootfs at
# "/bin/x": mount ...: not a directory'. Two steps, since one expression would try each end for each mark.
_MOUNTING, _OVER_A_FILE = 'error mounting "', ": not a directory"
_START_REASONS = frozenset({"RunContainerError", "StartError", "ContainerCannotRun"})

_MAKE_REASONS = _START_REASONS | {"CreateContainerError"}

_ROWS: tuple[_Row, ...] = (
    # A registry, or what stands before it, that is busy, broken or out of reach, whatever else it says:
    # '429 Too Many Requests: unauthorized', 'failed to fetch anonymous token: ... dial tcp: lookup auth: no
    # such host: not found'; CRI-O: 'invalid status code from registry 503 (Service Unavailable)'. Nor
    # containerd's own store: 'content digest sha256:...: not found'. CRI-O says of mirrors too how they
    # failed, and of the registry last.
    _row(
        _PULL,
        Code.IMAGE_PULL_TRANSIENT,
        r"^(?:(?!mirrors also failed)[\s\S]){0,4096}?(?:\b429 \(?too many requests|"
        r"\b50[0234] \(?(?:internal server error|bad gateway|service unavailable|gateway time)|"
        r"\bdial (?:tcp|udp)\b|\bi/o timeout|tls handshake timeout|content digest \S{1,200}: not found)",
    ),
    # containerd: 'pulling from host H failed with status code [manifests 1]: 401 Unauthorized'
    _row(
        _PULL,
        Code.IMAGE_AUTH,
        # not a bare "denied:": unpacking says 'lchown /x: permission denied: unknown'
        r"\b401 unauthorized|\b403 \(?forbidden|authorization failed|access denied|"
        # not of a name: "r.io/unauthorized:1"
        r"(?<![\w./:@-])unauthorized(?![\w/@-]|[.:]\w)|"
        r"denied: (?:requested access|permission|access)|"
        # CRI-O: 'reading manifest 1 in docker.io/r/x: requested access to the resource is denied'; Docker
        r"requested access to the resource is denied|no basic auth credentials",
    ),
    # containerd: 'no match for platform in manifest: not found'; says "not found" too, so it comes first;
    # CRI-O: 'choosing image instance: no image found in manifest list for architecture arm64, variant "v8"'
    _row(
        _PULL,
        Code.IMAGE_PLATFORM,
        r"no match for platform|no matching manifest|"
        r"no image found in (?:image index|manifest list) for architecture",
    ),
    # A proxy or login page that answers for the registry; containerd calls it NotFound too:
    # 'code = NotFound desc = ... unexpected media type text/html for sha256:...: not found'
    _row(_PULL, Code.IMAGE_PULL_TRANSIENT, r"unexpected media type"),
    # containerd: 'failed to resolve reference "localhost:5001/x:1": localhost:5001/x:1: not found'
    _row(
        _PULL,
        Code.IMAGE_NOT_FOUND,
        r"code = notfound|: not found|manifest unknown|name unknown|does not exist",
    ),
    # 429, 5xx, connection refused, DNS, TLS, QPS exceeded and whatever registries may answer in future: a
    # pull error that is not known to be permanent may heal.
    _row(_PULL + " RegistryUnavailable", Code.IMAGE_PULL_TRANSIENT),
    _row("ErrImageNeverPull", Code.IMAGE_NEVER_PULL),
    _row("InvalidImageName", Code.IMAGE_NAME_INVALID),
    _row("ImageInspectError", Code.IMAGE_INSPECT),
    _row("SignatureValidationFailed", Code.IMAGE_SIGNATURE),
    # 'secret "no-such" not found', "couldn't find key x in ConfigMap ns/name",
    # 'references non-existent secret key: x'. Not a bare "not found": a device plugin that restarts says
    # 'endpoint not found in cache for a registered resource: nvidia.com/gpu'.
    _row(
        "CreateContainerConfigError",
        Code.MISSING_REF,
        r'(?:secret|configmap) "[^"]*" not found|couldn\'t find key |non-existent (?:secret|config) key|'
        r"^(?:Error: )?environment variable key .* not found in file",
    ),
    _row("CreateContainerConfigError", Code.CONTAINER_CONFIG, _BAD_SETTING),
    _row("CreateContainerConfigError", Code.SUB_PATH, r"(?-i:[sS]ubPath)"),  # no name: those are lower-case
    # a kubelet that has just started: 'services have not yet been read at least once, cannot construct ...';
    # 'failed to sync secret cache: timed out waiting for the condition'
    _row("CreateContainerConfigError", Code.CONFIG_TRANSIENT),
    # Prefixes of the message, never reasons of their own: a read-only mode that the runtime does not know,
    # and an image that is a volume.
    _row("CreateContainerError", Code.CONTAINER_CONFIG, r"^RROUnsupported"),
    _row("CreateContainerError", Code.MOUNT, r"^ImageVolumeMountFailed"),
    # 'context deadline exceeded', 'failed to reserve container name ... is reserved for'
    _row("CreateContainerError", Code.CREATE_TRANSIENT),
    _row("CrashLoopBackOff", Code.CRASH_LOOP),
    _row("PostStartHookError", Code.POST_START_HOOK),
    _row(
        "CreatePodSandboxError ConfigPodSandboxError PreCreateHookError PreStartHookError KillContainerError "
        "ResizePodInPlaceError KillPodSandboxError RemoveContainerError",
        Code.SANDBOX,
    ),
    # 1.35, restartPolicyRules: the kubelet starts all containers of the pod again
    _row("RestartingAllContainers", Code.CREATING),
)


# Reasons with rows of their own beside those that every failed pull has.
_OWN_REASONS = frozenset().union(*(row.reasons for row in _ROWS)) - frozenset(_PULL.split())
# What the kubelet says between two pulls since Kubernetes 1.32; before that the message ends with the image.
# 'Back-off pulling image "r/x:1": SignatureValidationFailed: image signature validation failed for "r/x:1"'
_BACK_OFF = re.compile(r'Back-off pulling image "[^"]*": (?P<reason>\w+): (?P<message>.*)', re.DOTALL)


def waiting_code(reason: str, message: str) -> Code:
    """Return the code of a container's waiting state; unknown reasons are UNCLASSIFIED, never an error.

    A back-off has the code of the error that it repeats: with another one the two would take turns, and no
    clock of either would run out.
    """
    repeated = _BACK_OFF.match(message) if reason == "ImagePullBackOff" else None
    if repeated is not None and repeated["reason"] in _OWN_REASONS:
        reason, message = repeated["reason"], repeated["message"]
    if reason in _MAKE_REASONS and SECURITY_PROFILE.search(message):
        return Code.SECURITY_PROFILE_MISSING
    if reason in _MAKE_REASONS and _is_bad_container(message):
        return Code.CONTAINER_CONFIG
    if reason in _START_REASONS:
        return start_code(message)
    # 'no command specified'; and CRI-O prepares the process while it creates the container
    if reason == "CreateContainerError" and start_code(message) is Code.BAD_COMMAND:
        return Code.BAD_COMMAND
    for row in _ROWS:
        if reason in row.reasons and (row.message is None or row.message.search(message)):
            return row.code
    return Code.UNCLASSIFIED


def _is_bad_container(message: str) -> bool:
    _, mark, after = message.partition(_MOUNTING)
    return bool(_BAD_CONTAINER.search(message)) or (bool(mark) and _OVER_A_FILE in after)
