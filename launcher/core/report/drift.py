"""What has become of a release as people read it: sentences of a status, and the forms of `diff`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from launcher.core.drift import Drift, Finding, ObjectDrift, Why
from launcher.core.foreign import few, line, tree
from launcher.core.manifest_diff import Difference
from launcher.core.report import review

__all__ = ["DriftReport", "as_json", "as_markdown", "as_text", "summary"]

_MOST, _FIRST = 20, 3
_POD = "Pod"
_LONGEST_NAME = 200
_UNKNOWN: Mapping[Why, str] = {
    Why.CHANGED: "by somebody; a removal is recorded nowhere",
    Why.AT_CREATION: "by admission, such as a webhook",
    Why.ADDED: "by admission, such as a webhook",
}


@dataclass(frozen=True)
class DriftReport:
    """What is told of a release.

    Attributes:
        release: its name.
        namespace: where it lives.
        drift: what has become of its objects.
        not_asked: why the API server was not asked for an object.
        now: in what that which was installed differs from what would be installed now; None = nobody asked.
    """

    release: str
    namespace: str
    drift: Drift
    not_asked: Mapping[str, str]
    now: Difference | None = None

    @property
    def is_same(self) -> bool:
        """Whether nothing was changed, and nothing would be."""
        return not self.drift.is_drifted and (self.now is None or self.now.is_same)


def summary(drift: Drift | None) -> dict[str, Any] | None:
    """Return what `fljob status` says of a drift as JSON; None for what is not known."""
    if drift is None:
        return None
    told = [(one.is_drift, _sentence(thing, one)) for thing in drift.objects for one in thing.findings]
    gone = [f"{_name(thing)} is gone" for thing in drift.objects if thing.is_gone]
    return {
        "drifted": drift.is_drifted,
        "changes": list(few([*gone, *(text for is_drift, text in told if is_drift)], _MOST)),
        "notes": list(few([text for is_drift, text in told if not is_drift], _MOST)),
    }


def _sentence(thing: ObjectDrift, one: Finding) -> str:
    """Return a finding as a sentence: where, what, by whom; values are in `fljob diff`."""
    # The pod is the job's, whose name stands beside it.
    name = thing.kind if thing.kind == _POD else _name(thing)
    paths = list(dict.fromkeys(change.path for change in one.changes))
    more = f" and {len(paths) - _FIRST} more" if len(paths) > _FIRST else ""
    return line(f"{name} {', '.join(paths[:_FIRST])}{more}: {_reason(one)}")


def _reason(one: Finding) -> str:
    who = f"by {one.who}" if one.who else _UNKNOWN.get(one.why, "")
    return f"{one.why.value} {who}".rstrip()


def _name(thing: ObjectDrift) -> str:
    return line(f"{thing.kind}/{thing.name}", _LONGEST_NAME)


def as_json(found: DriftReport) -> dict[str, Any]:
    """Return it as JSON, without anything that a terminal would obey."""
    shown: dict[str, Any] = tree(
        {
            "same": found.is_same,
            "release": found.release,
            "namespace": found.namespace,
            "drifted": found.drift.is_drifted,
            "objects": [_object_json(one) for one in found.drift.objects],
            "notAsked": dict(found.not_asked),
            "now": None if found.now is None else review.as_json(found.now),
        }
    )
    return shown


def _object_json(thing: ObjectDrift) -> dict[str, Any]:
    found = [_finding_json(one) for one in thing.findings]
    return {
        "kind": thing.kind,
        "name": thing.name,
        "state": "gone" if thing.is_gone else "changed" if thing.is_drifted else "same",
        "changes": [one for one, of in zip(found, thing.findings, strict=True) if of.is_drift],
        "notes": [one for one, of in zip(found, thing.findings, strict=True) if not of.is_drift],
    }


def _finding_json(one: Finding) -> dict[str, Any]:
    return {
        "why": one.why.value,
        "by": [
            {
                "manager": by.manager,
                "operation": by.operation,
                "subresource": by.subresource,
                "time": by.time.isoformat() if by.time else None,
            }
            for by in one.by
        ],
        "lines": review.changes_json(one.changes),
    }


def as_text(found: DriftReport) -> str:
    """Return it as a diff, each change below a line that says who made it; notes follow."""
    where = line(f"{found.namespace}/{found.release}", _LONGEST_NAME)
    parts = [f"{where}: {_head(found.drift)}"]
    for thing in found.drift.objects:
        parts += _lines(thing, drift=True)
    notes = [text for thing in found.drift.objects for text in _lines(thing, drift=False)]
    parts += ["", "no drift:", *notes] if notes else []
    if found.now is not None:
        parts += ["", "what was installed, and what would be installed now:", ""]
        parts.append(review.as_text(found.now).rstrip("\n"))
    return "\n".join(parts) + "\n"


def _head(drift: Drift) -> str:
    return "not as it was installed" if drift.is_drifted else "as it was installed"


def _lines(thing: ObjectDrift, *, drift: bool) -> Iterator[str]:
    if thing.is_gone:
        if drift:
            yield f"{_name(thing)} is gone"
        return
    for one in thing.findings:
        if one.is_drift is drift:
            yield line(f"{_name(thing)}: {_reason(one)}")
            yield from (change.shown for change in one.changes)


def as_markdown(found: DriftReport) -> str:
    """Return it as a comment: what others wrote stands in code blocks that it cannot end."""
    changes = [text for thing in found.drift.objects for text in _lines(thing, drift=True)]
    notes = [text for thing in found.drift.objects for text in _lines(thing, drift=False)]
    parts = [f"### fljob diff: {_head(found.drift)}", ""]
    parts += review.fenced("Changed since:", changes) if changes else []
    parts += review.fenced("No drift:", notes) if notes else []
    text = "\n".join(parts).rstrip("\n") + "\n"
    return text if found.now is None else f"{text}\n{_now_markdown(found.now, len(text))}"


def _now_markdown(now: Difference, used: int) -> str:
    text = review.as_markdown(now, max(review.LONGEST_COMMENT - used, review.LONGEST_COMMENT // 2))
    return text.replace("### fljob diff: ", "### What would be installed now: ", 1)
