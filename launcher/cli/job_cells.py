"""What single cells of a table of jobs say: the cause, the time left, what was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.cells import cell_len, set_cell_size

from launcher.core import foreign
from launcher.core.catalogue import Code
from launcher.core.report.bundle import age
from launcher.core.report.pull_errors import named_once
from launcher.core.report.status import pull_of

__all__ = ["OVER", "Why", "asks", "cause", "decides", "lasting", "left", "short_ids"]

Row = Mapping[str, Any]

_MORE = "..."
OVER = "over"
_LONGEST_WHY = 300
# Columns that a sentence must have beside its code to be begun at all.
_WORTH_IT = 5
# Columns in which a download is told with its image.
_WORTH_A_LINE = 48
_SHORTEST_ID = 8
_LONGEST_AMOUNT = 12
_MINUTES = 120.0
# Its name is made of the job's id, which stands in the row; `fljob status` has it.
_CONTAINER = re.compile(r"^container \S{1,63}: ")
# The units of what people ask for most; all else stands in the JSON.
_PLAIN = {"cpu": " cpu", "memory": ""}
_DEVICE = "/"


@dataclass(frozen=True)
class Why:
    """A cause as text, of which neither the code nor the end is cut.

    Attributes:
        code: what stands in docs/causes.md.
        said: what is known about it; of an image, which has an ``end``, the tag at its end tells most.
        end: what is as important as the code: how long a download lasts.
    """

    code: str = ""
    said: str = ""
    end: str = ""

    def __bool__(self) -> bool:
        """Tell whether there is a cause at all."""
        return bool(self.code)

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.code}: {self.said}{self.end}" if self.said else f"{self.code}{self.end}"

    @property
    def least(self) -> int:
        """Columns that it takes without what can be cut."""
        return cell_len(self.code) + cell_len(self.end)

    @property
    def wanted(self) -> int:
        """Columns below which it is better given a line of its own."""
        return min(cell_len(self.text), _WORTH_A_LINE) if self.end else self.least

    def within(self, width: int) -> str:
        """Return the text cut to so many columns."""
        if cell_len(self.text) <= width:
            return self.text
        space = width - cell_len(f"{self.code}: {_MORE}{self.end}")
        if space < _WORTH_IT:
            return set_cell_size(f"{self.code}{self.end}", max(0, width)).rstrip()
        if self.end:
            return f"{self.code}: {_MORE}{set_cell_size(self.said[::-1], space)[::-1]}{self.end}"
        return f"{self.code}: {set_cell_size(self.said, space).rstrip()}{_MORE}"


def cause(row: Row, now: datetime) -> Why:
    """Return why a job is in its state, from its JSON, as of now."""
    if row["foreign"]:
        return Why(str(row["foreign"]["kind"]))
    why = row["outcome"] or row["pending"]
    if not why or why["code"] == Code.SUCCESS.value:
        return Why(why["code"] if why else "")
    if row["outcome"] is None and (pull := pull_of(why, now)) is not None:
        image, seconds = pull
        return Why(why["code"], foreign.head(image, _LONGEST_WHY), f" for {lasting(seconds)}")
    detail = named_once(_CONTAINER.sub("", str(why["detail"]), count=1))
    return Why(why["code"], foreign.line(detail, _LONGEST_WHY))


def lasting(seconds: float) -> str:
    """Return a duration in words: ``40 s``, ``12 min``."""
    return f"{seconds:.0f} s" if seconds < _MINUTES else f"{seconds // 60:.0f} min"


def left(pending: Mapping[str, Any] | None, now: datetime) -> str:
    """Return the time left on the clock of a pending job: empty without one, ``over`` behind its end."""
    if not pending or not pending["deadline"]:
        return ""
    end = datetime.fromisoformat(pending["deadline"])
    return OVER if pending["expired"] or end <= now else age(now, end)


def asks(row: Row) -> str:
    """Return what a job asks for: ``0.5 cpu 64Mi 1 gpu``."""
    requests: Mapping[str, str] = (row["pod"] or {}).get("requests") or {}
    said = [
        f"{foreign.head(requests[name], _LONGEST_AMOUNT)}{unit}"
        for name, unit in _PLAIN.items()
        if name in requests
    ]
    devices = [name for name in requests if _DEVICE in name and not name.startswith("hugepages-")]
    said += [
        f"{foreign.head(requests[name], _LONGEST_AMOUNT)} {name.rpartition(_DEVICE)[2]}" for name in devices
    ]
    return " ".join(said)


def decides(row: Row) -> bool:
    """Tell whether a row has a say in columns and their width: whoever may create a pod makes the others."""
    return not row["foreign"] and row.get("helm", True) is not None


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Return for each job id its shortest beginning, of eight characters at least, that no other one has."""
    known = sorted(set(ids))
    found = {}
    for number, one in enumerate(known):
        near = [known[n] for n in (number - 1, number + 1) if 0 <= n < len(known)]
        shared = max((_shared(one, other) for other in near), default=0)
        found[one] = one[: max(_SHORTEST_ID, shared + 1)]
    return found


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))
