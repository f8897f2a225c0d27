"""The codes of all causes and ends of a job, and the type of their rows."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from launcher.core.catalogue.returncodes import ReturnCode

__all__ = ["DESCRIBE_POD", "Code", "Entry", "Limit", "StrictRule"]

# The cure of causes whose message of Kubernetes says it all.
DESCRIBE_POD = "read the detail; `kubectl describe pod` shows the same"


class Limit(str, enum.Enum):
    """Which clock bounds a cause; each but NOW and NEVER is a setting of the site."""

    NOW = "now"  # permanent: fails immediately
    RESOURCES = "pending_timeout"  # FLARE's setting with FLARE's meaning: null = forever, 0 = not at all
    HEAL = "heal"
    BIND = "bind"
    PULL = "pull"
    PULL_PERMANENT = "pull_permanent"
    CONFIG = "config"
    CREATE = "create"
    DETACH = "detach"
    START = "start"
    QUEUE = "queue"
    IMPOSSIBLE = "impossible"
    SCALE_UP = "scale_up"
    NO_SCALE_UP = "no_scale_up"
    VICTIMS = "victims"
    API = "api"
    NEVER = "never"  # not a pending cause

    @property
    def clock(self) -> str:
        """The setting of ``fljob.yaml`` that holds the length, empty for NOW and NEVER."""
        if self in (Limit.NOW, Limit.NEVER):
            return ""
        return self.value if self is Limit.RESOURCES else f"timeouts.{self.value}"


class StrictRule(str, enum.Enum):
    """What FLARE 2.9.0's own launcher does about a pending cause, for the reference page.

    The rules of policy ``strict`` are finer than one per code: :mod:`launcher.core.lifecycle.strict`.
    """

    FAIL = "fail"
    RESOURCES = "wait for resources"
    WAIT = "wait"


class Code(str, enum.Enum):
    """Why a pod does not start, or how a job ended."""

    # refused at creation
    QUOTA_EXCEEDED = "QuotaExceeded"
    QUOTA_BUSY = "QuotaBusy"
    QUOTA_TOO_SMALL = "QuotaTooSmall"
    WEBHOOK_FAILED = "WebhookFailed"
    API_UNAVAILABLE = "ApiUnavailable"
    NAMESPACE_MISSING = "NamespaceMissing"
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    ADMISSION_DENIED = "AdmissionDenied"
    LIMIT_RANGE = "LimitRange"
    INVALID_SPEC = "InvalidSpec"
    SITE_INVALID = "SiteInvalid"
    CHART_UNAVAILABLE = "ChartUnavailable"
    FORBIDDEN = "Forbidden"
    NAME_CONFLICT = "NameConflict"
    CREATE_FAILED = "CreateFailed"
    # not scheduled
    INSUFFICIENT_RESOURCES = "InsufficientResources"
    NODES_TOO_SMALL = "NodesTooSmall"
    IMPOSSIBLE_REQUEST = "ImpossibleRequest"
    SCALING_UP = "ScalingUp"
    SCALE_UP_REFUSED = "ScaleUpRefused"
    NOMINATED = "Nominated"
    POD_CONSTRAINT = "PodConstraint"
    DEVICES_UNAVAILABLE = "DevicesUnavailable"
    VOLUME_IN_USE = "VolumeInUse"
    GANG_INCOMPLETE = "GangIncomplete"
    VOLUME_UNBOUND = "VolumeUnbound"
    RESOURCE_CLAIM_PENDING = "ResourceClaimPending"
    DRIVER_MISSING = "DriverMissing"
    NODE_NOT_READY = "NodeNotReady"
    PVC_MISSING = "PvcMissing"
    RESOURCE_CLAIM_MISSING = "ResourceClaimMissing"
    FEATURE_MISSING = "FeatureMissing"
    VOLUME_ZONE_CONFLICT = "VolumeZoneConflict"
    NO_MATCHING_NODE = "NoMatchingNode"
    TAINT_NOT_TOLERATED = "TaintNotTolerated"
    UNSCHEDULABLE = "Unschedulable"
    SCHEDULING_GATED = "SchedulingGated"
    BINDING = "Binding"
    SCHEDULER_ERROR = "SchedulerError"
    NO_SCHEDULER = "NoScheduler"
    UNKNOWN_PHASE = "UnknownPhase"
    # scheduled, not running
    CREATING = "Creating"
    PULLING = "Pulling"
    INITIALIZING = "Initializing"
    IMAGE_PULL_TRANSIENT = "ImagePullTransient"
    IMAGE_NOT_FOUND = "ImageNotFound"
    IMAGE_AUTH = "ImageAuth"
    IMAGE_PULL_SECRET_MISSING = "ImagePullSecretMissing"  # noqa: S105 - the name of a code
    IMAGE_PLATFORM = "ImagePlatform"
    IMAGE_NEVER_PULL = "ImageNeverPull"
    IMAGE_NAME_INVALID = "ImageNameInvalid"
    IMAGE_INSPECT = "ImageInspect"
    IMAGE_SIGNATURE = "ImageSignature"
    MISSING_REF = "MissingRef"
    SUB_PATH = "SubPath"
    CONTAINER_CONFIG = "ContainerConfig"
    CONFIG_TRANSIENT = "ConfigTransient"
    CREATE_TRANSIENT = "CreateTransient"
    BAD_COMMAND = "BadCommand"
    RUNTIME_ERROR = "RuntimeError"
    CRASH_LOOP = "CrashLoop"
    SANDBOX = "Sandbox"
    SANDBOX_CONFIG = "SandboxConfig"
    SECURITY_PROFILE_MISSING = "SecurityProfileMissing"
    DEVICES_NOT_READY = "DevicesNotReady"
    NETWORK_NOT_READY = "NetworkNotReady"
    POST_START_HOOK = "PostStartHook"
    MOUNT = "Mount"
    VOLUME_CONFIG = "VolumeConfig"
    VOLUME_BUSY = "VolumeBusy"
    UNCLASSIFIED = "Unclassified"
    # a clock over all causes
    START_TIMEOUT = "StartTimeout"
    LAUNCH_TIMEOUT = "LaunchTimeout"
    # ends
    SUCCESS = "Success"
    APP_ERROR = "AppError"
    APP_CODE = "AppCode"
    OOM_KILLED = "OOMKilled"
    KILLED = "Killed"
    PROBE_FAILED = "ProbeFailed"
    SIDECAR_OOM = "SidecarOOM"
    INIT_OOM = "InitOOM"
    INIT_FAILED = "InitFailed"
    EVICTED = "Evicted"
    STORAGE_LIMIT = "StorageLimit"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    NODE_SHUTDOWN = "NodeShutdown"
    ADMISSION = "Admission"
    NODE_REJECTED = "NodeRejected"
    DEVICE_TAINTED = "DeviceTainted"
    PREEMPTED = "Preempted"
    QUEUE_PREEMPTED = "QueuePreempted"
    DRAINED = "Drained"
    NODE_LOST = "NodeLost"
    DELETED_EXTERNALLY = "DeletedExternally"
    RELEASE_UNINSTALLED = "ReleaseUninstalled"
    POD_FAILED = "PodFailed"
    TERMINATED = "Terminated"


@dataclass(frozen=True)
class Entry:
    """Facts about one code.

    Attributes:
        summary: one sentence, without the details of the case.
        cure: what a person can do about it.
        return_code: what FLARE's parent gets when the job ends with this code.
        limit: clock of the ``graceful`` policy.
        strict: what FLARE's own launcher does; None where the code is not a pending cause.
        relaunchable: whether running the same job again can succeed without any change.
        ran_out: the setting whose time ran out, for a code that is a timeout; empty for a cause.
        returns_own: whether the job process chooses the return code; ``return_code`` is then one of several.
    """

    summary: str
    cure: str
    return_code: ReturnCode
    limit: Limit = Limit.NEVER
    strict: StrictRule | None = None
    relaunchable: bool = False
    ran_out: str = ""
    returns_own: bool = False
