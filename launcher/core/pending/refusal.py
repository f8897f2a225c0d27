"""Why a release could not be created: our error -> code of the catalogue, and whether it may heal.

A quota that is exhausted, a webhook that restarts and an API server that changes its leader heal by
themselves (Tekton and Argo requeue them, FLARE's own launcher fails); what the API server has looked at and
refused does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from launcher.core.catalogue import CATALOGUE, Code, Limit
from launcher.errors import Conflict, Denied, InvalidInput, LauncherError, LaunchFailed, Unavailable

__all__ = ["Refusal", "refusal_of"]

# LauncherError.reason -> code: the words of the tables in edges/helm.
_BY_REASON: Mapping[str, Code] = {
    "QuotaExceeded": Code.QUOTA_EXCEEDED,
    "QuotaBusy": Code.QUOTA_BUSY,
    "WebhookFailed": Code.WEBHOOK_FAILED,
    "NamespaceMissing": Code.NAMESPACE_MISSING,
    "NamespaceTerminating": Code.NAMESPACE_TERMINATING,
    "PodSecurity": Code.ADMISSION_DENIED,
    "WebhookDenied": Code.ADMISSION_DENIED,
    "PolicyDenied": Code.ADMISSION_DENIED,
    "QuotaNeedsMore": Code.ADMISSION_DENIED,
    "PriorityClassMissing": Code.ADMISSION_DENIED,
    "ServiceAccountMissing": Code.ADMISSION_DENIED,
    "RuntimeClassMissing": Code.ADMISSION_DENIED,
    "SecurityContextConstraint": Code.ADMISSION_DENIED,
    "Refused": Code.ADMISSION_DENIED,
    "LimitRange": Code.LIMIT_RANGE,
    "InvalidSpec": Code.INVALID_SPEC,
    "UnknownField": Code.INVALID_SPEC,
    "ReleaseTooBig": Code.INVALID_SPEC,
}
_BY_TYPE: tuple[tuple[type[LauncherError], Code], ...] = (
    (Unavailable, Code.API_UNAVAILABLE),
    (Denied, Code.FORBIDDEN),
    (Conflict, Code.NAME_CONFLICT),
    (InvalidInput, Code.INVALID_SPEC),
    (LauncherError, Code.CREATE_FAILED),
)


@dataclass(frozen=True)
class Refusal:
    """One refusal to create a job's release.

    Attributes:
        code: why, as a code of the catalogue.
        detail: what the API server or Helm said.
    """

    code: Code
    detail: str

    @property
    def may_heal(self) -> bool:
        """True when trying again can succeed without any change to the job."""
        return CATALOGUE[self.code].limit is not Limit.NOW


def refusal_of(error: LauncherError) -> Refusal:
    """Return what an error of the install says about the job."""
    failure = error.because if isinstance(error, LaunchFailed) else error
    by_type = next(code for kind, code in _BY_TYPE if isinstance(failure, kind))
    return Refusal(_BY_REASON.get(failure.reason, by_type), error.message)
