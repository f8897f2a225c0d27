"""What is wrong with a certificate of a startup kit: parent and job processes show each other the same one.

Between a parent and its job processes FLARE 2.9 speaks mTLS with the certificate of the site on both ends, so
it must be good for a client and for a server. FLARE takes one without extended key usage for good for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["NAMES", "SOON", "Certificate", "Fault", "faults"]

# The certificate of a client and of the server; a kit has one of both, with a key of the same name.
NAMES = ("client", "server")
SOON = timedelta(days=30)
_AGAIN = "provision the project again with FLARE 2.9 and distribute the new kits"


@dataclass(frozen=True)
class Certificate:
    """A certificate, as far as it can be told.

    Attributes:
        name: its file.
        begins: when it becomes valid.
        ends: when it is valid no longer.
        client: whether it is good for a client.
        server: whether it is good for a server.
        signs: whether its key may sign.
        has_key: whether the key beside it is its own.
        has_root: whether ``rootCA.pem`` beside it signed it.
        root_ends: when that is valid no longer; None = unknown.
    """

    name: str
    begins: datetime
    ends: datetime
    client: bool = True
    server: bool = True
    signs: bool = True
    has_key: bool = True
    has_root: bool = True
    root_ends: datetime | None = None


@dataclass(frozen=True)
class Fault:
    """A sentence, its cure, and whether it is none yet."""

    sentence: str
    cure: str = _AGAIN
    is_warning: bool = False


def faults(one: Certificate, now: datetime) -> Iterator[Fault]:
    """Yield what is wrong with a certificate."""
    if now >= one.ends:
        yield Fault(f"expired on {one.ends:%Y-%m-%d}")
    elif now < one.begins:
        cure = "wait until then, or correct the clock of the machine that provisioned it"
        yield Fault(f"is not valid before {one.begins:%Y-%m-%d %H:%M} UTC", cure)
    elif one.ends - now < SOON:
        yield Fault(f"expires on {one.ends:%Y-%m-%d}", is_warning=True)
    if one.root_ends is not None and now >= one.root_ends:
        yield Fault(f"rootCA.pem expired on {one.root_ends:%Y-%m-%d}")
    usages = {"a client": one.client, "a server": one.server}
    if missing := [usage for usage, is_allowed in usages.items() if not is_allowed]:
        words = " and ".join(missing)
        yield Fault(f"its extended key usage is not for {words}: parent and job processes use it as both")
    if not one.signs:
        yield Fault("its key usage does not allow digital signatures")
    if not one.has_key:
        stem = one.name.rpartition(".")[0]
        yield Fault(f"{stem}.key is not its key", "copy certificate and key from the same kit")
    if not one.has_root:
        yield Fault("rootCA.pem did not sign it", "copy all of startup/ from the same kit")
