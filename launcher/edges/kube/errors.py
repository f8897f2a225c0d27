"""Map a failed request to our error.

A message that :mod:`launcher.edges.api_words` knows decides, whatever the HTTP status: a webhook chooses any
status, and 403 stands for a missing right, an exhausted quota and a server that has just started. For other
messages the status decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from launcher.core.catalogue.reasons import cure_of
from launcher.core.foreign import line
from launcher.core.redaction import by_shape
from launcher.edges.api_words import API_WORDS
from launcher.edges.failure import find
from launcher.errors import Conflict, Denied, LauncherError, NotFound, Reason, Rejected, Unavailable

__all__ = ["TRANSPORT", "api_status", "translate"]

# What the client raises for a failed request, with an answer of the API server or without.
TRANSPORT = (ApiException, HTTPError, OSError, ConfigException)

# The longest Retry-After that is obeyed; priority and fairness sends 1 s.
_LONGEST_RETRY_AFTER = 30.0
# Messages of urllib3 and of the operating system about the connection.
_TRANSPORT_REASONS: tuple[tuple[re.Pattern[str], Reason], ...] = (
    (re.compile(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed"), Reason.TLS),
    (re.compile(r"Name or service not known|Failed to resolve|NameResolution"), Reason.NO_SUCH_HOST),
    (re.compile(r"Connection refused|unreachable"), Reason.CONNECTION_REFUSED),
    (re.compile(r"timed out"), Reason.NO_ANSWER),
)
# Status of an answer whose message is not in the table -> our error, and the most likely reason.
_BY_STATUS: Mapping[int, tuple[type[LauncherError], Reason | None]] = {
    400: (Rejected, Reason.INVALID_SPEC),
    401: (Denied, Reason.UNAUTHENTICATED),
    403: (Denied, Reason.ACCESS_DENIED),
    404: (NotFound, None),
    409: (Conflict, None),
    422: (Rejected, Reason.INVALID_SPEC),
    429: (Unavailable, Reason.SERVER_BUSY),
    503: (Unavailable, Reason.SERVER_BUSY),
    504: (Unavailable, Reason.SERVER_BUSY),
}


def api_status(error: BaseException) -> int:
    """Return the HTTP status of an API answer, 0 when there was none."""
    return int(error.status or 0) if isinstance(error, ApiException) else 0


def translate(error: BaseException, action: str) -> LauncherError:
    """Return our error for a failed request.

    Args:
        error: one of TRANSPORT.
        action: what was requested, such as "list pods in namespace fl"; never the content of a Secret.
    """
    status = api_status(error)
    if not isinstance(error, ApiException) or status == 0:
        return _transport_error(error, action)
    message = _message(error)
    found = find(API_WORDS, message)
    kind, reason = _BY_STATUS.get(status, (Unavailable, Reason.SERVER_ERROR))
    groups: Mapping[str, str] = {}
    if found is not None:
        kind, reason, groups = found[0].error, found[0].reason, found[1].groupdict()
    cure = "" if reason is None else cure_of(reason, groups)
    if kind is Unavailable:
        full = f"cannot {action}: {status} {message}"
        return Unavailable(full, cure=cure, reason=reason, retry_after=_retry_after(error))
    if reason is Reason.UNAUTHENTICATED:
        message = "the API server does not know who asks"
    return kind(f"cannot {action}: {message}", cure=cure, reason=reason)


def _message(error: ApiException) -> str:
    try:
        body: Any = json.loads(error.body or "{}")
    except (TypeError, ValueError, RecursionError):
        body = {}
    said = body.get("message") if isinstance(body, Mapping) else None
    return line(by_shape(str(said or error.reason or "")))


def _transport_error(error: BaseException, action: str) -> LauncherError:
    text = line(by_shape(" ".join(str(error).split())))
    reason = next(
        (reason for pattern, reason in _TRANSPORT_REASONS if pattern.search(text)), Reason.CONNECTION_LOST
    )
    why = text.rpartition("Caused by ")[2] or text
    return Unavailable(f"cannot {action}: {why[:300]}", cure=cure_of(reason), reason=reason)


def _retry_after(error: ApiException) -> float:
    seconds = str((error.headers or {}).get("Retry-After", ""))
    # API servers never send the other form of the header, a date.
    return min(float(seconds), _LONGEST_RETRY_AFTER) if seconds.isdecimal() else 0.0
