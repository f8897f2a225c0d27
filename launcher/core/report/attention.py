"""Which lines of a difference a reviewer should see first, and why: the table of docs/review.md, as rules.

A rule reads a line as it is shown and nothing else, so that a line of a values template counts as well: it
may be in no manifest, because the job that was rendered does not take that branch. No line is hidden for
being harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from launcher.core.manifest_diff import Change

__all__ = ["Found", "look_at"]


@dataclass(frozen=True)
class _Rule:
    """What a line with this sign and these words means."""

    sign: str
    words: re.Pattern[str]
    why: str


@dataclass(frozen=True)
class Found:
    """A line to look at.

    Attributes:
        why: what it means.
        shown: the line of the diff.
        where: whose lines these are: names of studies, or the settings of the site.
    """

    why: str
    shown: str
    where: tuple[str, ...]


def _added(words: str, why: str) -> _Rule:
    return _Rule("+", re.compile(words), why)


# The first that fits says why. In a manifest the path comes before the value, in a template the key does.
_RULES = (
    _added(r"hostPath\b", "a folder of the node"),
    _added(r"\b(hostNetwork|hostPID|hostIPC|procMount|hostUsers)\b", "a namespace of the node"),
    _added(
        r"\b(privileged|allowPrivilegeEscalation)\b\W{1,8}true|capabilities\W{1,4}add",
        "more rights on the node",
    ),
    _added(
        r"automountServiceAccountToken\W{1,8}true|serviceAccountToken|serviceAccountName",
        "the API server, as that account",
    ),
    _added(r"claimName\b", "data: whose is that claim"),
    _added(r"\breadOnly\b\W{1,8}false", "data that the job can change"),
    _added(r"\b(secretName|secretKeyRef|secretRef)\b", "the content of a Secret"),
    _added(r"(limits|requests)\W.{0,20}[a-z0-9.-]{1,100}/[a-z0-9.-]{1,60}", "devices: how many, and of whom"),
    _added(
        r"[a-z0-9-]{1,60}(?:\.[a-z0-9-]{1,60}){1,5}/(gpu|[a-z0-9-]{0,20}gpu[a-z0-9-]{0,20})\b",
        "devices: how many",
    ),
    _added(r"\b(egress|ingress)\[\d{1,4}\]: \{\}", "traffic to and from everywhere"),
    _added(
        r"\{%-? ?(if|for|elif|else|include|import|extends)\b",
        "depends on the job: no manifest below may show it",
    ),
    _added(r"\bimage\b\W{1,8}[\w\"']|\.image: ", "other code: who builds it"),
    _Rule(
        "-",
        re.compile(r"\b(securityContext|seccompProfile|runAsNonRoot|NetworkPolicy)\b"),
        "a protection goes",
    ),
    _Rule("-", re.compile(r"readOnlyRootFilesystem|\bsizeLimit\b"), "a bound goes"),
)


def look_at(groups: Sequence[tuple[tuple[str, ...], Sequence[Change]]]) -> list[Found]:
    """Return the lines to look at first, those of one meaning together, in the order of the rules.

    A line that a change only moves, with the same words on both sides, is none.

    Args:
        groups: the changes, and whose they are.
    """
    ranks: Mapping[str, int] = {rule.why: rank for rank, rule in enumerate(reversed(_RULES))}
    found = [one for where, changes in groups for one in _of(where, changes)]
    return sorted(found, key=lambda one: -ranks[one.why])


def _of(where: tuple[str, ...], changes: Sequence[Change]) -> Iterator[Found]:
    gone = {one.shown[1:] for one in changes if one.sign == "-"}
    made = {one.shown[1:] for one in changes if one.sign == "+"}
    for one in changes:
        if one.shown[1:] in (gone if one.sign == "+" else made):
            continue
        why = next(
            (rule.why for rule in _RULES if rule.sign == one.sign and rule.words.search(one.shown)), ""
        )
        if why:
            yield Found(why, one.shown, where)
