"""FLARE's own handle and ours, driven with the same recording; both give a result after every snapshot."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib import util
from types import SimpleNamespace
from typing import Any

from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException

from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import Cleanup, Observation, Track
from launcher.core.lifecycle.step import cleanup, step, terminated
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import NodeView, PodEvent, PodView, Seen
from launcher.edges.kube.events import KubeEventWatch
from launcher.edges.kube.translate import pod_view
from launcher.errors import Denied, Unavailable
from launcher.usecases.observe import observe
from launcher.usecases.ports import World
from tests.contract.flare.case import JOB
from tests.contract.flare.strict_case import CONTAINER, NAMESPACE, POD, UID, Case, Json, Snapshot
from tests.fakes import START

__all__ = ["Flare", "Result", "flare", "ours"]


@dataclass(frozen=True)
class Result:
    """The state of a handle after a snapshot.

    Attributes:
        ended: whether the launcher holds the job for ended.
        ran: whether it was ever held for running.
        code: what ``poll()`` returns.
        removes: whether the launcher decided to take the pod away.
        asked: whether it read the events; ours reads them from a watch, so it may do that more often.
    """

    ended: bool
    ran: bool
    code: int
    removes: bool
    asked: bool = field(compare=False)


def _loaded_once_more(name: str) -> Any:
    """Return a module that nobody else has, so that a name in it can be ours: FLARE asks the global ``time``."""
    spec = util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_FLARE = _loaded_once_more("nvflare.app_opt.job_launcher.k8s_launcher")
_QUIET = logging.getLogger(f"{__name__}.quiet")
_QUIET.disabled = True


@cache
def _parsed(kind: str, text: str) -> Any:
    return ApiClient().deserialize(text, kind, "application/json")


def _raise(error: int | None) -> None:
    if error == 0:
        raise ConnectionError("refused")
    if error is not None:
        raise ApiException(status=error)


class _NoMoreSnapshots(Exception):
    """The recording ends; FLARE would go on waiting."""


@dataclass
class Flare:
    """A recorded cluster in the shape of FLARE's API client and of the module ``time``, in which it sleeps."""

    case: Case
    index: int = 0
    now: float = 0.0
    ran: bool = False
    asked: bool = False
    reads: int = 0
    deletes: list[tuple[str, str, int]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    delete_error: int | None = None
    results: list[Result] = field(default_factory=list)
    handle: Any = field(init=False)

    def __post_init__(self) -> None:
        self.handle = _FLARE.K8sJobHandle(
            JOB,
            self,
            {"name": POD, "image": "a", "container_name": CONTAINER, "command": "m"},
            namespace=NAMESPACE,
            timeout=self.case.timeout,
            pending_timeout=self.case.pending_timeout,
            pod_name=POD,
            credential_secret_name="credentials",
        )
        self.handle.logger = _QUIET  # it logs every refused read

    @property
    def snapshot(self) -> Snapshot:
        return self.case.snapshots[self.index]

    def time(self) -> float:
        return START.timestamp() + self.now

    def sleep(self, seconds: float) -> None:
        """Go on to the next snapshot; if it is a terminate(), call that."""
        assert seconds == 1
        self._record(ended=False)
        self.index += 1
        if self.index == len(self.case.snapshots):
            raise _NoMoreSnapshots
        self.now = self.snapshot.at
        if self.snapshot.terminate:
            self.handle.terminate()

    def read_namespaced_pod(self, *, name: str, namespace: str) -> Any:
        assert (name, namespace) == (POD, NAMESPACE)
        self.now = self.snapshot.at
        self.reads += 1
        _raise(self.snapshot.error)
        return _parsed("V1Pod", json.dumps(self.snapshot.pod))

    def list_namespaced_event(self, *, namespace: str, field_selector: str) -> Any:
        assert (namespace, field_selector) == (NAMESPACE, f"involvedObject.name={POD}")
        self.asked = True
        _raise(self.snapshot.events_error)
        return _parsed("CoreV1EventList", json.dumps({"items": self.snapshot.events}))

    def delete_namespaced_pod(self, *, name: str, namespace: str, grace_period_seconds: int) -> None:
        self.deletes.append((name, namespace, grace_period_seconds))
        _raise(self.delete_error)

    def delete_namespaced_secret(self, *, name: str, namespace: str) -> None:
        assert namespace == NAMESPACE
        self.secrets.append(name)

    def run(self) -> tuple[Result, ...]:
        """Do what FLARE's parent does: wait until the pod runs, wait until it has ended, then poll."""
        _FLARE.time = self
        try:
            self.ran = self.handle.enter_states([_FLARE.JobState.RUNNING])
            self.handle.wait()
            self._record(ended=True)
            if any(snapshot.terminate for snapshot in self.case.snapshots[self.index + 1 :]):
                self.handle.terminate()
                self._record(ended=True)
        except _NoMoreSnapshots:
            self.index -= 1
            assert self.handle.poll() == ReturnCode.UNKNOWN
        return tuple(self.results)

    def poll(self) -> tuple[Result, ...]:
        """Drive it with ``poll()`` alone, for which FLARE's ``timeout`` does not matter."""
        _FLARE.time = self
        for index, snapshot in enumerate(self.case.snapshots):
            self.index, self.now = index, snapshot.at
            if snapshot.terminate:
                self.handle.terminate()
            elif self.results and self.results[-1].ended:
                continue
            self._record(ended=self.handle.poll() != ReturnCode.UNKNOWN)
        return tuple(self.results)

    def _record(self, *, ended: bool) -> None:
        code = self.handle.poll() if ended else int(ReturnCode.UNKNOWN)
        self.results.append(Result(ended, self.ran, code, bool(self.deletes), self.asked))
        self.asked = False


def flare(case: Case) -> tuple[Result, ...]:
    """Return FLARE's result after every snapshot, up to the end."""
    return Flare(case).run()


class _Events(KubeEventWatch):
    """Our event watch with a list in place of its connection: it sorts events out by uid and time."""

    def __init__(self, listed: Iterable[Json]) -> None:
        nowhere: Any = SimpleNamespace(core=SimpleNamespace(list_namespaced_event=None))
        super().__init__(nowhere, NAMESPACE)
        self._replace(list(listed))

    def _error_if_stale(self) -> None:
        """Everything is known."""


@dataclass
class _World:
    """The same recording behind our ports: clock, watch and events of one snapshot."""

    snapshot: Snapshot
    last: PodView | None
    asked: bool = False

    def monotonic(self) -> float:
        return _LAUNCHED + self.snapshot.at

    def now(self) -> datetime:
        return START + timedelta(seconds=self.snapshot.at)

    def pod(self, name: str) -> Seen[PodView]:
        assert name == POD
        if self.snapshot.error == 404:
            return Seen.absent(self.last)
        if self.snapshot.error is not None:
            return Seen.unavailable("no answer")
        return Seen.found(pod_view(self.snapshot.pod))

    def get(self, name: str, namespace: str) -> Seen[PodView]:
        """Answer as the watch does: in a recording it never lags."""
        assert namespace == NAMESPACE
        return self.pod(name)

    def events(self, namespace: str, uid: str) -> tuple[PodEvent, ...]:
        assert namespace == NAMESPACE
        self.asked = True
        if self.snapshot.events_error is not None:
            raise (Denied if self.snapshot.events_error == 403 else Unavailable)("no answer")
        return _Events(self.snapshot.events).of(uid)

    def claim_events(self, namespace: str) -> Mapping[str, PodEvent]:
        return {}  # they only make a sentence better, and FLARE does not ask

    def nodes(self) -> tuple[NodeView, ...]:
        return ()

    def logs(self, name: str, namespace: str, **limits: int) -> Iterator[str]:
        return iter(())  # they only make a sentence better, too

    def observe(self, track: Track, policy: WaitPolicy) -> Observation:
        """Observe the job with our observer; of the ports it uses only what this class has."""
        port: Any = self
        world = World(releases=port, pods=port, secrets=port, clock=port)
        return observe(world, port, _REF, track, policy)


# Our clocks are monotonic: the numbers have nothing to do with the time of day.
_LAUNCHED = 1000.0
_REF = JobRef(release="r", namespace=NAMESPACE, pod_name=POD, uid=UID)


def ours(case: Case) -> tuple[Result, ...]:
    """Return our result after every snapshot, up to the end."""
    policy = WaitPolicy(PendingPolicy.STRICT, case.pending_timeout, case.timeout)
    track, results = Track(launched=_LAUNCHED), []
    for snapshot in case.snapshots:
        before, side = track, _World(snapshot, track.pod)
        if snapshot.terminate:
            track = terminated(track, "terminated by FLARE")
        else:
            track = step(track, side.observe(track, policy), policy)
        if before.outcome is not None:
            assert track is before
            continue
        outcome = track.outcome
        code = ReturnCode.UNKNOWN if outcome is None else outcome.return_code
        removes = cleanup(track) is Cleanup.REMOVE
        results.append(Result(outcome is not None, track.ran, int(code), removes, side.asked))
    return tuple(results)
