"""What Kubernetes can say about a pod (tests/data/kubernetes-messages.yaml), filled in and put where it arrives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from launcher.core.catalogue import CATALOGUE, Code, Limit
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.views import Condition, PodEvent, PodView, Seen
from tests.fakes import START, exited, main, make_pod, scheduled, unscheduled

__all__ = [
    "FILE",
    "FOREIGN_TAINT",
    "KINDS",
    "Arrival",
    "Message",
    "Told",
    "arrivals",
    "filled",
    "messages",
    "releases",
    "told",
]

FILE = Path(__file__).parent / "data" / "kubernetes-messages.yaml"
KINDS = frozenset(
    {
        "scheduler clause",
        "event",
        "condition",
        "pod status",
        "waiting reason",
        "terminated reason",
        "admission",
        "error",
    }
)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_VERB = re.compile(r"%[-+#0]*\d*(?:\.\d+)?([a-zA-Z])")
_NUMBERS = frozenset("dxoXbt")
# What stands for a verb that follows these words; else a word that no rule of the launcher knows.
_VALUES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"Insufficient $|OutOf$"), "nvidia.com/gpu"),
    (re.compile(r"plugin(?:\(s\))? $"), "[NodeAffinity]"),
    (re.compile(r"Pod was rejected: $"), "the node says no"),
)
_CONTROL_PLANE = "2 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }"
# How a clause arrives that stands beside a taint of other nodes.
FOREIGN_TAINT = _CONTROL_PLANE[2:]
_UNNAMED_TAINT = "2 node(s) had untolerated taint(s)"


@dataclass(frozen=True)
class Message:
    """One entry of the data file.

    Attributes:
        component: who says it.
        file: the source it was read from, as a path inside k8s.io/kubernetes or with its module.
        kind: how it arrives; an ``error`` arrives inside a message with its reason.
        reason: the word beside the message; ``%s`` where it is made from something.
        message: a format of Go.
        versions: minor releases of Kubernetes that say it.
        about: ``claim`` for an event or a condition of a claim, else empty.
        type: of an event or a condition.
        points: extension points of the scheduler at which it is said, as far as they are known.
    """

    component: str
    file: str
    kind: str
    reason: str
    message: str
    versions: tuple[str, ...]
    about: str = ""
    type: str = ""
    points: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arrival:
    """A pod as it looks when Kubernetes has said something about it."""

    how: str
    pod: PodView
    events: tuple[PodEvent, ...] = ()


@dataclass(frozen=True)
class Told:
    """What the launcher makes of an arrival at first sight.

    Attributes:
        code: cause or end.
        limit: clock of a cause; None for an end.
        return_code: what FLARE is told when it ends the job.
    """

    code: Code
    limit: Limit | None
    return_code: ReturnCode

    @property
    def blames_the_job(self) -> bool:
        """True when the job is told that it is at fault, now or when a clock has run out."""
        return self.return_code is ReturnCode.EXECUTION_EXCEPTION


def messages() -> list[Message]:
    """Return all entries, in the order of the file."""
    document = yaml.load(FILE.read_text(), _LOADER)  # a safe loader either way
    return [_message(source, entry) for source in document["sources"] for entry in source["messages"]]


def releases() -> Mapping[str, str]:
    """Return the releases that were read: minor -> version."""
    return dict(yaml.load(FILE.read_text(), _LOADER)["kubernetes"])


def _message(source: Mapping[str, Any], entry: Mapping[str, Any]) -> Message:
    fields = {**entry, "versions": tuple(entry["versions"]), "points": tuple(entry.get("points", ()))}
    return Message(component=source["component"], file=source["file"], **fields)


def filled(text: str) -> str:
    """Return a format of Go with plausible values in place of its verbs."""
    said = ""
    at = 0
    for verb in _VERB.finditer(text):
        said += text[at : verb.start()].replace("%%", "%")
        value = next((value for before, value in _VALUES if before.search(said)), "data")
        value = "3" if verb[1] in _NUMBERS else value
        said += f'"{value}"' if verb[1] == "q" else value
        at = verb.end()
    return said + text[at:].replace("%%", "%")


def told(arrival: Arrival) -> Told | None:
    """Return the verdict of one look, or None when the launcher goes on as if nothing had been said."""
    seen = Observation(0.0, START, Seen.found(arrival.pod), Seen.found(arrival.events))
    track = step(Track(launched=0.0), seen, WaitPolicy())
    if track.verdict is not None:
        entry = CATALOGUE[track.verdict.code]
        return Told(track.verdict.code, entry.limit, entry.return_code)
    if track.outcome is not None:
        return Told(track.outcome.code, None, track.outcome.return_code)
    return None


def arrivals(message: Message) -> Iterator[Arrival]:
    """Yield the states of a pod in which a message may be seen."""
    text = filled(message.message)
    reason = filled(message.reason)
    yield from _ARRIVE[message.kind](message, reason, text)


def _clause(message: Message, reason: str, text: str) -> Iterator[Arrival]:
    if message.points == ("PreEnqueue",):  # the scheduler keeps it to itself: the pod has no condition
        yield Arrival("not told", make_pod())
        return
    if message.points == ("PostFilter",):
        part = text if text.startswith("preemption:") else f"preemption: {text}"
        for said in (text, part):
            whole = f"0/3 nodes are available: 3 Insufficient cpu. {said}"
            yield Arrival("after the nodes", unscheduled(whole))
        return
    if text.startswith("0/"):
        yield Arrival("whole", unscheduled(text))
        return
    if message.points != ("Filter",):
        yield Arrival("alone", unscheduled(f"0/3 nodes are available: {text}."))
    for taint in (_CONTROL_PLANE, _UNNAMED_TAINT):
        yield Arrival(taint[2:], unscheduled(f"0/3 nodes are available: 1 {text}, {taint}."))


def _event(message: Message, reason: str, text: str) -> Iterator[Arrival]:
    said = PodEvent(reason, text, message.type or "Warning", START)
    if message.about:  # the launcher reads the claim's events for their words only
        return
    yield Arrival("event", scheduled(main("waiting", "ContainerCreating")), (said,))


def _waiting(message: Message, reason: str, text: str) -> Iterator[Arrival]:
    yield Arrival("waiting", scheduled(main("waiting", reason, text)))


def _failed(message: Message, reason: str, text: str) -> Iterator[Arrival]:
    yield Arrival("failed", make_pod(phase="Failed", node="node-1", reason=reason, message=text))


def _rejected(message: Message, reason: str, text: str) -> Iterator[Arrival]:
    yield from _failed(message, reason, f"Pod was rejected: {text}")


def _terminated(message: Message, reason: str, text: str) -> Iterator[Arrival]:
    yield Arrival("terminated", exited(137, reason))


def _condition(message: Message, reason: str, text: str) -> Iterator[Arrival]:
    if message.about:
        return
    if message.type == "PodScheduled":
        yield Arrival("condition", unscheduled(text, reason))
        return
    held = Condition(message.type, "True", reason, text)
    if message.type == "DisruptionTarget":
        conditions = (Condition("PodScheduled", "True"), held)
        yield Arrival("taken away", exited(143, conditions=conditions, deleted=START, grace_seconds=30))
        return
    ready = Condition("PodScheduled", "True")
    yield Arrival("condition", scheduled(main("waiting", "ContainerCreating"), conditions=(ready, held)))


# Event that carries an error -> how it begins.
_CARRIERS: Mapping[str, str] = {
    "FailedMount": 'MountVolume.SetUp failed for volume "data" : ',
    "FailedMapVolume": 'MapVolume.SetUpDevice failed for volume "data" : ',
    "FailedAttachVolume": 'AttachVolume.Attach failed for volume "data" : ',
    "FailedCreatePodSandBox": "Failed to create pod sandbox: ",
    "FailedPrepareDynamicResources": "Failed to prepare dynamic resources: ",
    "FailedResourceClaimCreation": "PodResourceClaim data: ",
    "FailedBinding": "ephemeral volume data: ",
    "ProvisioningFailed": "",
}


def _error(message: Message, reason: str, text: str) -> Iterator[Arrival]:
    if reason == "SchedulerError":
        yield Arrival("condition", unscheduled(f'running "data" filter plugin: {text}', reason))
    elif reason == "UnexpectedAdmissionError":
        yield from _rejected(message, reason, f"Allocate failed due to {text}, which is unexpected")
    elif reason in _CARRIERS:
        yield from _event(message, reason, text if text.startswith(_OPERATION) else _CARRIERS[reason] + text)
    else:
        yield from _waiting(message, reason, text)


_OPERATION = ("MountVolume", "MapVolume", "AttachVolume", "VerifyController", "Volume ")
_ARRIVE = {
    "scheduler clause": _clause,
    "event": _event,
    "condition": _condition,
    "pod status": _failed,
    "waiting reason": _waiting,
    "terminated reason": _terminated,
    "admission": _rejected,
    "error": _error,
}
