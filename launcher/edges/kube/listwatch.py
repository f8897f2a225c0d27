"""List once, then watch: the loop behind every shared snapshot.

It lists again on 410 Gone, on a broken stream whose resource version is unknown, and after every error, with
growing pauses; a server that ends every watch at once is asked with growing pauses, too. The API server is
told to end each watch after ``_WATCH`` seconds (ten requests a minute, no data). A stream that is silent for
longer is dead, and the read timeout ends it: whatever breaks, the snapshot is complete again ten seconds
after the API server is back.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from launcher.core import foreign
from launcher.core.measured import Watched
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.errors import TRANSPORT, api_status, translate
from launcher.edges.kube.lines import lines_in
from launcher.edges.kube.pauses import Pauses
from launcher.edges.kube.untyped import as_map
from launcher.edges.kube.waiters import Waiters
from launcher.errors import Denied, LauncherError, Unavailable
from launcher.logs import logger

__all__ = ["ListWatch", "no_list"]

_LOG = logger(__name__)
_WATCH = 6
_SILENCE = 2.0
_CONNECT = 3.0
# Below _STALE: a server that answers every watch with 410, but lists, is seen as it is.
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 8.0
# A watch that lasted so long was worth its request; what ends sooner again and again is paused for.
_HEALTHY = _WATCH / 2
# The longest Retry-After that is obeyed: no handle sees its pod meanwhile.
_LONGEST_RETRY_AFTER = 8.0
# A missing right is seldom granted within seconds.
_DENIED_DELAY = 30.0
# A snapshot older than this is stale: a live watch is renewed more often.
_STALE = 3 * (_WATCH + _SILENCE)
_FIRST_LIST_WITHIN = 10.0
_STOP_EVERY = 0.05
_GONE = 410


class _Gone(Exception):
    """The resource version is too old (410): list again."""


def _retry_delay(error: LauncherError) -> float:
    if isinstance(error, Denied):
        return _DENIED_DELAY
    return min(error.retry_after, _LONGEST_RETRY_AFTER) if isinstance(error, Unavailable) else 0.0


def no_list(action: str) -> LauncherError:
    """Return the error of a list without a resource version, such as ``{}``: it is not the API server's.

    Whoever stands before the server said it; that nothing is there it does not say.
    """
    return translate(OSError("the answer is no list"), action)


class ListWatch:
    """A thread that keeps a snapshot of one kind of object in one namespace.

    Args:
        client: sends the requests.
        method: the client's method that lists the kind in a namespace.
        kind: which kind that is.
        namespace: of the objects.
        selector: label or field selector of the list.
        idle_after: seconds without a reader after which the thread ends; later readers need a new one.
    """

    def __init__(
        self,
        client: KubeClient,
        method: Callable[..., Any],
        kind: Watched,
        namespace: str,
        selector: Mapping[str, str],
        *,
        idle_after: float,
    ) -> None:
        self._client, self._method = client, method
        self._namespace, self._selector, self._kind = namespace, selector, kind
        self._objects = f"{kind.value} in {f'namespace {namespace}' if namespace else 'all namespaces'}"
        self._idle_after, self._used_at = idle_after, time.monotonic()
        self._changed = threading.Lock()
        self._waiters = Waiters(self._changed)
        self._fresh_at: float | None = None
        self._error: LauncherError = Unavailable(f"the {self._objects} have not been listed yet")
        self._first_attempt = threading.Event()
        self._stopped = threading.Event()
        self._over = False
        self._response: Any = None
        name = f"fljob-{kind.value}-{namespace or 'all'}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    # ---- implemented by subclasses; called with the lock held ----

    def _replace(self, items: Sequence[Mapping[str, Any]]) -> None:
        raise NotImplementedError

    def _apply(self, change: str, item: Mapping[str, Any]) -> str:
        """Return the name of the pod that has changed; empty when none has."""
        raise NotImplementedError

    def _keeps(self, item: Mapping[str, Any]) -> bool:
        """Tell whether a listed object is worth keeping; called without the lock."""
        del item
        return True

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
        return self._thread.is_alive() and not self._over

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

    def version(self, name: str) -> int:
        """Return a number that is another one after every change of the pod, or of the whole snapshot.

        Of an empty name it is so after every change of any pod.
        """
        self._used_at = time.monotonic()
        with self._changed:
            return self._waiters.version(name)

    def wait(self, name: str, seen: int, timeout: float | None) -> int:
        """Block until ``version(name) != seen`` or ``timeout`` seconds passed; return the version."""
        with self._changed:
            try:
                return self._waiters.wait(name, seen, timeout)
            finally:
                self._used_at = time.monotonic()

    def wake(self, name: str) -> None:
        """Wake who waits for a pod."""
        with self._changed:
            self._waiters.wake(name)

    def _error_if_stale(self) -> LauncherError | None:
        """Return why the snapshot is stale, None when it is fresh; the lock is held."""
        self._used_at = time.monotonic()
        if self._fresh_at is not None and time.monotonic() - self._fresh_at <= _STALE:
            return None
        return self._error

    # ---- the thread ----

    def _run(self) -> None:
        try:
            self._keep_up()
        finally:
            self._over = True
            with self._changed:
                self._waiters.wake_all()  # they need another watch

    def _keep_up(self) -> None:
        pauses, revision = Pauses(_FIRST_DELAY, _LONGEST_DELAY, _HEALTHY), ""
        while not self._stopped.is_set() and not self._is_idle():
            began, failed, at_least = time.monotonic(), False, 0.0
            try:
                revision = self._follow(revision or self._list())
            except Exception as error:  # noqa: BLE001 - no answer may end the thread
                if self._stopped.is_set():
                    return
                revision, failed, at_least = "", True, self._trouble(error)
            self._stopped.wait(pauses.after(time.monotonic() - began, failed=failed, at_least=at_least))

    def _trouble(self, error: Exception) -> float:
        """Tell the readers what went wrong; return the seconds for which nothing should be asked."""
        self._client.instruments.watch_broke(self._kind)
        if isinstance(error, _Gone) or api_status(error.__cause__) == _GONE:
            return 0.0  # the snapshot was right when it was listed
        if not isinstance(error, LauncherError):
            _LOG.exception("watch %s: unexpected", self._objects)
            error = Unavailable(f"cannot watch {self._objects}: {foreign.said(repr(error))}")
        self._fail(error)
        return _retry_delay(error)

    def _is_idle(self) -> bool:
        with self._changed:
            return self._waiters.is_empty and time.monotonic() - self._used_at > self._idle_after

    def _fail(self, error: LauncherError) -> None:
        _LOG.warning("%s", error.message)
        with self._changed:
            self._error = error
            self._fresh_at = None  # the objects may have changed since: no decision on them
            self._waiters.wake_all()
        self._first_attempt.set()

    def _list(self) -> str:
        action = f"list {self._objects}"
        items, revision = self._client.list_all(
            action, self._method, self._namespace, keep=self._keeps, **self._selector
        )
        if not revision:
            raise no_list(action)
        with self._changed:
            self._replace(items)
            self._fresh_at = time.monotonic()
            self._waiters.wake_all()
        self._first_attempt.set()
        return revision

    def _follow(self, revision: str) -> str:
        """Watch until the server ends it; return the resource version to continue from."""
        action, used = f"watch {self._objects}", self._client.pool
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
            self._client.broke(error, used)
            raise translate(error, action, self._client.kubeconfig) from error
        finally:
            _shut_down(self._response)
            self._response = None
        return revision

    def _mark_fresh(self) -> None:
        with self._changed:
            self._fresh_at = time.monotonic()

    def _receive(self, change: str, item: Mapping[str, Any]) -> str:
        if change == "ERROR":
            if item.get("code") == _GONE:
                raise _Gone
            raise Unavailable(f"cannot watch {self._objects}: {foreign.said(str(item.get('message')))}")
        if change in ("ADDED", "MODIFIED", "DELETED"):
            with self._changed:
                if name := self._apply(change, item):
                    self._waiters.wake(name)
        return str(as_map(item.get("metadata")).get("resourceVersion") or "")


def _changes(response: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for line in lines_in(response.read_chunked()):
        try:
            change = json.loads(line) if line.strip() else None
        except ValueError:
            raise OSError(f"the watch sent {foreign.said(repr(line), 80)}, which is not JSON") from None
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
