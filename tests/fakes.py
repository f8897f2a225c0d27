"""A small world that implements the ports and records what was done to it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from launcher.core.admission import LimitRangeView
from launcher.core.names import LABEL_FEDERATION, LABEL_JOB_ID, LABEL_SITE
from launcher.core.redaction import masker
from launcher.core.revisions import Revision
from launcher.core.views import (
    Condition,
    ContainerKind,
    ContainerState,
    ContainerView,
    NodeView,
    PodEvent,
    PodView,
    Presence,
    ReleaseView,
    SecretView,
    Seen,
)
from launcher.errors import Conflict, LauncherError, NotFound
from launcher.usecases.ports import World, no_op
from launcher.usecases.telling.metrics import Metrics, Unmeasured
from launcher.usecases.telling.ports import Announcements, Notes, Unannounced, Unnoted
from tests.fake_installations import FakeInstallations

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
SHORTAGE = "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No victims."


def make_pod(name: str = "job-1", **changes: Any) -> PodView:
    """Return a pod that was just created; ``changes`` replace fields."""
    pod = PodView(
        name=name, namespace="fl", uid="uid-1", phase="Pending", created=START, resource_version="1"
    )
    return replace(pod, **changes)


def unscheduled(message: str = SHORTAGE, reason: str = "Unschedulable", **changes: Any) -> PodView:
    """Return a pod that the scheduler refused."""
    return make_pod(conditions=(Condition("PodScheduled", "False", reason, message),), **changes)


def scheduled(*containers: ContainerView, **changes: Any) -> PodView:
    """Return a pod on a node with these container states."""
    ready = Condition("PodScheduled", "True")
    return make_pod(**{"node": "node-1", "conditions": (ready,), "containers": containers, **changes})


def main(state: str, reason: str = "", message: str = "", exit_code: int | None = None) -> ContainerView:
    """Return the job container in a state."""
    return ContainerView("job", ContainerKind.MAIN, "", ContainerState(state), reason, message, exit_code)


def running() -> PodView:
    """Return a pod whose job runs."""
    return scheduled(main("running"), phase="Running")


def exited(code: int, reason: str = "Error", **changes: Any) -> PodView:
    """Return a pod whose job container has ended; the phase still says Running, as the kubelet does for a second."""
    return scheduled(main("terminated", reason, "", code), **{"phase": "Running", **changes})


def raising(error: Exception) -> Callable[..., Any]:
    """Return what raises ``error`` however it is called, to stand in for a method of a fake."""

    def refuse(*_args: Any, **_more: Any) -> Any:
        raise error

    return refuse


# Seconds on the fake clock until the next pod of a script is there.
_CHANGE_WITHIN = 0.5


class FakeClock:
    """A clock that moves when told, and when somebody sleeps: at once, by as much."""

    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return START + timedelta(seconds=self.time)

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class FakeWatch:
    """A watch whose snapshot is the pods of the world; a wait moves the clock, less far if there is a change."""

    pods: FakePods

    def pod(self, name: str) -> Seen[PodView]:
        return Seen.absent() if self.pods.blind else self.pods.get(name, "fl")

    def all(self) -> Seen[tuple[PodView, ...]]:
        if self.pods.unavailable:
            return Seen.unavailable(self.pods.unavailable, "mend the proxy")
        return Seen.found(() if self.pods.blind else tuple(self.pods.items.values()))

    def version(self, name: str) -> int:
        return self.pods.changes

    def wake(self, name: str) -> None:
        with self.pods.changed:
            self.pods.changes += 1
            self.pods.changed.notify_all()

    def wait(self, name: str, seen: int, timeout: float | None) -> int:
        with self.pods.changed:
            if self.pods.changes == seen and self.pods.script:
                self.pods.play()
            elif self.pods.changes == seen:
                self.pods.changed.wait(0.01)
            changed = self.pods.changes != seen
            self.pods.clock.time += min(timeout or 0.0, _CHANGE_WITHIN) if changed else timeout or 0.0
        return self.pods.changes


@dataclass
class FakePods:
    """Pods in memory. ``script`` is what the following observations will show, one per wait."""

    clock: FakeClock
    namespace: str = "fl"
    items: dict[str, PodView] = field(default_factory=dict)
    last: dict[str, PodView] = field(default_factory=dict)
    script: list[PodView | None] = field(default_factory=list)
    unavailable: str = ""
    blind: bool = False
    event_list: tuple[PodEvent, ...] = ()
    event_error: LauncherError | None = None
    node_list: tuple[NodeView, ...] = ()
    limit_range_list: tuple[LimitRangeView, ...] = ()
    claims: dict[str, PodEvent] = field(default_factory=dict)
    log: list[tuple[str, ...]] = field(default_factory=list)
    # Container (or "<container>.previous") -> its log; "" is any other container.
    lines: dict[str, list[str]] = field(default_factory=lambda: {"": ["line 1", "line 2"]})
    # What the JSON of a pod has beyond its view, such as env literals.
    spec: dict[str, Any] = field(default_factory=dict)
    changes: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def show(self, pod: PodView | None, name: str = "job-1") -> None:
        """Replace the pod; None = it is gone."""
        with self.changed:
            if pod is None:
                gone = self.items.pop(name, None)
                if gone is not None:
                    self.last[name] = gone
            else:
                self.items[pod.name] = pod
            self.changes += 1
            self.changed.notify_all()

    def play(self) -> None:
        """Show the next pod of the script."""
        self.show(self.script.pop(0))

    def get(self, name: str, namespace: str) -> Seen[PodView]:
        assert namespace == self.namespace
        if self.unavailable:
            return Seen.unavailable(self.unavailable, "mend the proxy")
        return Seen.found(self.items[name]) if name in self.items else Seen.absent(self.last.get(name))

    def raw(self, name: str, namespace: str) -> Seen[Mapping[str, Any]]:
        seen = self.get(name, namespace)
        return Seen(seen.presence, self._json(seen.value) if name in self.items else None, seen.why)

    def _json(self, pod: PodView | None) -> dict[str, Any] | None:
        if pod is None:
            return None
        metadata = {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid}
        return {"kind": "Pod", "metadata": metadata, "spec": self.spec, "status": {"phase": pod.phase}}

    def list(self, namespace: str) -> tuple[PodView, ...]:
        assert namespace in (self.namespace, "")
        return tuple(self.items.values())

    def namespaces(self) -> tuple[str, ...]:
        return (self.namespace,)

    def has_namespace(self, namespace: str) -> bool:
        return namespace == self.namespace

    def watch(self, namespace: str) -> FakeWatch:
        assert namespace in (self.namespace, "")
        return FakeWatch(self)

    def watching(self, namespace: str) -> FakeWatch | None:
        assert namespace == self.namespace
        return None

    def claim_events(self, namespace: str) -> Mapping[str, PodEvent]:
        assert namespace == self.namespace
        self.log.append(("claims", namespace))
        return self.claims

    def limit_ranges(self, namespace: str) -> tuple[LimitRangeView, ...]:
        self.log.append(("limit ranges", namespace))
        return self.limit_range_list

    def nodes(self) -> tuple[NodeView, ...]:
        return self.node_list

    def events(self, namespace: str, uid: str) -> tuple[PodEvent, ...]:
        self.log.append(("events", namespace, uid))
        if self.event_error is not None:
            raise self.event_error
        return self.event_list

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
        asked = ("logs", name, namespace, str(follow), str(tail))
        self.log.append((*asked, container, str(previous)) if container else asked)
        if name not in self.items:
            raise NotFound(f"there is no pod {namespace}/{name}")
        lines = self.lines.get(f"{container}.previous" if previous else container, self.lines[""])
        data = "".join(
            f"{line}\n" for line in (lines if tail is None else lines[-tail:]) if tail != 0
        ).encode()[:limit_bytes]
        return iter(data.decode("utf-8", "replace").splitlines())

    def delete(self, name: str, namespace: str, *, uid: str, grace_seconds: int | None = None) -> None:
        self.log.append(("delete", name, uid, str(grace_seconds)))
        if name in self.items and self.items[name].uid == uid:
            self.show(None, name)


@dataclass
class FakeReleases:
    """Releases in memory; installing makes a pod, uninstalling takes it away."""

    pods: FakePods
    items: dict[str, ReleaseView] = field(default_factory=dict)
    log: list[tuple[str, ...]] = field(default_factory=list)
    install_error: LauncherError | None = None
    uninstall_errors: list[LauncherError] = field(default_factory=list)
    values: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    # Releases of others: their records do not carry our label.
    foreign: set[str] = field(default_factory=set)
    noted: list[str] = field(default_factory=list)

    def install(
        self,
        name: str,
        namespace: str,
        values: Mapping[str, Any],
        labels: Mapping[str, str],
        cancel: threading.Event | None = None,
    ) -> None:
        self.log.append(("install", name, namespace))
        if name in self.items:
            raise Conflict(f"release {name} exists")
        if self.install_error is not None:
            raise self.install_error
        self.values[name] = values
        record = Revision(1, self.pods.clock.now(), job_id=labels.get(LABEL_JOB_ID, ""))
        self.items[name] = ReleaseView(name, namespace, "deployed", 1, START, values, revisions=(record,))
        pod = values["pod"]
        annotations = {**pod.get("annotations", {}), "meta.helm.sh/release-name": name}
        self.pods.show(make_pod(pod["name"], labels=dict(labels), annotations=annotations))

    def uninstall(self, name: str, namespace: str, before: Callable[[], object] = no_op) -> bool:
        before()
        self.log.append(("uninstall", name, namespace))
        if self.uninstall_errors:
            raise self.uninstall_errors.pop(0)
        release = self.items.pop(name, None)
        # Helm deletes what its record names, by name; records of tests without values name nothing.
        named = release.values.get("pod") if release else None
        for pod in list(self.pods.items.values()):
            claims = pod.annotations.get("meta.helm.sh/release-name") == name or pod.name == "job-1"
            if pod.name == named["name"] if named else claims:
                self.pods.show(None, pod.name)
        return release is not None

    def status(self, name: str, namespace: str) -> Seen[ReleaseView]:
        return Seen.found(self.items[name]) if name in self.items else Seen.absent()

    def record(self, name: str, namespace: str) -> Seen[ReleaseView]:
        seen = self.status(name, namespace)
        return seen if seen.value is None else Seen.found(self._labelled(seen.value))

    def revisions(self, name: str, namespace: str) -> tuple[Revision, ...]:
        return self.items[name].revisions if name in self.items else ()

    def is_whole(self, name: str, namespace: str) -> bool:
        named = self.items[name].values.get("pod", {"name": "job-1"})["name"] if name in self.items else ""
        return named in self.pods.items

    def _labelled(self, view: ReleaseView) -> ReleaseView:
        if view.name in self.foreign:
            return view
        return replace(view, labelled=True, chart=view.chart or "fljob")

    def list(self, namespace: str) -> tuple[ReleaseView, ...]:
        # `helm list` knows no values.
        ours = (view for view in self.items.values() if view.name not in self.foreign)
        return tuple(replace(self._labelled(view), values={}) for view in ours)

    def note_pod(self, name: str, namespace: str, uid: str) -> None:
        # Without any: made by a test, as a release of which only `helm list` is known.
        noted = tuple(replace(record, pod_uid=uid) for record in self.items[name].revisions)
        self.items[name] = replace(self.items[name], revisions=noted)

    def note_ledger(self, name: str, namespace: str, text: str, pod: str) -> None:
        if name not in self.items:
            raise NotFound(f"there is no release {namespace}/{name}")
        if any(record.pod_uid != pod for record in self.items[name].revisions):
            raise Conflict(f"release {namespace}/{name} is not that of pod {pod}")
        self.noted.append(name)
        noted = tuple(replace(record, ledger=text) for record in self.items[name].revisions)
        self.items[name] = replace(self.items[name], revisions=noted)

    def template(self, name: str, namespace: str, values: Mapping[str, Any]) -> str:
        return f"# {name} in {namespace}: {sorted(values)}\n"


@dataclass
class FakeSecrets:
    """Names of Secrets that exist, and who owns them; the values are kept so that tests can look for leaks."""

    items: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    labels: dict[str, Mapping[str, str]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    # Name -> uid, and the API server's time.
    made: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    clock: FakeClock | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    put_error: LauncherError | None = None
    delete_errors: list[LauncherError] = field(default_factory=list)

    def put(
        self,
        name: str,
        namespace: str,
        data: Mapping[str, bytes],
        labels: Mapping[str, str],
        *,
        replace: bool = True,
    ) -> bool:
        if self.put_error is not None:
            raise self.put_error
        is_new = name not in self.items
        if not is_new and not replace:
            return self.items[name] == data and self.labels[name][LABEL_JOB_ID] == labels[LABEL_JOB_ID]
        if not is_new:
            there = self.labels.get(name, {})
            if any(there.get(key) != labels.get(key) for key in (LABEL_JOB_ID, LABEL_SITE)):
                raise Conflict(f"secret {name} belongs to another")
        self.items[name] = data
        self.labels[name] = labels
        self.owners.pop(name, None)
        self.made[name] = (f"secret-{next(self._numbers)}", self.clock.now() if self.clock else START)
        return is_new

    def put_shared(
        self, name: str, namespace: str, data: Mapping[str, bytes], labels: Mapping[str, str]
    ) -> bool:
        if self.put_error is not None:
            raise self.put_error
        if name in self.items:
            mark = self.labels.get(name, {}).get(LABEL_FEDERATION, "")
            if mark != labels[LABEL_FEDERATION] and (mark or self.items[name] != data):
                return False
        self.items[name], self.labels[name] = data, labels
        return True

    def own(self, name: str, namespace: str, pod: PodView) -> None:
        self.owners[name] = pod.uid

    def delete(
        self,
        name: str,
        namespace: str,
        is_ours: Callable[[SecretView], bool] = lambda _: True,
        *,
        holding: Mapping[str, bytes] | None = None,
    ) -> bool:
        if self.delete_errors:
            raise self.delete_errors.pop(0)
        if name in self.items:
            is_held = holding is None or self.items[name] == holding
            if LABEL_JOB_ID not in self.labels.get(name, {}) or not is_held or not is_ours(self._view(name)):
                return False
        self.items.pop(name, None)
        self.owners.pop(name, None)
        return True

    def _view(self, name: str) -> SecretView:
        labels, (uid, created) = self.labels[name], self.made.get(name, ("", START))
        return SecretView(
            created,
            labels[LABEL_JOB_ID],
            labels.get(LABEL_FEDERATION, ""),
            labels.get(LABEL_SITE, ""),
            labels.get("app.kubernetes.io/managed-by") == "Helm",
            uid,
            (self.owners[name],) if name in self.owners else (),
        )

    def shared(self, namespace: str) -> Mapping[str, SecretView]:
        return {
            name: SecretView(START, "", labels.get(LABEL_FEDERATION, ""), labels.get(LABEL_SITE, ""))
            for name, labels in self.labels.items()
            if name in self.items and LABEL_FEDERATION in labels and LABEL_JOB_ID not in labels
        }

    def delete_shared(self, name: str, namespace: str) -> bool:
        return self.items.pop(name, None) is None or True

    def mask(self, name: str, namespace: str) -> Callable[[str], str]:
        if name not in self.items:
            raise NotFound(f"there is no secret {namespace}/{name}")
        return masker(value.decode() for value in self.items[name].values())

    def namespaces(self) -> set[str]:
        return {"fl"} if self.items else set()

    def credentials(self, name: str, namespace: str) -> Mapping[str, str]:
        if name not in self.items:
            raise NotFound(f"there is no secret {namespace}/{name}")
        return {key: value.decode() for key, value in self.items[name].items()}

    def list(self, namespace: str) -> Mapping[str, SecretView]:
        return {
            name: self._view(name) for name in list(self.items) if LABEL_JOB_ID in self.labels.get(name, {})
        }


@dataclass
class FakeWorld:
    """All fakes together."""

    clock: FakeClock = field(default_factory=FakeClock)
    pods: FakePods = field(init=False)
    releases: FakeReleases = field(init=False)
    secrets: FakeSecrets = field(default_factory=FakeSecrets)
    installed: FakeInstallations = field(default_factory=FakeInstallations)
    metrics: Metrics = field(default_factory=Unmeasured)
    announced: Announcements = field(default_factory=Unannounced)
    notes: Notes = field(default_factory=Unnoted)

    def __post_init__(self) -> None:
        self.pods = FakePods(self.clock)
        self.releases = FakeReleases(self.pods)

    @property
    def world(self) -> World:
        more = {"installed": self.installed, "metrics": self.metrics, "announced": self.announced}
        return World(self.releases, self.pods, self.secrets, self.clock, notes=self.notes, **more)

    @property
    def is_empty(self) -> bool:
        """True when nothing of any job is left."""
        return not (self.releases.items or self.pods.items or self.secrets.items)


__all__ = [
    "FakeClock",
    "FakeInstallations",
    "FakeWorld",
    "Presence",
    "exited",
    "main",
    "make_pod",
    "raising",
    "running",
]
__all__ += ["scheduled", "unscheduled"]
