"""Which of several parents of one site acts: the one that was started last, as its Lease says.

Two parents of a site are nothing unusual. FLARE ignores SIGTERM, so one whose pod was deleted works on for
half a minute beside its successor; a Deployment of two replicas has two for good; one that was cut off comes
back. FLARE's server talks to the one that registered last ("already registered. Re-login the client with a
new token"), so the last one takes the Lease from whoever holds it, once, and who has lost it waits until it
runs out. By the rule of leader election, in which the first holder stays, the old parent would keep jobs that
only the new one can bring home.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from launcher.core.views import age_seconds
from launcher.core.watched import LASTS

__all__ = ["Answer", "SiteLease", "claimed", "decide", "is_held", "lease_name", "released"]

_HASH = 20
# Of the API's type. Anybody who may write Leases can write it, and the next number would be refused.
_MOST_TRANSITIONS = (1 << 31) - 1


@dataclass(frozen=True)
class SiteLease:
    """The Lease of the parents of a site.

    Attributes:
        holder: who acts; empty = nobody.
        renewed: when the holder said so last, by the API server's clock; None = not readable.
        acquired: since when it is the holder; None = not readable.
        transitions: how often the holder has changed.
        version: resource version, by which a change of another is noticed; empty = there is no Lease yet.
    """

    holder: str = ""
    renewed: datetime | None = None
    acquired: datetime | None = None
    transitions: int = 0
    version: str = ""


class Answer(enum.Enum):
    """What a parent does about the Lease of its site."""

    RENEW = "renew"
    TAKE = "take"
    STAND_DOWN = "stand down"


def lease_name(site: str, federation: str) -> str:
    """Return the name of the Lease of the parents of a site in a federation."""
    text = f"{federation}\0{site}".encode("utf-8", "surrogatepass")
    return f"fljob-parent-{hashlib.sha256(text).hexdigest()[:_HASH]}"


def is_held(lease: SiteLease, now: datetime) -> bool:
    """Tell whether somebody holds it now; a time far ahead is nobody's: the API server's clock writes it."""
    return bool(lease.holder) and abs(age_seconds(lease.renewed, now)) < LASTS


def decide(lease: SiteLease, own: str, now: datetime, *, has_acted: bool) -> Answer:
    """Return what a parent has to do.

    Args:
        lease: as it is; without a version where there is none.
        own: the name of the parent as a holder.
        now: the API server's time.
        has_acted: whether this parent has held it before.
    """
    if lease.holder == own:
        return Answer.RENEW
    return Answer.STAND_DOWN if has_acted and is_held(lease, now) else Answer.TAKE


def claimed(lease: SiteLease, own: str, now: datetime) -> SiteLease:
    """Return the Lease as this parent writes it: renewed, or taken."""
    if lease.holder == own:
        return replace(lease, renewed=now)
    changes = min(lease.transitions + (1 if lease.version else 0), _MOST_TRANSITIONS)
    return replace(lease, holder=own, renewed=now, acquired=now, transitions=changes)


def released(lease: SiteLease) -> SiteLease:
    """Return the Lease as its holder leaves it when it ends by itself."""
    return replace(lease, holder="")
