"""What the edges count: the verbs and results of helm and of the API server, as closed sets.

Whoever counts is handed in at composition; without one nothing is counted.
"""

from __future__ import annotations

import enum
from typing import Protocol

__all__ = ["ApiResult", "ApiVerb", "HelmResult", "HelmVerb", "Instruments", "NoInstruments", "Watched"]

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _GONE, _THROTTLED = 401, 403, 404, 409, 410, 429
_OK, _REFUSED, _SERVER = 200, 300, 500


class HelmVerb(str, enum.Enum):
    """What helm is run for against a cluster; ``get`` is ``helm get manifest``."""

    INSTALL = "install"
    UNINSTALL = "uninstall"
    STATUS = "status"
    LIST = "list"
    GET = "get"
    OTHER = "other"

    @classmethod
    def of(cls, word: str) -> HelmVerb:
        """Return the verb of the first word of a command line."""
        return next((verb for verb in cls if verb.value == word), cls.OTHER)


class HelmResult(str, enum.Enum):
    """How a run of helm ended."""

    OK = "ok"
    ABSENT = "absent"  # there is no such release, which is an answer
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


class ApiVerb(str, enum.Enum):
    """A request to the API server: the method of HTTP; a GET that lasts is a watch."""

    GET = "get"
    WATCH = "watch"
    POST = "post"
    PUT = "put"
    PATCH = "patch"
    DELETE = "delete"
    OTHER = "other"

    @classmethod
    def of(cls, method: str, target: str) -> ApiVerb:
        """Return the verb of a method of HTTP and a path with its query."""
        if "watch=true" in target.partition("?")[2].split("&"):
            return cls.WATCH
        return next((verb for verb in cls if verb.value == method.lower()), cls.OTHER)


class ApiResult(str, enum.Enum):
    """How the API server answered; what it says beyond that is in the log."""

    OK = "ok"
    DENIED = "denied"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    THROTTLED = "throttled"
    REFUSED = "refused"
    SERVER_ERROR = "server_error"
    NO_ANSWER = "no_answer"

    @classmethod
    def of(cls, status: int | None) -> ApiResult:
        """Return the result of a status of HTTP; None = there was no answer."""
        if status is None or status < _OK:
            return cls.NO_ANSWER
        if status in _RESULTS:
            return _RESULTS[status]
        if status >= _SERVER:
            return cls.SERVER_ERROR
        return cls.REFUSED if status >= _REFUSED else cls.OK


_RESULTS = {
    _UNAUTHORIZED: ApiResult.DENIED,
    _FORBIDDEN: ApiResult.DENIED,
    _NOT_FOUND: ApiResult.NOT_FOUND,
    _CONFLICT: ApiResult.CONFLICT,
    _GONE: ApiResult.GONE,
    _THROTTLED: ApiResult.THROTTLED,
}


class Watched(str, enum.Enum):
    """The kinds of objects of which a namespace has a watch."""

    PODS = "pods"
    EVENTS = "events"


class Instruments(Protocol):
    """What the edges tell of themselves. No method may raise, nor take long."""

    def helm_ran(self, verb: HelmVerb, result: HelmResult, queued: float, lasted: float) -> None:
        """Count a run of helm: seconds that it waited for its turn, and seconds that it lasted."""

    def api_asked(self, verb: ApiVerb, result: ApiResult) -> None:
        """Count a request to the API server."""

    def watch_broke(self, kind: Watched) -> None:
        """Count a list or watch that failed, after which the namespace is listed again."""


class NoInstruments:
    """The instruments of whoever counts nothing."""

    def helm_ran(self, verb: HelmVerb, result: HelmResult, queued: float, lasted: float) -> None:
        """Count nothing."""

    def api_asked(self, verb: ApiVerb, result: ApiResult) -> None:
        """Count nothing."""

    def watch_broke(self, kind: Watched) -> None:
        """Count nothing."""
