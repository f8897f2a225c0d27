"""Why a release could not be created: our error -> code of the catalogue, and whether it may heal.

A quota that is exhausted, a webhook that restarts and an API server that changes its leader heal by
themselves (Tekton and Argo requeue them, FLARE's own launcher fails); what the API server has looked at and
refused does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from launcher.core.admission import exceeded
from launcher.core.catalogue import CATALOGUE, Code, Limit
from launcher.core.catalogue.reasons import REASONS
from launcher.core.pending.classify import Cause
from launcher.core.syntax import few_resources
from launcher.errors import (
    Conflict,
    Denied,
    InvalidInput,
    LauncherError,
    LaunchFailed,
    ToolMissing,
    Unavailable,
)

__all__ = ["Refusal", "refusal_of"]

# Where no sentence was recognised: class of the error -> code.
_BY_TYPE: tuple[tuple[type[LauncherError], Code], ...] = (
    (Unavailable, Code.API_UNAVAILABLE),
    (Denied, Code.FORBIDDEN),
    (Conflict, Code.NAME_CONFLICT),
    # A job's own mistakes are found before anything is rendered: these are the site's files and settings.
    (InvalidInput, Code.SITE_INVALID),
    (ToolMissing, Code.SITE_INVALID),
    (LauncherError, Code.CREATE_FAILED),
)


@dataclass(frozen=True)
class Refusal:
    """One refusal to create a job's release.

    Attributes:
        code: why, as a code of the catalogue.
        detail: what the API server or Helm said.
        error: the error that says so.
    """

    code: Code
    detail: str
    error: LauncherError | None = field(default=None, compare=False, repr=False)

    @property
    def resources(self) -> tuple[str, ...]:
        """Names of the few resources of which a quota has too little left; empty for any other refusal."""
        return few_resources(exceeded(self.detail)) if self.code is Code.QUOTA_EXCEEDED else ()

    @property
    def cause(self) -> Cause:
        """Why the pod does not run that it leaves out."""
        return Cause(self.code, self.detail, scheduled=False, resources=self.resources)

    @property
    def may_heal(self) -> bool:
        """True when trying again can succeed without any change to the job."""
        return CATALOGUE[self.code].limit is not Limit.NOW


def refusal_of(error: LauncherError) -> Refusal:
    """Return what an error of the install says about the job."""
    failure = error.because if isinstance(error, LaunchFailed) else error
    if failure.reason is not None:
        return Refusal(REASONS[failure.reason].code, error.message, error)
    return Refusal(next(code for kind, code in _BY_TYPE if isinstance(failure, kind)), error.message, error)
