"""What the API server and the way to it answer -> our errors.

The words decide where :mod:`launcher.edges.api_words` knows them, whatever status the API server chose: a
webhook answers with any, and 403 stands for a missing right, an exhausted quota and a server that has just
started. Else the status does.
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
from launcher.edges.api_words import API_WORDS
from launcher.edges.failure import find
from launcher.errors import Conflict, Denied, LauncherError, NotFound, Reason, Rejected, Unavailable

__all__ = ["TRANSPORT", "api_status", "translate"]

# Everything a request can die of before the API server has answered.
TRANSPORT = (ApiException, HTTPError, OSError, ConfigException)

# How long a server may send us away (Retry-After); priority and fairness says 1 s.
_LONGEST_ASKED = 30.0
# Words of urllib3 and of the operating system about the way to the API server.
_WAY: tuple[tuple[re.Pattern[str], Reason], ...] = (
    (re.compile(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed"), Reason.TLS),
    (re.compile(r"Name or service not known|Failed to resolve|NameResolution"), Reason.NO_SUCH_HOST),
    (re.compile(r"Connection refused|unreachable"), Reason.CONNECTION_REFUSED),
    (re.compile(r"timed out"), Reason.NO_ANSWER),
)
# Status of an answer with words that nobody knows -> our error, and what it most likely says.
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


def translate(error: BaseException, asked: str) -> LauncherError:
    """Return our error for a failed request.

    Args:
        error: one of TRANSPORT.
        asked: what was asked for, such as "list pods in namespace fl"; never the content of a Secret.
    """
    status = api_status(error)
    if not isinstance(error, ApiException) or status == 0:
        return _of_transport(error, asked)
    message = _message(error)
    found = find(API_WORDS, message)
    kind, reason = _BY_STATUS.get(status, (Unavailable, Reason.SERVER_ERROR))
    words: Mapping[str, str] = {}
    if found is not None:
        kind, reason, words = found[0].error, found[0].reason, found[1].groupdict()
    cure = "" if reason is None else cure_of(reason, words)
    if kind is Unavailable:
        said = f"cannot {asked}: {status} {message}"
        return Unavailable(said, cure=cure, reason=reason, retry_after=_retry_after(error))
    if reason is Reason.UNAUTHENTICATED:
        message = "the API server does not know who asks"
    return kind(f"cannot {asked}: {message}", cure=cure, reason=reason)


def _message(error: ApiException) -> str:
    try:
        body: Any = json.loads(error.body or "{}")
    except (TypeError, ValueError):
        return str(error.reason or "")
    return str(body.get("message") or error.reason) if isinstance(body, Mapping) else str(error.reason)


def _of_transport(error: BaseException, asked: str) -> LauncherError:
    text = " ".join(str(error).split())
    reason = next((reason for pattern, reason in _WAY if pattern.search(text)), Reason.CONNECTION_LOST)
    why = text.rpartition("Caused by ")[2] or text
    return Unavailable(f"cannot {asked}: {why[:300]}", cure=cure_of(reason), reason=reason)


def _retry_after(error: ApiException) -> float:
    asked = str((error.headers or {}).get("Retry-After", ""))
    # The other form of the header, a date, is none that an API server sends.
    return min(float(asked), _LONGEST_ASKED) if asked.isdecimal() else 0.0
