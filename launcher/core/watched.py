"""What a process says of itself while it watches jobs: one Lease, however many jobs there are.

The holder renews it by the API server's clock, and whoever reads it compares with the same: no clock of a
machine has a say.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from launcher.core.views import age_seconds

__all__ = ["LASTS", "LeaseView", "is_live", "is_stale", "job_mark", "marks_from_text", "marks_to_text"]

# Seconds that a renewal counts. A job id can be launched again a minute after its launcher was killed.
LASTS = 45
# Whoever was away for so long is gone: a parent that comes back makes its Lease anew.
_STALE = 3600.0
_MARK = re.compile(r"[0-9a-f]{16}")
# An object has 256 KiB of annotations at most; of more jobs than these the age alone tells.
_MOST = 12_000


@dataclass(frozen=True)
class LeaseView:
    """A Lease of a process.

    Attributes:
        holder: who holds it, for people.
        renewed: when it was renewed, by the API server's clock; None = not readable.
        jobs: marks of the releases that it watches.
    """

    holder: str
    renewed: datetime | None
    jobs: frozenset[str] = frozenset()


def job_mark(release: str) -> str:
    """Return what stands for a release in a Lease: 16 hex digits."""
    return hashlib.sha256(release.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def marks_to_text(marks: Iterable[str]) -> str:
    """Return the annotation that names jobs; the same jobs give the same text."""
    return " ".join(sorted(marks)[:_MOST])


def marks_from_text(text: object) -> frozenset[str]:
    """Return the jobs that an annotation names; what is none of our marks is nobody's."""
    words = text.split() if isinstance(text, str) else []
    return frozenset(word for word in words if _MARK.fullmatch(word))


def is_live(lease: LeaseView, now: datetime) -> bool:
    """Tell whether its holder has renewed it lately; ``now`` is the API server's time."""
    return -_STALE <= age_seconds(lease.renewed, now) < LASTS


def is_stale(lease: LeaseView, now: datetime) -> bool:
    """Tell whether its holder is gone for good; nobody was there at a time far ahead: a forged one."""
    return not -_STALE <= age_seconds(lease.renewed, now) < _STALE
