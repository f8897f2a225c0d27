"""The table: every text of helm that we know, with our error for it.

Order matters where one text contains another: a webhook that cannot be reached says "connection refused"
too, a full quota and a missing right both say "is forbidden", and a release that is too big "is invalid".
"""

from __future__ import annotations

from launcher.edges.helm.failures.admission import ADMISSION
from launcher.edges.helm.failures.cluster import CLUSTER
from launcher.edges.helm.failures.helm import HELM
from launcher.edges.helm.failures.names import NAMES
from launcher.edges.helm.failures.row import Failure, row
from launcher.errors import Denied, Rejected

__all__ = ["FAILURES", "Failure"]

_REST = (
    # 403 is one answer for two things: a right that is missing, which names a User, and the word of an
    # admission plugin, of which a cluster may have ones that nobody here knows.
    row(
        "Refused",
        Rejected,
        r'is forbidden: (?!User ")(?P<why>.*)',
        'pods "p1" is forbidden: container main with envVar WORD referencing secret.secretName="other" is '
        "not allowed because service account default does not reference that secret",
        "an admission rule of the cluster refuses an object: {why}",
        "change the job or the site's values so that the rule is met, or ask the cluster's administrator",
    ),
    row(
        "Forbidden",
        Denied,
        r'forbidden: User "(?P<user>[^"]+)" (?P<why>.*)',
        'forbidden: User "system:anonymous" cannot get path "/version"',
        "user {user!r} {why}",
        "log in, or have a Role with that right bound to the user",
        seen="source",
    ),
)

FAILURES: tuple[Failure, ...] = (*ADMISSION, *NAMES, *CLUSTER, *HELM, *_REST)
