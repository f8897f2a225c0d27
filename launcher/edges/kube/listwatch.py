"""List once, then watch: the loop behind every shared snapshot.

It lists again on 410 Gone, on a broken stream whose resource version is unknown, and after every error, with
growing pauses. The API server is told to end each watch after ``_WATCH`` seconds (ten requests a minute, no
data). A stream that is silent for longer is dead, and the read timeout ends it: whatever breaks, the snapshot
is complete again ten seconds after the API server is back.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from launcher.core.redaction import by_shape
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.errors import TRANSPORT, translate
from launcher.errors import Denied, LauncherError, Unavailable
from launcher.logs import logger

__all__ = ["ListWatch"]

_LOG = logger(__name__)
_WATCH = 6
_SILENCE = 2.0
_CONNECT = 3.0
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 4.0
# The longest Retry-After that is obeyed: no handle sees its pod meanwhile.
_LONGEST_RETRY_AFTER = 8.0
# A missing right is seldom granted within seconds.
_DENIED_DELAY = 30.0
# A snapshot older than this is stale: a live watch is renewed more often.
_STALE = 3 * (_WATCH + _SILENCE)
_FIRST_LIST_WITHIN = 10.0
_STOP_EVERY = 0.05


class _Gone(Exception):
    """The resource version is too old (410): list again."""


def _retry_delay(error: LauncherError) -> float:
    if isinstance(error, Denied):
        return _DENIED_DELAY
    return min(error.retry_after, _LONGEST_RETRY_AFTER) if isinstance(error, Unavailable) else 0.0


class ListWatch:
    """A thread that keeps a snapshot of one kind of object in one namespace.

    Args:
        client: sends the requests.
        method: the client's method that lists the kind in a namespace.
        kind: the kind in plural, for errors, such as ``pods``.
        namespace: of the objects.
        selector: label or field selector of the list.
        idle_after: seconds without a reader after which the thread ends; later readers need a new one.
    """

    def __init__(
        self,
        client: KubeClient,
        method: Callable[..., Any],
        kind: str,
        namespace: str,
        selector: Mapping[str, str],
        *,
        idle_after: float,
    ) -> None:
        self._client = client
        self._method = method
        self._namespace = namespace
        self._selector = selector
        self._objects = f"{kind} in namespace {namespace}"
        self._idle_after = idle_after
        self._used_at = time.monotonic()
        self._changed = threading.Condition()
        self._version = 0
        self._fresh_at: float | None = None
        self._error: LauncherError = Unavailable(f"the {self._objects} have not been listed yet")
        self._first_attempt = threading.Event()
        self._stopped = threading.Event()
        self._response: Any = None
        name = f"fljob-{kind}-{namespace}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    # ---- implemented by subclasses; called with the lock held ----

    def _replace(self, items: Sequence[Mapping[str, Any]]) -> None:
        raise NotImplementedError

    def _apply(self, change: str, item: Mapping[str, Any]) -> None:
        raise NotImplementedError

    # ---- for readers ----

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def ready(self) -> None:
        """Block until the first list has succeeded or failed, ten seconds at most."""
        self._first_attempt.wait(_FIRST_LIST_WITHIN)

    @property
    def alive(self) -> bool:
        """False once the thread has ended, by :meth:`stop` or because it had no readers."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop the thread and close the connection."""
        self._stopped.set()
        end = time.monotonic() + _CONNECT
        # Repeatedly: the thread may have requested a stream and not have it yet.
        while self._thread.is_alive() and time.monotonic() < end:
            response = self._response
            if response is not None:
                _shut_down(response)
            self._thread.join(_STOP_EVERY)

    def version(self) -> int:
        """Return a number that grows with every change."""
        self._used_at = time.monotonic()
        with self._changed:
            return self._version

    def wait(self, seen: int, timeout: float | None) -> int:
        """Block until ``version() != seen`` or ``timeout`` seconds passed; return the version."""
        self._used_at = time.monotonic()
        with self._changed:
            self._changed.wait_for(lambda: self._version != seen, timeout)
            return self._version

    def _error_if_stale(self) -> LauncherError | None:
        """Return why the snapshot is stale, None when it is fresh; the lock is held."""
        self._used_at = time.monotonic()
        if self._fresh_at is not None and time.monotonic() - self._fresh_at <= _STALE:
            return None
        return self._error

    # ---- the thread ----

    def _run(self) -> None:
        delay = _FIRST_DELAY
        revision = ""
        while not self._stopped.is_set() and not self._is_idle():
            try:
                revision = revision or self._list()
                delay = _FIRST_DELAY
                revision = self._follow(revision)
            except _Gone:
                revision = ""
            except LauncherError as error:
                revision = ""
                self._fail(error)
                self._stopped.wait(max(delay, _retry_delay(error)))
                delay = min(2 * delay, _LONGEST_DELAY)
            except Exception as error:  # noqa: BLE001 - no answer may end the thread
                if self._stopped.is_set():
                    return
                revision = ""
                _LOG.exception("watch %s: unexpected", self._objects)
                self._fail(Unavailable(f"cannot watch {self._objects}: {by_shape(repr(error))}"))
                self._stopped.wait(_LONGEST_DELAY)

    def _is_idle(self) -> bool:
        return time.monotonic() - self._used_at > self._idle_after

    def _fail(self, error: LauncherError) -> None:
        _LOG.warning("%s", error.message)
        with self._changed:
            self._error = error
            self._fresh_at = None  # the objects may have changed since: no decision on them
            self._notify()
        self._first_attempt.set()

    def _notify(self) -> None:
        self._version += 1
        self._changed.notify_all()

    def _list(self) -> str:
        action = f"list {self._objects}"
        items, revision = self._client.list_all(action, self._method, self._namespace, **self._selector)
        with self._changed:
            self._replace(items)
            self._fresh_at = time.monotonic()
            self._notify()
        self._first_attempt.set()
        return revision

    def _follow(self, revision: str) -> str:
        """Watch until the server ends it; return the resource version to continue from."""
        action = f"watch {self._objects}"
        self._response = self._client.stream(
            action,
            self._method,
            self._namespace,
            watch=True,
            allow_watch_bookmarks=True,
            resource_version=revision,
            timeout_seconds=_WATCH,
            _request_timeout=(_CONNECT, _WATCH + _SILENCE),
            **self._selector,
        )
        try:
            self._mark_fresh()
            for change, item in _changes(self._response):
                revision = self._receive(change, item) or revision
                self._mark_fresh()
            self._mark_fresh()
        except TRANSPORT as error:
            if self._stopped.is_set():
                return revision
            raise translate(error, action) from error
        finally:
            _shut_down(self._response)
            self._response = None
        return revision

    def _mark_fresh(self) -> None:
        with self._changed:
            self._fresh_at = time.monotonic()

    def _receive(self, change: str, item: Mapping[str, Any]) -> str:
        if change == "ERROR":
            if item.get("code") == 410:  # noqa: PLR2004
                raise _Gone
            raise Unavailable(f"cannot watch {self._objects}: {item.get('message')}")
        if change in ("ADDED", "MODIFIED", "DELETED"):
            with self._changed:
                self._apply(change, item)
                self._notify()
        metadata = item.get("metadata")
        return str(metadata.get("resourceVersion") or "") if isinstance(metadata, Mapping) else ""


def _changes(response: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    rest = b""
    for chunk in response.read_chunked():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            try:
                change = json.loads(line) if line.strip() else None
            except ValueError:
                raise OSError(f"the watch sent {line[:80]!r}, which is not JSON") from None
            if isinstance(change, Mapping) and isinstance(change.get("object"), Mapping):
                yield str(change.get("type") or ""), change["object"]


def _shut_down(response: Any) -> None:
    """Shut the socket down, then close it: closing alone does not wake a thread that blocks in recv()."""
    connection = getattr(response, "connection", None) or getattr(response, "_connection", None)
    sock = getattr(connection, "sock", None)
    with contextlib.suppress(OSError):
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError, ValueError):
        response.release_conn() if sock is None else sock.close()
