"""One list+watch over the job pods of a namespace, shared by all handles.

The thread lists once and then follows the watch with bookmarks. It lists again on 410 Gone, on a broken
stream whose resource version is unknown, and after every error, with growing pauses. The API server ends
each watch itself after ``_WATCH`` seconds; a stream that stays silent for longer than that plus a margin
is dead, and the read timeout finds it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from launcher.core.names import LABEL_JOB_ID
from launcher.core.views import PodView, Seen
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.errors import TRANSPORT, translate
from launcher.edges.kube.translate import pod_view
from launcher.errors import LauncherError

__all__ = ["KubePodWatch"]

_LOG = logging.getLogger(__name__)
_WATCH = 30
_SILENCE = 5.0
_CONNECT = 5.0
_PAGE = 500
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 8.0
# Without news for this long nothing is known any more: a live watch is renewed or bookmarked more often.
_STALE = _WATCH + 2 * _SILENCE
# How long the last sight of a deleted pod is kept for those who look late.
_REMEMBER = 120.0
_FIRST_LIST_WITHIN = 10.0
_STOP_EVERY = 0.05


class _Gone(Exception):
    """The resource version is too old (410): list again."""


class KubePodWatch:
    """The newest known state of every job pod of a namespace (port ``PodWatch``)."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._asked = f"watch pods in namespace {namespace}"
        self._changed = threading.Condition()
        self._pods: Mapping[str, PodView] = {}
        self._last: dict[str, tuple[float, PodView]] = {}
        self._version = 0
        self._fresh_at: float | None = None
        self._why = "the pods have not been listed yet"
        self._tried = threading.Event()
        self._stopped = threading.Event()
        self._response: Any = None
        self._thread = threading.Thread(target=self._run, name=f"fljob-watch-{namespace}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def ready(self) -> None:
        """Block until the first list has come or failed."""
        self._tried.wait(_FIRST_LIST_WITHIN)

    def stop(self) -> None:
        """Stop the thread and let go of the connection."""
        self._stopped.set()
        end = time.monotonic() + _CONNECT
        # Again and again: the thread may be between asking for a stream and having it.
        while self._thread.is_alive() and time.monotonic() < end:
            response = self._response
            if response is not None:
                _shut(response)
            self._thread.join(_STOP_EVERY)

    def look(self, pod: str) -> Seen[PodView]:
        """Return the newest known state of a pod; see the port."""
        with self._changed:
            if self._fresh_at is None or time.monotonic() - self._fresh_at > _STALE:
                return Seen.unavailable(self._why)
            if pod in self._pods:
                return Seen.found(self._pods[pod])
            return Seen.absent(self._last[pod][1] if pod in self._last else None)

    def version(self) -> int:
        """Return a number that grows with every change."""
        with self._changed:
            return self._version

    def wait(self, seen: int, timeout: float | None) -> int:
        """Block until ``version() != seen`` or ``timeout`` seconds passed; return the version."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != seen, timeout)
            return self._version

    def _run(self) -> None:
        delay = _FIRST_DELAY
        revision = ""
        while not self._stopped.is_set():
            try:
                revision = revision or self._list()
                delay = _FIRST_DELAY
                revision = self._follow(revision)
            except _Gone:
                revision = ""
            except LauncherError as error:
                revision = ""
                self._failed(error)
                self._stopped.wait(delay)
                delay = min(2 * delay, _LONGEST_DELAY)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever an answer holds
                if self._stopped.is_set():
                    return
                revision = ""
                _LOG.exception("%s: unexpected", self._asked)
                self._failed(LauncherError(f"cannot {self._asked}: {error!r}"))
                self._stopped.wait(_LONGEST_DELAY)

    def _failed(self, error: LauncherError) -> None:
        _LOG.warning("%s", error.message)
        with self._changed:
            self._why = error.message
            self._fresh_at = None  # what was known may have changed since: nobody may decide on it
            self._version += 1
            self._changed.notify_all()
        self._tried.set()

    def _list(self) -> str:
        pods: dict[str, PodView] = {}
        options: dict[str, Any] = {}
        while True:
            answer = self._client.call(
                f"list pods in namespace {self._namespace}",
                self._client.core.list_namespaced_pod,
                self._namespace,
                label_selector=LABEL_JOB_ID,
                limit=_PAGE,
                **options,
            )
            pods.update((view.name, view) for view in map(pod_view, answer.get("items") or ()))
            metadata = answer.get("metadata") or {}
            if not metadata.get("continue"):
                break
            options["_continue"] = metadata["continue"]
        self._swap(pods)
        self._tried.set()
        return str(metadata.get("resourceVersion") or "")

    def _follow(self, revision: str) -> str:
        """Follow the watch until the server ends it; return the revision to go on from."""
        self._response = self._client.stream(
            self._asked,
            self._client.core.list_namespaced_pod,
            self._namespace,
            label_selector=LABEL_JOB_ID,
            watch=True,
            allow_watch_bookmarks=True,
            resource_version=revision,
            timeout_seconds=_WATCH,
            _request_timeout=(_CONNECT, _WATCH + _SILENCE),
        )
        try:
            self._renew()
            for kind, raw in _events(self._response):
                revision = self._apply(kind, raw) or revision
                self._renew()
            self._renew()
        except TRANSPORT as error:
            if self._stopped.is_set():
                return revision
            raise translate(error, self._asked) from error
        finally:
            _shut(self._response)
            self._response = None
        return revision

    def _renew(self) -> None:
        with self._changed:
            self._fresh_at = time.monotonic()

    def _apply(self, kind: str, raw: Mapping[str, Any]) -> str:
        if kind == "ERROR":
            if raw.get("code") == 410:  # noqa: PLR2004
                raise _Gone
            raise LauncherError(f"cannot {self._asked}: {raw.get('message')}")
        view = pod_view(raw)
        if kind in ("ADDED", "MODIFIED"):
            self._swap({**self._pods, view.name: view})
        elif kind == "DELETED":
            # The last state travels with the deletion: it is how the pod ended.
            with self._changed:
                self._last[view.name] = (time.monotonic(), view)
            self._swap({name: pod for name, pod in self._pods.items() if name != view.name})
        return view.resource_version

    def _swap(self, pods: Mapping[str, PodView]) -> None:
        now = time.monotonic()
        with self._changed:
            for name, pod in self._pods.items():
                if name not in pods and name not in self._last:
                    self._last[name] = (now, pod)
            self._last = {
                name: (at, pod)
                for name, (at, pod) in self._last.items()
                if name not in pods and now - at < _REMEMBER
            }
            self._pods = pods
            self._fresh_at = now
            self._version += 1
            self._changed.notify_all()


def _events(response: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    rest = b""
    for chunk in response.read_chunked():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            try:
                event = json.loads(line) if line.strip() else None
            except ValueError:
                raise OSError(f"the watch sent {line[:80]!r}, which is not JSON") from None
            if isinstance(event, Mapping) and isinstance(event.get("object"), Mapping):
                yield str(event.get("type") or ""), event["object"]


def _shut(response: Any) -> None:
    """Shut the socket down first: a thread that sits in recv() holds on to a socket that is only closed."""
    connection = getattr(response, "connection", None) or getattr(response, "_connection", None)
    sock = getattr(connection, "sock", None)
    with contextlib.suppress(OSError):
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError, ValueError):
        response.release_conn() if sock is None else sock.close()
