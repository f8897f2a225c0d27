"""The table: every text of helm that we know, with our error for it.

Order matters where one text contains another: a webhook that cannot be reached says "connection refused"
too, a full quota and a missing right both say "is forbidden", and a release that is too big "is invalid".
"""

from __future__ import annotations

from launcher.edges.helm.row import Failure, row
from launcher.edges.helm.rows_admission import ADMISSION
from launcher.edges.helm.rows_cluster import CLUSTER
from launcher.edges.helm.rows_helm import HELM
from launcher.edges.helm.rows_names import NAMES
from launcher.errors import Rejected

__all__ = ["FAILURES", "Failure"]

_REST = (
    row(
        "Refused",
        Rejected,
        r"is forbidden: (?P<why>.*)",
        'pods "p1" is forbidden: a plugin of the cluster objects',
        "the cluster refuses an object: {why}",
        seen="made up",
    ),
)

FAILURES: tuple[Failure, ...] = (*ADMISSION, *NAMES, *CLUSTER, *HELM, *_REST)
