"""What the use cases need from the outside, as Protocols. The edges implement them; fakes do in tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from launcher.core.views import NodeView, PodEvent, PodView, ReleaseView, SecretView, Seen

__all__ = ["Clock", "PodWatch", "Pods", "Releases", "Secrets", "World"]


class Releases(Protocol):
    """Helm. Every method may raise ``Unavailable``, ``Denied``, ``ToolMissing`` or ``Rejected``."""

    def install(
        self,
        name: str,
        namespace: str,
        values: Mapping[str, Any],
        labels: Mapping[str, str],
        cancel: threading.Event | None = None,
    ) -> None:
        """Install once and return when Helm has accepted the manifests.

        An install that fails or is cancelled is uninstalled and verified before the error is raised.

        Raises:
            Conflict: a release of that name exists; nothing was changed.
            Cancelled: ``cancel`` was set; helm was stopped and nothing is left.
            LeftBehind: the install failed, and what it had made could not be removed.
        """

    def uninstall(self, name: str, namespace: str) -> bool:
        """Remove a release in whatever status and verify that; return whether there was one."""

    def status(self, name: str, namespace: str) -> Seen[ReleaseView]:
        """Return the release; never raises for an unreachable cluster."""

    def record(self, name: str, namespace: str) -> Seen[ReleaseView]:
        """Return the release as :meth:`status` does, and its chart and whether its record has our label."""

    def list(self, namespace: str) -> tuple[ReleaseView, ...]:
        """Return the releases in ``namespace`` that carry our job-id label, in every status."""

    def template(self, name: str, namespace: str, values: Mapping[str, Any]) -> str:
        """Return the manifests as YAML text without asking any cluster."""


class PodWatch(Protocol):
    """One shared list+watch of the job pods of a namespace."""

    def pod(self, name: str) -> Seen[PodView]:
        """Return the newest known state of a pod.

        ABSENT carries what was last seen of a pod that is gone, for a while, so that nobody has to be
        quick to learn how it ended. UNAVAILABLE while the list is older than the watch allows.
        """

    def version(self) -> int:
        """Return a number that grows with every change of the snapshot."""

    def wait(self, seen: int, timeout: float | None) -> int:
        """Block until ``version() != seen`` or ``timeout`` seconds passed; return the current version."""


class Pods(Protocol):
    """Pods, their events and logs; what does not return ``Seen`` raises ``Unavailable`` or ``Denied``."""

    def get(self, name: str, namespace: str) -> Seen[PodView]:
        """Ask the API server for one pod."""

    def raw(self, name: str, namespace: str) -> Seen[Mapping[str, Any]]:
        """Ask the API server for one pod and return its JSON as it is."""

    def list(self, namespace: str) -> tuple[PodView, ...]:
        """Return the job pods of a namespace (by label), one request."""

    def watch(self, namespace: str) -> PodWatch:
        """Return the shared watch of ``namespace``, started on first use and listed at least once."""

    def events(self, namespace: str, uid: str) -> tuple[PodEvent, ...]:
        """Return the events of one pod uid, oldest first; a shared watch answers, without a request."""

    def claim_events(self, namespace: str) -> Mapping[str, PodEvent]:
        """Return what was last said about each claim of a namespace, a few seconds old at most.

        Empty when the events cannot be asked for: they only make a sentence better.
        """

    def nodes(self) -> tuple[NodeView, ...]:
        """Return all nodes, at most a minute old; empty when they may not or cannot be listed."""

    def logs(
        self,
        name: str,
        namespace: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        container: str = "",
        previous: bool = False,
        limit_bytes: int | None = None,
    ) -> Iterator[str]:
        """Yield log lines, without line ends, of a container (empty = the job's) or of its previous run.

        ``limit_bytes`` ends the answer there: of the last ``tail`` lines it is the beginning that comes.
        """

    def delete(self, name: str, namespace: str, *, uid: str, grace_seconds: int | None = None) -> None:
        """Delete exactly the pod with that uid; absence is success."""


class Secrets(Protocol):
    """Secrets. Values go in and never come out."""

    def put(
        self,
        name: str,
        namespace: str,
        data: Mapping[str, bytes],
        labels: Mapping[str, str],
        *,
        replace: bool = True,
    ) -> bool:
        """Create an Opaque Secret and return True; one that is there is replaced (or left), return False.

        Raises:
            Conflict: one that was to be replaced is not that of the same job at the same site.
        """

    def own(self, name: str, namespace: str, pod: PodView) -> None:
        """Make ``pod`` the owner of the Secret, so that it dies with the pod."""

    def put_shared(
        self, name: str, namespace: str, data: Mapping[str, bytes], labels: Mapping[str, str]
    ) -> bool:
        """Make a Secret that jobs share; return False, and do nothing, when another federation's is there."""

    def delete(self, name: str, namespace: str) -> bool:
        """Delete a Secret with our job-id label; absence is success. Another's stays: return False."""

    def mask(self, name: str, namespace: str) -> Callable[[str], str]:
        """Return a function that hides the Secret's values in a text; the values stay inside.

        Raises:
            NotFound: there is no such Secret.
        """

    def list(self, namespace: str) -> Mapping[str, SecretView]:
        """Return the per-job Secrets of a namespace (by label): name -> when it was made."""


class Clock(Protocol):
    """Time: monotonic for durations, wall only against time stamps of Kubernetes."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Block for so many seconds."""


@dataclass(frozen=True)
class World:
    """Everything outside that a job needs: one value instead of four arguments."""

    releases: Releases
    pods: Pods
    secrets: Secrets
    clock: Clock
