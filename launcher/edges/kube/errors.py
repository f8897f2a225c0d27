"""Map a failed request to our error.

A message that :mod:`launcher.edges.api_words` knows decides, whatever the HTTP status: a webhook chooses any
status, and 403 stands for a missing right, an exhausted quota and a server that has just started. For other
messages the status decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected
from typing import Any, TypeVar

from urllib3.exceptions import HTTPError

from launcher.core import foreign
from launcher.core.catalogue.reasons import cure_of
from launcher.core.views import Seen
from launcher.edges.api_words import API_WORDS
from launcher.edges.failure import find
from launcher.edges.kube.library import ApiException
from launcher.errors import Conflict, Denied, LauncherError, NotFound, Reason, Rejected, Unavailable

__all__ = ["TRANSPORT", "api_status", "looked", "translate"]

T = TypeVar("T")

# What the client raises for a failed request, with an answer of the API server or without.
TRANSPORT = (ApiException, HTTPError, OSError)

# The longest Retry-After that is obeyed; priority and fairness sends 1 s.
_LONGEST_RETRY_AFTER = 30.0
_LONGEST = 300  # of what urllib3 says, which repeats the URL
# "list pods in namespace fl", "get pod fl/p1"
_NAMESPACE = re.compile(r"\bnamespace (?P<ours>[a-z0-9-]{1,63})$|\b(?P<its>[a-z0-9-]{1,63})/")
# "HTTPSConnectionPool(host='10.0.0.1', port=6443): Read timed out."
_POOL = re.compile(r"HTTPS?Connection(?:Pool)?\(host='(?P<host>[^']{0,253})', port=(?P<port>\d{1,5})\): ")
# '10.0.0.1:6443: Failed to establish a new connection: [Errno 111] Connection refused': as of helm's half.
_NOBODY = re.compile(
    r"(?P<at>\S{1,260}:\d{1,5}): Failed to establish a new connection: "
    r"\[Errno \d{1,4}\] (?P<why>[A-Za-z ]{1,60})"
)
# What the server says of ours: '[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required'
_REFUSED_LOGIN = re.compile(r"ALERT_(?:CERTIFICATE_|BAD_CERTIFICATE|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE)")
# Messages of urllib3 and of the operating system about the connection.
_TRANSPORT_REASONS: tuple[tuple[re.Pattern[str], Reason], ...] = (
    # ProxyError('Unable to connect to proxy', OSError('Tunnel connection failed: 407 Proxy ...')); whatever
    # else it says is about the proxy, too.
    (re.compile(r"Unable to connect to proxy|Tunnel connection failed"), Reason.PROXY),
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
    407: (Unavailable, Reason.PROXY),
    409: (Conflict, None),
    422: (Rejected, Reason.INVALID_SPEC),
    429: (Unavailable, Reason.SERVER_BUSY),
    503: (Unavailable, Reason.SERVER_BUSY),
    504: (Unavailable, Reason.SERVER_BUSY),
}


def api_status(error: BaseException | None) -> int:
    """Return the HTTP status of an API answer, 0 when there was none."""
    return int(error.status or 0) if isinstance(error, ApiException) else 0


def translate(error: BaseException, action: str, kubeconfig: str = "", login: str = "") -> LauncherError:
    """Return our error for a failed request.

    Args:
        error: one of TRANSPORT.
        action: what was requested, such as "list pods in namespace fl"; never the content of a Secret.
        kubeconfig: the file for the cure; empty = the default ones.
        login: the credentials that were sent, in words.
    """
    status = api_status(error)
    if not isinstance(error, ApiException) or status == 0:
        return _transport_error(error, action, kubeconfig, login)
    message = _message(error)
    found = find(API_WORDS, message)
    kind, reason = _BY_STATUS.get(status, (Unavailable, Reason.SERVER_ERROR))
    groups: Mapping[str, str] = {}
    if found is not None:
        kind, reason, groups = found[0].error, found[0].reason, found[1]
    cure = "" if reason is None else _cure(reason, groups, action, kubeconfig)
    if kind is Unavailable:
        full = f"cannot {action}: {status} {message}"
        return Unavailable(full, cure=cure, reason=reason, retry_after=_retry_after(error))
    if reason is Reason.UNAUTHENTICATED:
        message = f"the API server does not accept {login or 'the credentials'}"
    if reason is Reason.NOT_LOGGED_IN:
        message = f"nobody is logged in, the context has no credentials: {message}"
    return kind(f"cannot {action}: {message}", cure=cure, reason=reason)


def _cure(reason: Reason, words: Mapping[str, str], action: str, kubeconfig: str) -> str:
    """Return the cure with the names of this request where the message itself has none."""
    named = _NAMESPACE.search(action)
    known = {
        "kubeconfig": kubeconfig or "KUBECONFIG or ~/.kube/config",
        "namespace": (named["ours"] or named["its"]) if named else "",
        **{key: word for key, word in words.items() if word},
    }
    cure = cure_of(reason, known)
    if known["namespace"] or "auth can-i" not in cure:
        return cure
    return cure.replace(" --namespace NAMESPACE", "")  # "nodes is forbidden: ... at the cluster scope"


def _message(error: ApiException) -> str:
    try:
        body: Any = json.loads(error.body or "{}")
    except (TypeError, ValueError, RecursionError):
        body = {}
    said = body.get("message") if isinstance(body, Mapping) else None
    return foreign.said(str(said or error.reason or ""))


def _transport_error(error: BaseException, action: str, kubeconfig: str, login: str) -> LauncherError:
    text = foreign.said(_sentence(error), _LONGEST)
    if _REFUSED_LOGIN.search(text):
        reason = Reason.UNAUTHENTICATED
        why = f"the API server does not accept {login or 'the credentials'}: {text}"
        return Denied(f"cannot {action}: {why}", cure=_cure(reason, {}, action, kubeconfig), reason=reason)
    reason = next(
        (reason for pattern, reason in _TRANSPORT_REASONS if pattern.search(text)), Reason.CONNECTION_LOST
    )
    text = _NOBODY.sub(lambda found: f"nothing answers at {found['at']}: {found['why'].lower()}", text)
    return Unavailable(f"cannot {action}: {text}", cure=_cure(reason, {}, action, kubeconfig), reason=reason)


def _sentence(error: BaseException) -> str:
    """Return what urllib3 says without the names of its classes, and of an answer that is no HTTP not a word.

    ('Connection aborted.', BadStatusLine('<html>...')), ('Unable to connect to proxy',
    NewConnectionError("HTTPSConnection(host='10.0.0.9', port=3128): Failed to establish ..."))
    """
    cause = getattr(error, "reason", None)
    if isinstance(cause, BaseException):  # of MaxRetryError
        return _sentence(cause)
    if isinstance(error, ApiException):
        # Of trouble with TLS the client makes one: 'SSLError\n[SSL: UNEXPECTED_EOF_WHILE_READING] ...'
        return str(cause).partition("\n")[2] or str(cause)
    if isinstance(error, BadStatusLine) and not isinstance(error, RemoteDisconnected):
        return "the answer is no HTTP"
    if isinstance(error, IncompleteRead):
        return "the answer broke off"
    first, *rest = error.args or ("",)
    if isinstance(error, HTTPError) and rest and isinstance(rest[0], BaseException):
        return f"{str(first).partition(':')[0].rstrip('.')}: {_sentence(rest[0])}"
    return _POOL.sub(r"\g<host>:\g<port>: ", str(error))


def _retry_after(error: ApiException) -> float:
    seconds = str((error.headers or {}).get("Retry-After", ""))
    # API servers never send the other form of the header, a date.
    return min(float(seconds), _LONGEST_RETRY_AFTER) if seconds.isdecimal() else 0.0


def looked(read: Callable[[], T]) -> Seen[T]:
    """Return what ``read`` returns: "not there" is an answer, "could not ask" another one.

    Raises:
        Denied: a right is missing, and asking again cannot help.
    """
    try:
        return Seen.found(read())
    except NotFound:
        return Seen.absent()
    except Denied:
        raise
    except LauncherError as error:
        return Seen.unavailable(error.message, error.cure)
