"""The log of a container: once, or followed until the container has ended over every cut of the connection.

The API server, a load balancer or a kubelet that restarts ends the stream of a log while the job runs, and a
connection whose peer has vanished stays open and silent. So a followed log is asked for again, from a little
before the last line, with time stamps; the lines that were passed on are recognised by their stamps.
"""

from __future__ import annotations

import enum
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from launcher.core.ending.job_end import ended
from launcher.core.views import PodView, Presence, Seen
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.errors import TRANSPORT, translate
from launcher.edges.kube.lines import lines_in
from launcher.edges.kube.pauses import Pauses
from launcher.edges.kube.translate import when
from launcher.errors import Denied, LauncherError, NotFound, Reason, Rejected, Unavailable
from launcher.logs import logger

__all__ = ["FollowedLog", "no_pod", "read_log"]

_LOG = logger(__name__)
# Seconds to connect and between two parts of the answer: the kubelet of a dead node does not answer, and a
# removal may wait for it. A followed log that is silent for so long is asked for again: two requests.
_CONNECT, _SILENCE = 5.0, 15.0
_FIRST_PAUSE, _LONGEST_PAUSE, _HEALTHY = 0.2, 5.0, 5.0
# Once the container has ended its log is complete: whoever cannot be asked for it for so long has lost it.
_READ_WITHIN = 60.0
# The kubelet reads sinceTime in whole seconds, and the runtime stamps stdout and stderr in two threads.
_OVERLAP = timedelta(seconds=2)
# Stamps that are kept beyond the overlap, against a node's clock that is set back: its lines look old then.
_STAMPS = 20_000
# '2026-11-28T21:15:14.123456789Z', or '...+01:00': the runtime writes the node's own zone
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
# 400: 'container "job" in pod "p1" is waiting to start: ContainerCreating'
_NOT_STARTED = "is waiting to start"


def no_pod(name: str, namespace: str) -> NotFound:
    """Return the error for a pod that is certainly not there."""
    return NotFound(f"there is no pod {namespace}/{name}: it was deleted")


def read_log(
    client: KubeClient, name: str, namespace: str, query: Mapping[str, Any], *, with_rest: bool = True
) -> Iterator[str]:
    """Yield the lines of one answer, without line ends.

    Args:
        client: sends the request.
        name: of the pod.
        namespace: of the pod.
        query: of the request, as the API server names it.
        with_rest: also yield a last line that has no end.

    Raises:
        LauncherError: see ``errors.translate``.
    """
    action = f"read the log of pod {namespace}/{name}"
    read, timeout = client.core.read_namespaced_pod_log, (_CONNECT, _SILENCE)
    response = client.stream(action, read, name, namespace, _request_timeout=timeout, **query)
    try:
        for line in lines_in(_parts(response), with_rest=with_rest):
            yield line.decode("utf-8", "replace")
    except TRANSPORT as error:
        raise translate(error, action, client.kubeconfig) from error
    finally:
        response.close()


def _parts(response: Any) -> Iterator[bytes]:
    yield from response.read_chunked() if response.chunked else response.stream(amt=None, decode_content=True)


class _There(enum.Enum):
    """What is known about the container after the stream of its log has ended."""

    RUNS = "runs"
    ENDED = "ended"
    GONE = "gone"


class FollowedLog:
    """The log of one container of one pod, until the container has ended; for one thread.

    Args:
        client: sends the requests.
        look: returns the pod as the API server shows it.
        name: of the pod.
        namespace: of the pod.
        container: empty = the job's.
        tail: only so many of the lines that there are at the beginning; None = all.
        sleep: waits the given seconds.
    """

    def __init__(
        self,
        client: KubeClient,
        look: Callable[[str, str], Seen[PodView]],
        name: str,
        namespace: str,
        *,
        container: str = "",
        tail: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._look_at = client, look
        self._name, self._namespace = name, namespace
        self._container, self._tail = container, tail
        self._sleep = sleep
        self._uid = ""
        self._known = _Stamps()
        self._said = ""
        self._give_up_at: float | None = None

    def lines(self) -> Iterator[str]:
        """Yield the lines, each once.

        Raises:
            NotFound: there is no such pod, or it went before its log was read to the end.
            Denied: a right is missing.
            Rejected: the request is refused for another reason than that the container has not started.
            Unavailable: the container has ended, and its log could not be read for a minute after that.
        """
        there = self._look()
        if there is _There.GONE:
            raise no_pod(self._name, self._namespace)
        pauses = Pauses(_FIRST_PAUSE, _LONGEST_PAUSE, _HEALTHY)
        while True:
            began, failure, at_least = time.monotonic(), None, 0.0
            try:
                yield from self._read(there)
            except LauncherError as error:
                failure, at_least = error, self._excused(error)
            else:
                self._said, self._give_up_at = "", None
                if self._tail is not None:
                    self._tail = None
                    continue  # from here on it is followed
                if there is _There.ENDED:
                    return
            lasted = time.monotonic() - began
            there = self._look()
            if there is _There.GONE:
                self._end_without_pod(failure)
                return
            if failure is not None or there is _There.RUNS:
                self._sleep(pauses.after(lasted, at_least=at_least))

    def _read(self, there: _There) -> Iterator[str]:
        since = self._known.since()
        follows = there is _There.RUNS and self._tail is None
        query: dict[str, Any] = {"follow": follows, "timestamps": True}
        if self._container:
            query["container"] = self._container
        if since:
            query["sinceTime"] = since
        elif self._tail is not None:
            query["tailLines"] = self._tail or 1
        is_hidden = self._tail == 0 and not since  # read for its stamp
        is_new = self._known.replay(is_tail=self._tail is not None)
        # Of a line without its end the rest comes later, under the same stamp.
        is_whole = there is _There.ENDED
        for line in read_log(self._client, self._name, self._namespace, query, with_rest=is_whole):
            stamp, text = _split(line)
            if is_new(stamp, text) and not is_hidden:
                yield text

    def _look(self) -> _There:
        """Ask for the pod; one that cannot be asked for now counts as running."""
        try:
            seen = self._look_at(self._name, self._namespace)
        except LauncherError as error:
            self._excused(error)
            return _There.RUNS
        pod = seen.value
        if seen.presence is Presence.UNAVAILABLE:
            self._warn(seen.why)
            return _There.RUNS
        if pod is None or seen.presence is Presence.ABSENT or (self._uid and pod.uid != self._uid):
            return _There.GONE
        self._uid = pod.uid
        self._container = self._container or (pod.main.name if pod.main else "")
        if ended(pod) is None:
            return _There.RUNS
        self._give_up_at = self._give_up_at or time.monotonic() + _READ_WITHIN
        return _There.ENDED

    def _excused(self, error: LauncherError) -> float:
        """Return the pause that the server asks for after a failure that may pass; raise another one."""
        is_waiting = isinstance(error, Rejected) and _NOT_STARTED in error.message
        if isinstance(error, Denied) and self._uid and self._known:
            # Credentials are being renewed, or an API server has just started: a minute, like after the end.
            self._give_up_at = self._give_up_at or time.monotonic() + _READ_WITHIN
        elif not is_waiting and not isinstance(error, (NotFound, Unavailable)):
            raise error
        if self._give_up_at is not None and time.monotonic() > self._give_up_at:
            raise error
        # A container that says nothing for a while is no trouble, and a connection that was cut is made anew.
        if not is_waiting and error.reason not in (Reason.NO_ANSWER, Reason.CONNECTION_LOST):
            self._warn(error.message)
        return error.retry_after if isinstance(error, Unavailable) else 0.0

    def _end_without_pod(self, failure: LauncherError | None) -> None:
        if failure is None:
            return  # the stream came to its end: whoever waits for a job removes it then
        raise NotFound(
            f"pod {self._namespace}/{self._name} went while its log was read: the end of it may be missing"
        ) from failure

    def _warn(self, why: str) -> None:
        """Log a trouble once, however often it comes back."""
        if why != self._said:
            _LOG.warning("log of pod %s/%s: trying again: %s", self._namespace, self._name, why)
        self._said = why


class _Stamps:
    """The lines that were passed on, by stamp and hash, as far back as they may come again."""

    def __init__(self) -> None:
        self._order: deque[tuple[str, int]] = deque()
        self._counted: Counter[tuple[str, int]] = Counter()
        self._floor: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self._order)

    def since(self) -> str:
        """Return the time from which the log has to be read again; empty before the first line.

        That of the last line, not the latest: a node's clock may have been set back.
        """
        last = next(filter(None, (when(stamp) for stamp, _ in reversed(self._order))), None)
        return (last - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ") if last else ""

    def replay(self, *, is_tail: bool = False) -> Callable[[str, str], bool]:
        """Return a function for the lines of a new stream: whether a line is new. Equal ones are counted.

        What stands before the first line of a tail is never new.
        """
        again, is_before_tail = Counter(self._counted), self._floor is not None

        def is_new(stamp: str, text: str) -> bool:
            nonlocal is_before_tail
            key = (stamp, hash(text))
            if again[key] > 0:
                again[key] -= 1
                is_before_tail = False
                return False
            if is_before_tail and self._floor and (at := when(stamp)) and at <= self._floor:
                return False
            if is_tail and not self._order:
                self._floor = when(stamp)
            self._order.append(key)
            self._counted[key] += 1
            if len(self._order) > 2 * _STAMPS:
                self._forget()
            return True

        return is_new

    def _forget(self) -> None:
        """Forget the older half, but for what is so near to the last line that it is read again."""
        last = when(self._order[-1][0])
        while len(self._order) > _STAMPS:
            at = when(self._order[0][0])
            if at and last and last - 2 * _OVERLAP <= at:
                return
            old = self._order.popleft()
            self._counted[old] -= 1
            if not self._counted[old]:
                del self._counted[old]


def _split(line: str) -> tuple[str, str]:
    """Return time stamp and text of a line; a line of the kubelet itself has no stamp."""
    stamp, _, text = line.partition(" ")
    return (stamp, text) if _STAMP.fullmatch(stamp) else ("", line)
