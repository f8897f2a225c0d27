"""What the use cases need from the outside, as Protocols. The edges implement them; fakes do in tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from launcher.core.admission import LimitRangeView
from launcher.core.revisions import Revision
from launcher.core.views import NodeView, PodEvent, PodView, ReleaseView, SecretView, Seen
from launcher.usecases.installed_ports import Installations, NoInstallations
from launcher.usecases.leader_ports import Acting, Alone
from launcher.usecases.telling.metrics import Metrics, Unmeasured
from launcher.usecases.telling.ports import Announcements, Notes, Unannounced, Unnoted
from launcher.usecases.watching_ports import Unwatched, Watching

__all__ = [
    "Clock",
    "PodWatch",
    "Pods",
    "Releases",
    "Secrets",
    "World",
    "anybodys",
    "no_op",
]


def no_op() -> None:
    """Do nothing."""


def anybodys(_secret: SecretView) -> bool:
    """Ask nothing about a Secret."""
    return True


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

        An install that fails or is cancelled is uninstalled and verified before the error is raised. One of
        which only the answer was lost, and that is whole, has not failed.

        Raises:
            Conflict: a release of that name exists; nothing was changed.
            Cancelled: ``cancel`` was set; helm was stopped and nothing is left.
            LeftBehind: the install failed, and what it had made could not be removed.
        """

    def uninstall(self, name: str, namespace: str, before: Callable[[], object] = no_op) -> bool:
        """Remove a release in whatever status and verify that; return whether there was one.

        ``before`` is called when helm is about to run, which may be long after the call; it may raise.
        """

    def status(self, name: str, namespace: str) -> Seen[ReleaseView]:
        """Return the release; never raises for an unreachable cluster."""

    def record(self, name: str, namespace: str) -> Seen[ReleaseView]:
        """Return the release as :meth:`status` does, its chart, whether it has our label, and its records."""

    def revisions(self, name: str, namespace: str) -> tuple[Revision, ...]:
        """Return Helm's records of a release, the oldest first; none where there is none, or nobody knows."""

    def is_whole(self, name: str, namespace: str) -> bool:
        """Return whether a release has a record, and all that it names is there; False if nobody can tell."""

    def list(self, namespace: str) -> tuple[ReleaseView, ...]:
        """Return the releases with our job-id label in a namespace (empty = in all), in every status."""

    def note_pod(self, name: str, namespace: str, uid: str) -> None:
        """Write into the record of an install which pod it has made: nothing else proves that later."""

    def note_ledger(self, name: str, namespace: str, text: str, pod: str) -> None:
        """Write into the record of an install what was measured of its job, if it is that of this pod's uid.

        Raises:
            NotFound: there is no record.
            Conflict: it is that of another pod, or of none that is known.
            LauncherError: it was refused, or could not be asked for.
        """

    def template(self, name: str, namespace: str, values: Mapping[str, Any]) -> str:
        """Return the manifests as YAML text without asking any cluster."""


class PodWatch(Protocol):
    """One shared list+watch of the job pods of a namespace, or of all.

    Where it is of all namespaces a pod has the name ``NAMESPACE/NAME``. An empty name means any pod.
    """

    def pod(self, name: str) -> Seen[PodView]:
        """Return the newest known state of a pod.

        ABSENT carries what was last seen of a pod that is gone, for a while, so that nobody has to be
        quick to learn how it ended. UNAVAILABLE while the list is older than the watch allows.
        """

    def all(self) -> Seen[tuple[PodView, ...]]:
        """Return all pods as last seen; UNAVAILABLE while the list is older than the watch allows."""

    def version(self, name: str) -> int:
        """Return a number that is another one after every change of the pod, or of the whole snapshot."""

    def wait(self, name: str, seen: int, timeout: float | None) -> int:
        """Block until ``version(name) != seen`` or ``timeout`` seconds passed; return the version.

        News about other pods wake nobody: a thousand jobs wait side by side.
        """

    def wake(self, name: str) -> None:
        """Wake who waits for a pod: there is news of its job that no watch shows."""


class Pods(Protocol):
    """Pods, their events and logs; what does not return ``Seen`` raises ``Unavailable`` or ``Denied``."""

    def get(self, name: str, namespace: str) -> Seen[PodView]:
        """Ask the API server for one pod."""

    def raw(self, name: str, namespace: str) -> Seen[Mapping[str, Any]]:
        """Ask the API server for one pod and return its JSON as it is."""

    def list(self, namespace: str) -> tuple[PodView, ...]:
        """Return the job pods of a namespace (by label; empty = of all), one request."""

    def has_namespace(self, namespace: str) -> bool:
        """Return whether there is such a namespace; True, too, while nobody can tell."""

    def namespaces(self) -> tuple[str, ...]:
        """Return the names of all namespaces."""

    def watch(self, namespace: str) -> PodWatch:
        """Return the shared watch of ``namespace`` (empty = of all), started on first use and listed once."""

    def watching(self, namespace: str) -> PodWatch | None:
        """Return the shared watch of ``namespace`` if somebody has started it, else None."""

    def events(self, namespace: str, uid: str) -> tuple[PodEvent, ...]:
        """Return the events of one pod uid, oldest first; a shared watch answers, without a request."""

    def claim_events(self, namespace: str) -> Mapping[str, PodEvent]:
        """Return what was last said about each claim of a namespace, a few seconds old at most.

        Empty when the events cannot be asked for: they only make a sentence better.
        """

    def nodes(self) -> tuple[NodeView, ...]:
        """Return all nodes, at most a minute old; empty when they may not or cannot be listed."""

    def limit_ranges(self, namespace: str) -> tuple[LimitRangeView, ...]:
        """Return the LimitRanges of a namespace; empty when they may not or cannot be listed.

        They only make a sentence better.
        """

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
        With ``follow`` it goes on until the container has ended, without ``previous`` and ``limit_bytes``.
        """

    def delete(self, name: str, namespace: str, *, uid: str, grace_seconds: int | None = None) -> None:
        """Delete exactly the pod with that uid; absence is success."""


class Secrets(Protocol):
    """Secrets. Values go in and never come out, but for one reader: a parent that takes a job over."""

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

        One that is to be left and is the same job's, with this very content, is as good as made: True.

        Raises:
            Conflict: one that was to be replaced is not that of the same job at the same site.
        """

    def own(self, name: str, namespace: str, pod: PodView) -> None:
        """Make ``pod`` the owner of the Secret, so that it dies with the pod."""

    def put_shared(
        self, name: str, namespace: str, data: Mapping[str, bytes], labels: Mapping[str, str]
    ) -> bool:
        """Make a Secret that jobs share; return False, and do nothing, when another federation's is there."""

    def delete(
        self,
        name: str,
        namespace: str,
        is_ours: Callable[[SecretView], bool] = anybodys,
        *,
        holding: Mapping[str, bytes] | None = None,
    ) -> bool:
        """Delete a Secret with our job-id label; absence is success. Another's stays: return False.

        Another's is also one of which ``is_ours`` says so, and one that does not hold just ``holding``.
        """

    def shared(self, namespace: str) -> Mapping[str, SecretView]:
        """Return the Secrets of startup kits in a namespace (by label): name -> whose they are."""

    def delete_shared(self, name: str, namespace: str) -> bool:
        """Delete the Secret of a startup kit; absence is success. Another's stays: return False."""

    def mask(self, name: str, namespace: str) -> Callable[[str], str]:
        """Return a function that hides the Secret's values in a text; the values stay inside.

        Raises:
            NotFound: there is no such Secret.
        """

    def credentials(self, name: str, namespace: str) -> Mapping[str, str]:
        """Return the content of a per-job Secret, by which FLARE knows the job process again.

        Raises:
            NotFound: there is no such Secret.
            Conflict: it is not a job's.
        """

    def list(self, namespace: str) -> Mapping[str, SecretView]:
        """Return the per-job Secrets of a namespace (by label): name -> when it was made."""

    def namespaces(self) -> AbstractSet[str]:
        """Return the namespaces that have per-job Secrets (by label)."""


class Clock(Protocol):
    """Time: monotonic for durations, wall only against time stamps of Kubernetes."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Block for so many seconds."""


_NOBODY, _ALONE, _NONE, _UNMEASURED = Unwatched(), Alone(), NoInstallations(), Unmeasured()
_SILENT, _UNNOTED = Unannounced(), Unnoted()


@dataclass(frozen=True)
class World:
    """Everything outside that a job needs: one value instead of five arguments."""

    releases: Releases
    pods: Pods
    secrets: Secrets
    clock: Clock
    watching: Watching = _NOBODY
    acting: Acting = _ALONE
    installed: Installations = _NONE
    metrics: Metrics = _UNMEASURED
    announced: Announcements = _SILENT
    notes: Notes = _UNNOTED
