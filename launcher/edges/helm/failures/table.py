"""The table of all messages of helm, with our error for each.

Order matters where one text contains another: helm prints the message of the API server inside its own, the
message about a webhook that cannot be reached contains "connection refused", too, and a release that is too
big "is invalid".
"""

from __future__ import annotations

from launcher.edges.api_words import GENERAL, SPECIFIC
from launcher.edges.failure import Failure
from launcher.edges.helm.failures.connection import CONNECTION
from launcher.edges.helm.failures.helm import HELM
from launcher.edges.helm.failures.names import NAMES

__all__ = ["FAILURES"]

FAILURES: tuple[Failure, ...] = (*SPECIFIC, *NAMES, *CONNECTION, *HELM, *GENERAL)
