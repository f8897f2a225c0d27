"""What the status of a Helm release means: one table. It says what Helm did, never how the job is.

The release of a job is installed once and then uninstalled, never upgraded. A helm process that is killed
leaves it in ``pending-install``, which blocks the name until somebody cleans up. An install takes a second,
so one that is a minute old is abandoned.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from launcher.core.views import ReleaseView, age_seconds

__all__ = ["INSTALLING", "INSTALL_MAY_LAST", "ReleaseState", "StorageDriver", "release_state"]

INSTALL_MAY_LAST = 60.0
# Helm's status of a release whose install has not ended, or was killed.
INSTALLING = "pending-install"

# Where Helm keeps the records of its releases (HELM_DRIVER). Not offered: `memory` is lost with the process,
# and `sql` needs a database.
StorageDriver = Literal["secret", "configmap"]


class ReleaseState(str, enum.Enum):
    """State of a release; the value is the sentence that `fljob status` shows."""

    ABSENT = "there is no release"
    INSTALLING = "another process is installing it"
    ABANDONED = "whoever was installing it is gone"
    INSTALLED = "Helm has accepted its objects"
    FAILED = "Helm could not create its objects, or did not hear that it had"
    UNINSTALLING = "it is being removed, or its removal was interrupted"
    TAMPERED = "somebody upgraded or rolled it back, which the launcher never does"

    @property
    def is_busy(self) -> bool:
        """True while another process may be installing it."""
        return self is ReleaseState.INSTALLING


# Helm's statuses (pkg/release/common/status.go); uninstall works from every one of them.
_BY_STATUS: Mapping[str, ReleaseState] = {
    "deployed": ReleaseState.INSTALLED,
    "failed": ReleaseState.FAILED,
    "uninstalling": ReleaseState.UNINSTALLING,
    "uninstalled": ReleaseState.UNINSTALLING,
    "pending-upgrade": ReleaseState.TAMPERED,
    "pending-rollback": ReleaseState.TAMPERED,
    "superseded": ReleaseState.TAMPERED,
}


def release_state(view: ReleaseView | None, now: datetime) -> ReleaseState:
    """Return the state of a release; an unknown status, of a later Helm, counts as installed.

    Args:
        view: the release, None when there is none.
        now: the API server's time; ``view.updated`` of a release that is being installed is, too.
    """
    if view is None:
        return ReleaseState.ABSENT
    if view.status == INSTALLING:
        young = age_seconds(view.updated, now) < INSTALL_MAY_LAST
        return ReleaseState.INSTALLING if young else ReleaseState.ABANDONED
    if view.revision > 1:
        return ReleaseState.TAMPERED
    return _BY_STATUS.get(view.status, ReleaseState.INSTALLED)
