"""The diagnosis bundle: everything that shows why a job is in its state, as texts by file name.

Pure: :mod:`launcher.usecases.diagnose` collects, :mod:`launcher.edges.disk.bundle` writes. :func:`build`
hides all credentials, by :mod:`launcher.core.redaction`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from launcher.core import foreign
from launcher.core.moments import UNITS
from launcher.core.redaction import Mask, redacted
from launcher.core.report.status import cause_line
from launcher.core.views import ContainerView, PodEvent, PodView, ReleaseView, Seen, age_seconds
from launcher.core.yaml_text import written

__all__ = [
    "Bundle",
    "Facts",
    "Log",
    "age",
    "build",
    "container_names",
    "event_cells",
    "event_json",
    "event_line",
]

# The name of a container is a DNS label, if the API server says so.
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_NAME = 63


@dataclass(frozen=True)
class Log:
    """The end of one container's log.

    Attributes:
        container: its name.
        previous: whether this is the log of its previous run.
        lines: without line ends.
        missing: why there is no log; empty when there is one.
    """

    container: str
    previous: bool
    lines: tuple[str, ...] = ()
    missing: str = ""

    @property
    def file(self) -> str:
        """Name of its file in the bundle."""
        name = _NOT_A_NAME.sub("_", self.container)[:_LONGEST_NAME]
        return f"logs/{name}{'.previous' if self.previous else ''}.log"


@dataclass(frozen=True, kw_only=True, repr=False)
class Facts:
    """What was collected about one job.

    Attributes:
        status: JSON of ``fljob status``.
        pod: JSON of the pod.
        view: the pod as last seen, None when it never was.
        events: its events, oldest first.
        release: its Helm release.
        logs: of every container, current and previous.
        missing: what else could not be collected -> why.
        at: when this was collected.
        values: chart values of a job that has no release; None = those of the release.
        history: its record, as the history of a parent has it, or why there is none.
    """

    status: Mapping[str, Any]
    pod: Seen[Mapping[str, Any]]
    view: PodView | None
    events: Seen[tuple[PodEvent, ...]]
    release: Seen[ReleaseView]
    logs: tuple[Log, ...]
    missing: Mapping[str, str]
    at: datetime
    values: Seen[Mapping[str, Any]] | None = None
    history: Seen[Mapping[str, Any]] = field(
        default_factory=lambda: Seen[Mapping[str, Any]].unavailable("it was not launched")
    )


@dataclass(frozen=True)
class Bundle:
    """Texts by file name; ``/`` separates folders."""

    files: Mapping[str, str] = field(repr=False)

    @property
    def cause(self) -> str:
        """Why the job is in its state, in one line."""
        return self.files["cause.txt"].rstrip("\n")


def build(facts: Facts, mask: Mask) -> Bundle:
    """Return the bundle of one job.

    Args:
        facts: what was collected, with whatever credentials are in it.
        mask: hides credentials in a text, both known ones and what is shaped like one.
    """
    release, events, values = facts.release.value, facts.events.value, _values(facts)
    files = {
        "cause.txt": mask(cause_line(facts.status)) + "\n",
        "status.json": _json(redacted(facts.status, mask)),
        "conditions.txt": mask(_conditions(facts.view, facts.at)),
        "pod.yaml": _yaml(
            None if facts.pod.value is None else redacted(_without_managed_fields(facts.pod.value), mask),
            facts.pod.why,
        ),
        "events.txt": mask(_lines(event_line(event, facts.at) for event in events or ()))
        if events
        else _comment(facts.events.why or "there are none; Kubernetes forgets them after an hour"),
        "events.yaml": _yaml(
            None if events is None else redacted([event_json(event) for event in events], mask),
            facts.events.why,
        ),
        "helm-status.json": _json(
            {"missing": facts.release.why} if release is None else redacted(_release_json(release), mask)
        ),
        "values.yaml": _yaml(None if values.value is None else redacted(values.value, mask), values.why),
        "history.json": _json(redacted(facts.history.value or {"missing": facts.history.why}, mask)),
    }
    for log in facts.logs:
        text = _comment(log.missing) if log.missing else _lines(log.lines)
        files[log.file] = mask(text) or _comment("the log is empty")
    missing = _missing(facts)
    if missing:
        files["missing.txt"] = mask(
            _lines(f"{name}: {' '.join(why.split())}" for name, why in missing.items())
        )
    return Bundle({name: foreign.lines(text) for name, text in files.items()})


def _values(facts: Facts) -> Seen[Mapping[str, Any]]:
    if facts.values is not None:
        return facts.values
    release = facts.release
    return Seen(release.presence, None if release.value is None else release.value.values, release.why)


def _missing(facts: Facts) -> dict[str, str]:
    parts: dict[str, Seen[Any]] = {
        "pod.yaml": facts.pod,
        "events": facts.events,
        "helm-status.json, values.yaml" if facts.values is None else "helm-status.json": facts.release,
    }
    if facts.values is not None:
        parts["values.yaml"] = facts.values
    found = {name: seen.why for name, seen in parts.items() if seen.value is None}
    # No previous log is no loss: the container was never restarted.
    found |= {log.file: log.missing for log in facts.logs if log.missing and not log.previous}
    return found | dict(facts.missing)


def container_names(pod: Mapping[str, Any] | None, view: PodView | None) -> tuple[str, ...]:
    """Return the names of all containers in the order in which they start."""
    if view is not None and view.containers:
        return tuple(container.name for container in view.containers)
    spec = (pod or {}).get("spec")
    lists = [spec.get(key) for key in ("initContainers", "containers")] if isinstance(spec, Mapping) else []
    items = [item for one in lists if isinstance(one, list) for item in one]
    return tuple(
        item["name"] for item in items if isinstance(item, Mapping) and isinstance(item.get("name"), str)
    )


def age(since: datetime | None, now: datetime) -> str:
    """Return the age of something, such as ``3m``; ``?`` when it is not known."""
    if since is None:
        return "?"
    seconds = max(0, round(age_seconds(since, now)))
    return next((f"{seconds // size}{unit}" for size, unit in UNITS if seconds >= 2 * size), f"{seconds}s")


def event_line(event: PodEvent, now: datetime) -> str:
    """Return one line of a table: age, type, reason, count, message."""
    return "  ".join(event_cells(event, now))


def event_cells(event: PodEvent, now: datetime) -> tuple[str, ...]:
    """Return its cells; all but the message have a fixed width."""
    kind, reason = foreign.line(event.type), foreign.line(event.reason)
    fixed = f"{age(event.last_seen, now):>5}", f"{kind:7}", f"{reason:24}", f"{event.count:>5}"
    return (*fixed, foreign.line(" ".join(event.message.split())))


def event_json(event: PodEvent) -> dict[str, Any]:
    """Return an event as JSON; the keys are stable."""
    return {
        "lastSeen": event.last_seen.isoformat(timespec="seconds") if event.last_seen else None,
        "type": foreign.line(event.type),
        "reason": foreign.line(event.reason),
        "count": event.count,
        "message": foreign.line(event.message),
        "source": foreign.line(event.source),
    }


def _conditions(pod: PodView | None, now: datetime) -> str:
    if pod is None:
        return "# no pod of this job was ever seen\n"
    head = f"pod {pod.namespace}/{pod.name}  {pod.phase or 'no phase'}  on {pod.node or 'no node'}"
    lines = [foreign.line(": ".join(filter(None, (head, pod.reason, pod.message)))), "", "CONDITIONS"]
    for condition in pod.conditions:
        why = foreign.line(": ".join(filter(None, (condition.reason, condition.message))))
        lines.append(
            f"{condition.type:26} {condition.status:8} {age(condition.since, now):>5}  {why}".rstrip()
        )
    lines += ["", "CONTAINERS"]
    lines += [_container(container) for container in pod.containers]
    return _lines(lines)


def _container(container: ContainerView) -> str:
    facts = [container.reason, container.message]
    if container.exit_code is not None:
        facts.insert(0, f"exit code {container.exit_code}")
    if container.restarts:
        ended = (
            f", last time {container.last_reason} {container.last_exit_code}" if container.last_reason else ""
        )
        facts.append(f"{container.restarts} restarts{ended}")
    why = foreign.line(": ".join(filter(None, facts)))
    return f"{container.name:26} {container.kind.name.lower():12} {container.state.value:10}  {why}".rstrip()


def _release_json(release: ReleaseView) -> dict[str, Any]:
    return {
        "name": release.name,
        "namespace": release.namespace,
        "status": release.status,
        "revision": release.revision,
        "updated": release.updated.isoformat(timespec="seconds") if release.updated else None,
    }


def _without_managed_fields(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pod without managedFields, as kubectl shows it."""
    metadata = pod.get("metadata")
    if not isinstance(metadata, Mapping):
        return dict(pod)
    return {**pod, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _comment(why: str) -> str:
    return f"# {' '.join(why.split())}\n"


def _json(tree: Any) -> str:
    tree = foreign.tree(tree)
    return json.dumps(tree, indent=2, ensure_ascii=False, default=str) + "\n"


def _yaml(tree: Any, why: str) -> str:
    if tree is None:
        return _comment(why)
    tree = foreign.tree(tree)
    return written(tree)
