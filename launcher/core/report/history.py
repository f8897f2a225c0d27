"""The record of a job that is gone: one line of JSON, for who asks weeks later what ran, and where time went.

It has no text of a pod and no credential, so that others than the job's owner may keep and read a history.
Whoever can write into a workspace can change a history: it is read as text of others.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from launcher.core import untrusted
from launcher.core.ending.outcome import Outcome
from launcher.core.foreign import line
from launcher.core.image_digest import CONFIG, MANIFEST, digest_of, is_digest
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.ledger_note import LedgerNote
from launcher.core.lifecycle.state import Track

__all__ = ["LONGEST", "Record", "as_json", "from_line", "record_of", "to_line"]

# Characters of a line; a longer one is no record of ours.
LONGEST = 65_536
_VERSION = 1
_SUBMITTER = ("submitter", "submitter_org", "submitter_role")
_LONGEST_WORD = 300
_MOST_RESOURCES, _LONGEST_NAME = 20, 128
_LONGEST_TIME = 1e9


@dataclass(frozen=True, kw_only=True)
class Record:
    """A job that has ended.

    Attributes:
        job: FLARE's id of it.
        release: its Helm release.
        namespace: of the release.
        site: where it ran.
        role: ``client`` or ``server``.
        study: its study; empty for none.
        node: where its pod was; empty when it was nowhere.
        image: what its container was to run.
        digest: of what it ran, such as ``sha256:...``; empty when it never started, or nobody says.
        digest_of: what that is the digest of, a word of :mod:`launcher.core.image_digest`.
        resources: what it asked for, by resource.
        launched: when it was launched.
        ended: when it has ended.
        code: how, a code of the catalogue.
        return_code: what FLARE got.
        exit_code: of its container, None when that did not end by itself.
        clock: the setting whose time ran out; empty when none did.
        seconds: where the time went, by cause.
        submitter: who submitted it to FLARE; empty where that is not known, or the site does not want it.
        submitter_org: their organisation.
        submitter_role: their role in FLARE.
    """

    job: str
    release: str
    namespace: str
    site: str
    role: str
    study: str
    node: str
    image: str
    digest: str = ""
    digest_of: str = ""
    resources: Mapping[str, str] = field(default_factory=dict)
    launched: datetime
    ended: datetime
    code: str
    return_code: int
    exit_code: int | None = None
    clock: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    submitter: str = ""
    submitter_org: str = ""
    submitter_role: str = ""


def record_of(
    job: JobRef,
    track: Track,
    outcome: Outcome,
    note: LedgerNote,
    *,
    submitter: tuple[str, str, str] = ("", "", ""),
) -> Record:
    """Return the record of a job.

    Args:
        job: its names.
        track: everything known about it.
        outcome: how it ended.
        note: where its time went.
        submitter: name, organisation and role of who submitted it, empty where that is not known.
    """
    main = None if track.pod is None else track.pod.main
    digest, digest_is_of = digest_of("" if main is None else main.image_id)
    return Record(
        job=job.job_id,
        release=job.release,
        namespace=job.namespace,
        site=job.site,
        role=job.role,
        study=job.study,
        node="" if track.pod is None else track.pod.node,
        image="" if main is None else line(main.image, _LONGEST_WORD),
        digest=digest,
        digest_of=digest_is_of,
        resources={} if main is None else _first_few(main.requests),
        launched=note.launched,
        ended=note.until,
        code=outcome.code.value,
        return_code=int(outcome.return_code),
        exit_code=outcome.exit_code,
        clock=outcome.clock,
        seconds={cause: round(seconds, 3) for cause, seconds in note.seconds.items()},
        **dict(zip(_SUBMITTER, submitter, strict=True)),
    )


def _first_few(resources: Mapping[str, str]) -> dict[str, str]:
    """Return resources of a pod as a line can hold them: whoever makes one asks for what they like."""
    shown = itertools.islice(resources.items(), _MOST_RESOURCES)
    return {line(name, _LONGEST_NAME): line(amount, _LONGEST_NAME) for name, amount in shown}


def as_json(record: Record) -> dict[str, Any]:
    """Return a record as the JSON of its line; the keys are stable."""
    content = {**asdict(record), "version": _VERSION}
    content |= {key: getattr(record, key).isoformat(timespec="milliseconds") for key in ("launched", "ended")}
    return content


def to_line(record: Record) -> str:
    """Return the line of a record, with its line end."""
    return json.dumps(as_json(record), ensure_ascii=True) + "\n"


def from_line(text: str) -> Record | None:
    """Return the record that a line holds; None when it holds something else."""
    if len(text) > LONGEST:
        return None
    try:
        content = json.loads(text)
        if content.get("version") != _VERSION:
            return None
        return Record(**{key: read(content[key]) for key, read in _READERS.items() if _is_due(key, content)})
    except untrusted.UNREADABLE:
        return None


def _is_due(key: str, content: Mapping[str, Any]) -> bool:
    return key in content or key not in _LATER


def _digest(value: Any) -> str:
    if value != "" and not is_digest(untrusted.word(value)):
        raise ValueError
    return untrusted.word(value)


def _of_digest(value: Any) -> str:
    if value not in ("", MANIFEST, CONFIG):
        raise ValueError
    return untrusted.word(value)


def _whole_or_none(value: Any) -> int | None:
    return None if value is None else untrusted.whole(value)


# What the first records did not have.
_LATER = frozenset({"digest", "digest_of", *_SUBMITTER})
_READERS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        ("job", "release", "namespace", "site", "role", "study", "node", "image"), untrusted.word
    ),
    **dict.fromkeys(_SUBMITTER, untrusted.word),
    "digest": _digest,
    "digest_of": _of_digest,
    "resources": untrusted.texts,
    "launched": untrusted.moment,
    "ended": untrusted.moment,
    "code": untrusted.word,
    "return_code": untrusted.whole,
    "exit_code": _whole_or_none,
    "clock": untrusted.word,
    "seconds": untrusted.amounts,
}
