"""Every error a caller can meet, in one tree.

    LauncherError                  anything this package raises on purpose
    ├── InvalidInput               a file, key, option or value the user can correct
    │   └── StudyFormats           study files of both FLARE formats at once
    ├── NotFound                   the named release, pod or namespace is not there
    ├── Conflict                   the job is already running, or its name is taken
    ├── Unavailable                could not ask: the answer is unknown, asking again may help
    │   └── StoodDown              another parent of the site acts: this one changes nothing
    ├── Denied                     the API server refused a verb on a resource (RBAC)
    ├── Rejected                   the cluster or Helm looked at the job and said no
    ├── ToolMissing                a program the launcher needs is not installed
    ├── Cancelled                  the caller stopped the operation
    └── LaunchFailed               any of these, at a point of a launch that its caller has to know
        ├── NotPrepared            before there was anything to install
        └── LeftBehind             and what the launch had made could not be removed again

No class inherits from an error of another library; the original is always chained as
``__cause__``. ``message`` says what is wrong and names the key path or object and the value;
``cure`` says what to do about it. Neither ever contains the content of a Secret. An error is
not changed after it was made: what a caller has to tell apart is a class or a :class:`Reason`.
"""

from __future__ import annotations

import enum

__all__ = [
    "Cancelled",
    "Conflict",
    "Denied",
    "InvalidInput",
    "LaunchFailed",
    "LauncherError",
    "LeftBehind",
    "NotFound",
    "NotPrepared",
    "Reason",
    "Rejected",
    "StoodDown",
    "StudyFormats",
    "ToolMissing",
    "Unavailable",
]


class Reason(str, enum.Enum):
    """What the API server or Helm said, where a sentence of theirs was recognised; finer than the class.

    :mod:`launcher.core.catalogue.reasons` says what each means for a job and what to do about it.
    """

    # the API server: an admission rule
    WEBHOOK_FAILED = "WebhookFailed"
    WEBHOOK_DENIED = "WebhookDenied"
    POLICY_DENIED = "PolicyDenied"
    POLICY_FAILED = "PolicyFailed"
    POD_SECURITY = "PodSecurity"
    QUOTA_EXCEEDED = "QuotaExceeded"
    QUOTA_TOO_SMALL = "QuotaTooSmall"
    QUOTA_UNCOVERED = "QuotaUncovered"
    QUOTA_NEEDS_MORE = "QuotaNeedsMore"
    QUOTA_BUSY = "QuotaBusy"
    LIMIT_RANGE = "LimitRange"
    ABOVE_LIMIT_RANGE = "AboveLimitRange"
    PRIORITY_CLASS_MISSING = "PriorityClassMissing"
    SERVICE_ACCOUNT_MISSING = "ServiceAccountMissing"
    RUNTIME_CLASS_MISSING = "RuntimeClassMissing"
    SECURITY_CONTEXT_CONSTRAINT = "SecurityContextConstraint"
    REFUSED = "Refused"
    # the API server: the namespace, the rights, itself
    NAMESPACE_MISSING = "NamespaceMissing"
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    FORBIDDEN = "Forbidden"
    ACCESS_DENIED = "AccessDenied"
    UNAUTHENTICATED = "Unauthenticated"
    NOT_LOGGED_IN = "NotLoggedIn"
    SERVER_BUSY = "ServerBusy"
    SERVER_ERROR = "ServerError"
    # the API server: the object
    OBJECT_EXISTS = "ObjectExists"
    FIELD_CONFLICT = "FieldConflict"
    INVALID_SPEC = "InvalidSpec"
    UNKNOWN_FIELD = "UnknownField"
    # the way to the API server
    KUBECONFIG_MISSING = "KubeconfigMissing"
    KUBECONFIG_BAD = "KubeconfigBad"
    KUBECONFIG_INVALID = "KubeconfigInvalid"
    CONTEXT_MISSING = "ContextMissing"
    CREDENTIAL_PLUGIN = "CredentialPlugin"
    PROXY = "Proxy"
    TLS = "Tls"
    CONNECTION_REFUSED = "ConnectionRefused"
    NO_SUCH_HOST = "NoSuchHost"
    NO_ANSWER = "NoAnswer"
    CONNECTION_LOST = "ConnectionLost"
    UNREACHABLE = "Unreachable"
    # Helm: names of releases and objects
    RELEASE_MISSING = "ReleaseMissing"
    NAME_IN_USE = "NameInUse"
    OPERATION_IN_PROGRESS = "OperationInProgress"
    OBJECT_OF_ANOTHER = "ObjectOfAnother"
    # Helm: values, chart
    SCHEMA = "Schema"
    VALUES_UNREADABLE = "ValuesUnreadable"
    RELEASE_TOO_BIG = "ReleaseTooBig"
    UNKNOWN_KIND = "UnknownKind"
    CHART_REFUSED = "ChartRefused"
    CHART_TOO_NEW = "ChartTooNew"
    CHART_BROKEN = "ChartBroken"
    CHART_MISSING = "ChartMissing"
    # Helm and cosign: a chart in a registry
    CHART_REGISTRY_AWAY = "ChartRegistryAway"
    CHART_ACCESS_DENIED = "ChartAccessDenied"
    CHART_NOT_IN_REGISTRY = "ChartNotInRegistry"
    CHART_OTHER_BYTES = "ChartOtherBytes"
    CHART_TAG_MOVED = "ChartTagMoved"
    CHART_IS_NONE = "ChartIsNone"
    CHART_UNSIGNED = "ChartUnsigned"
    CHART_SIGNED_BY_ANOTHER = "ChartSignedByAnother"
    CHART_KEY_BAD = "ChartKeyBad"
    CHART_NOT_FETCHED = "ChartNotFetched"
    # Helm: the program itself
    DELETE_FAILED = "DeleteFailed"
    HELM_TOO_OLD = "HelmTooOld"
    HELM_NOT_RUNNABLE = "HelmNotRunnable"
    HELM_FAILED = "HelmFailed"


class LauncherError(Exception):
    """Root of the tree: a sentence for a person, and what that person can do.

    Attributes:
        message: what is wrong, naming the object or key path and the value.
        cure: what to do about it; empty when the message already says so.
        reason: which sentence of the API server or Helm it was; None when it was none, or an unknown one.
    """

    def __init__(self, message: str, *, cure: str = "", reason: Reason | None = None) -> None:
        # Late: who imports the package for its errors gets nothing else.
        from launcher.core import foreign  # noqa: PLC0415

        # Names, values and what other programs said stand in both.
        self.message = foreign.line(message)
        self.cure = foreign.line(cure)
        super().__init__(self.message)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.message}\n  cure: {self.cure}" if self.cure else self.message


class InvalidInput(LauncherError):
    """A file, key, option or value that the user can correct.

    Attributes:
        where: file and key path, such as ``meta.json: launcher_spec['site-1']['k8s']['cpu']``.
    """

    def __init__(
        self, message: str, *, where: str = "", cure: str = "", reason: Reason | None = None
    ) -> None:
        super().__init__(f"{where}: {message}" if where else message, cure=cure, reason=reason)
        self.where = where


class StudyFormats(InvalidInput):
    """A site has study files of both FLARE formats at once."""


class NotFound(LauncherError):
    """The named release, pod or namespace is not there (and the answer is certain)."""


class Conflict(LauncherError):
    """The job is already running, or its name is taken by something that is not ours."""


class Unavailable(LauncherError):
    """The question could not be answered now; nothing is known, asking again may help.

    Attributes:
        retry_after: seconds for which the server asks to be left alone; 0 when it does not say.
    """

    def __init__(
        self, message: str, *, cure: str = "", reason: Reason | None = None, retry_after: float = 0.0
    ) -> None:
        super().__init__(message, cure=cure, reason=reason)
        self.retry_after = retry_after


class StoodDown(Unavailable):
    """Another parent of the same site acts; what is to be done is that one's, or waits until it is gone."""


class Denied(LauncherError):
    """The API server refused a verb on a resource: a right is missing (RBAC)."""


class Rejected(LauncherError):
    """The cluster or Helm looked at the job and refused it."""


class ToolMissing(LauncherError):
    """A program the launcher needs is not installed or has a version that is not supported."""


class Cancelled(LauncherError):
    """The caller stopped the operation; whatever it had created was removed again."""


class LaunchFailed(LauncherError):
    """A launch failed at a point that its caller has to know.

    Attributes:
        because: the failure itself, an error of another class.
    """

    def __init__(self, because: LauncherError, *, message: str = "", cure: str = "") -> None:
        super().__init__(message or because.message, cure=cure or because.cure, reason=because.reason)
        self.because = because


class NotPrepared(LaunchFailed):
    """A Secret of the job could not be made: there was nothing to install yet, and nothing is left."""


class LeftBehind(LaunchFailed):
    """What a launch had made could not be removed again: its release may be there."""
