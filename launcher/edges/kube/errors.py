"""What the API server and the way to it answer -> our errors: one table of status codes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from launcher.errors import Conflict, Denied, LauncherError, NotFound, Rejected, Unavailable

__all__ = ["TRANSPORT", "api_status", "translate"]

# Everything a request can die of before the API server has answered.
TRANSPORT = (ApiException, HTTPError, OSError, ConfigException)

# 'pods is forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "fl"'
_FORBIDDEN = re.compile(r'cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)"')
# How long a server may send us away (Retry-After); priority and fairness says 1 s.
_LONGEST_ASKED = 30.0
_TRANSPORT_CURES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed"),
        "check certificate-authority-data in the kubeconfig",
    ),
    (
        re.compile(r"Name or service not known|Failed to resolve|NameResolution"),
        "check the server's name in the kubeconfig",
    ),
    (
        re.compile(r"Connection refused|timed out|unreachable"),
        "check that the cluster runs and the kubeconfig names its address",
    ),
)


# What the API server says about causes that are no missing right and no bad object, whatever status it chose:
# (pattern, reason, our error). The words are those of edges/helm's rows, which read the same from helm.
_BY_WORDS: tuple[tuple[re.Pattern[str], str, type[LauncherError]], ...] = (
    # 'secrets "x" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=5, limited: secrets=5'
    (re.compile(r"exceeded quota"), "QuotaExceeded", Rejected),
    (re.compile(r"Operation cannot be fulfilled on resourcequotas"), "QuotaBusy", Unavailable),
    # 'secrets "x" is forbidden: status unknown for quota: q, resources: secrets', 403 and 500
    (
        re.compile(r"status unknown for quota|resource quota evaluat(?:ion timed out|es timeout)"),
        "QuotaBusy",
        Unavailable,
    ),
    # 'unable to create new content in namespace fl because it is being terminated'
    (re.compile(r"because it is being terminated"), "NamespaceTerminating", Rejected),
    (re.compile(r"failed calling webhook"), "WebhookFailed", Rejected),
    (re.compile(r'^namespaces "[^"]+" not found'), "NamespaceMissing", NotFound),
    # 403 of an API server that has just started: its admission plugins do not know the cluster yet
    (
        re.compile(r"is forbidden: (?:not yet ready to handle request|unable to \S+ \S+ at this time)"),
        "ServerBusy",
        Unavailable,
    ),
    (re.compile(r'admission webhook "[^"]+" denied the request'), "WebhookDenied", Rejected),
    (re.compile(r"ValidatingAdmissionPolicy '[^']+' .*denied request", re.DOTALL), "PolicyDenied", Rejected),
    # 'secrets "x" is forbidden: ...' of any other admission plugin; a missing right says 'User "x" cannot'
    (re.compile(r'is forbidden: (?!User ")'), "Refused", Rejected),
)


def api_status(error: BaseException) -> int:
    """Return the HTTP status of an API answer, 0 when there was none."""
    return int(error.status or 0) if isinstance(error, ApiException) else 0


def _message(error: ApiException) -> str:
    try:
        body: Any = json.loads(error.body or "{}")
    except (TypeError, ValueError):
        return str(error.reason or "")
    return str(body.get("message") or error.reason) if isinstance(body, Mapping) else str(error.reason)


def _of_transport(error: BaseException, asked: str) -> LauncherError:
    text = " ".join(str(error).split())
    cure = next((cure for pattern, cure in _TRANSPORT_CURES if pattern.search(text)), "try again later")
    reason = text.rpartition("Caused by ")[2] or text
    return Unavailable(f"cannot {asked}: {reason[:300]}", cure=cure)


def _named(kind: type[LauncherError], reason: str, message: str) -> LauncherError:
    return Rejected(message, code=reason) if kind is Rejected else kind(message, reason=reason)


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
    for pattern, reason, kind in _BY_WORDS:
        if pattern.search(message):
            return _named(kind, reason, f"cannot {asked}: {message}")
    found = _FORBIDDEN.search(message)
    right = f"{found['verb']} {found['resource']}" if found else asked
    answers: Mapping[int, LauncherError] = {
        400: Rejected(f"cannot {asked}: {message}", code="InvalidSpec"),
        401: Denied(
            f"cannot {asked}: the API server does not know who asks",
            cure="renew the credentials in the kubeconfig",
        ),
        403: Denied(f"cannot {asked}: {message}", cure=f"grant the right to {right} (RBAC)"),
        404: NotFound(f"cannot {asked}: {message}"),
        409: Conflict(f"cannot {asked}: {message}"),
        422: Rejected(f"cannot {asked}: {message}", code="InvalidSpec"),
    }
    return answers.get(status) or _busy(error, f"cannot {asked}: {status} {message}")


def _busy(error: ApiException, message: str) -> Unavailable:
    asked = str((error.headers or {}).get("Retry-After", ""))
    # The other form of the header, a date, is none that an API server sends.
    seconds = min(float(asked), _LONGEST_ASKED) if asked.isdecimal() else 0.0
    return Unavailable(message, cure="try again later", retry_after=seconds)
