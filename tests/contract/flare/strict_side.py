"""FLARE's own handle and ours, driven with the same looks; both tell look by look what they make of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
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
from tests.contract.flare.strict_case import CONTAINER, NAMESPACE, POD, UID, Case, Json, Look
from tests.fakes import START

__all__ = ["Flare", "Told", "flare", "ours"]


@dataclass(frozen=True)
class Told:
    """What is known after a look.

    Attributes:
        ended: whether the launcher holds the job for ended.
        ran: whether it was ever held for running.
        code: what ``poll()`` returns.
        removes: whether the launcher decided to take the pod away.
        asked: whether it read the events; ours looks them up in a watch, so it may ask more often.
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


class _NoMoreLooks(Exception):
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
    told: list[Told] = field(default_factory=list)
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
    def look(self) -> Look:
        return self.case.looks[self.index]

    def time(self) -> float:
        return START.timestamp() + self.now

    def sleep(self, seconds: float) -> None:
        """Show the next look, and let a parent that terminates do so meanwhile."""
        assert seconds == 1
        self._tell(ended=False)
        self.index += 1
        if self.index == len(self.case.looks):
            raise _NoMoreLooks
        self.now = self.look.at
        if self.look.terminate:
            self.handle.terminate()

    def read_namespaced_pod(self, *, name: str, namespace: str) -> Any:
        assert (name, namespace) == (POD, NAMESPACE)
        self.now = self.look.at
        self.reads += 1
        _raise(self.look.error)
        return _parsed("V1Pod", json.dumps(self.look.pod))

    def list_namespaced_event(self, *, namespace: str, field_selector: str) -> Any:
        assert (namespace, field_selector) == (NAMESPACE, f"involvedObject.name={POD}")
        self.asked = True
        _raise(self.look.events_error)
        return _parsed("CoreV1EventList", json.dumps({"items": self.look.events}))

    def delete_namespaced_pod(self, *, name: str, namespace: str, grace_period_seconds: int) -> None:
        self.deletes.append((name, namespace, grace_period_seconds))
        _raise(self.delete_error)

    def delete_namespaced_secret(self, *, name: str, namespace: str) -> None:
        assert namespace == NAMESPACE
        self.secrets.append(name)

    def run(self) -> tuple[Told, ...]:
        """Do what FLARE's parent does: wait until the pod runs, wait until it has ended, then poll."""
        _FLARE.time = self
        try:
            self.ran = self.handle.enter_states([_FLARE.JobState.RUNNING])
            self.handle.wait()
            self._tell(ended=True)
            if any(look.terminate for look in self.case.looks[self.index + 1 :]):
                self.handle.terminate()
                self._tell(ended=True)
        except _NoMoreLooks:
            self.index -= 1
            assert self.handle.poll() == ReturnCode.UNKNOWN
        return tuple(self.told)

    def poll(self) -> tuple[Told, ...]:
        """Look with ``poll()`` alone; FLARE's ``timeout`` plays no part in it."""
        _FLARE.time = self
        for index, look in enumerate(self.case.looks):
            self.index, self.now = index, look.at
            if look.terminate:
                self.handle.terminate()
            elif self.told and self.told[-1].ended:
                continue
            self._tell(ended=self.handle.poll() != ReturnCode.UNKNOWN)
        return tuple(self.told)

    def _tell(self, *, ended: bool) -> None:
        code = self.handle.poll() if ended else int(ReturnCode.UNKNOWN)
        self.told.append(Told(ended, self.ran, code, bool(self.deletes), self.asked))
        self.asked = False


def flare(case: Case) -> tuple[Told, ...]:
    """Return what FLARE says after every look, up to the end."""
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
    """The same recording behind our ports: clock, watch and events of one look."""

    look_: Look
    last: PodView | None
    asked: bool = False

    def monotonic(self) -> float:
        return _LAUNCHED + self.look_.at

    def now(self) -> datetime:
        return START + timedelta(seconds=self.look_.at)

    def pod(self, name: str) -> Seen[PodView]:
        assert name == POD
        if self.look_.error == 404:
            return Seen.absent(self.last)
        if self.look_.error is not None:
            return Seen.unavailable("no answer")
        return Seen.found(pod_view(self.look_.pod))

    def get(self, name: str, namespace: str) -> Seen[PodView]:
        """Answer as the watch does: in a recording it never lags."""
        assert namespace == NAMESPACE
        return self.pod(name)

    def events(self, namespace: str, uid: str) -> tuple[PodEvent, ...]:
        assert namespace == NAMESPACE
        self.asked = True
        if self.look_.events_error is not None:
            raise (Denied if self.look_.events_error == 403 else Unavailable)("no answer")
        return _Events(self.look_.events).of(uid)

    def claim_events(self, namespace: str) -> Mapping[str, PodEvent]:
        return {}  # they only make a sentence better, and FLARE does not ask

    def nodes(self) -> tuple[NodeView, ...]:
        return ()

    def observe(self, track: Track, policy: WaitPolicy) -> Observation:
        """Look through our observer; of the ports it needs no more than this class has."""
        port: Any = self
        world = World(releases=port, pods=port, secrets=port, clock=port)
        return observe(world, port, _REF, track, policy)


# Our clocks are monotonic: the numbers have nothing to do with the time of day.
_LAUNCHED = 1000.0
_REF = JobRef(release="r", namespace=NAMESPACE, pod_name=POD, uid=UID)


def ours(case: Case) -> tuple[Told, ...]:
    """Return what we say after every look, up to the end."""
    policy = WaitPolicy(PendingPolicy.STRICT, case.pending_timeout, case.timeout)
    track, told = Track(launched=_LAUNCHED), []
    for look in case.looks:
        before, side = track, _World(look, track.pod)
        if look.terminate:
            track = terminated(track, "terminated by FLARE")
        else:
            track = step(track, side.observe(track, policy), policy)
        if before.outcome is not None:
            assert track is before
            continue
        outcome = track.outcome
        code = ReturnCode.UNKNOWN if outcome is None else outcome.return_code
        removes = cleanup(track) is Cleanup.REMOVE
        told.append(Told(outcome is not None, track.ran, int(code), removes, side.asked))
    return tuple(told)
