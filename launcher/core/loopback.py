"""Whether a host is this machine."""

from __future__ import annotations

import ipaddress

__all__ = ["is_loopback", "is_loopback_authority"]


def is_loopback(host: str) -> bool:
    """Return whether a host, without a port, is ``localhost`` or an address of the loopback interface."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def is_loopback_authority(authority: str) -> bool:
    """Return the same of a host that may have a port, as references to registries have it."""
    name, bracket, _ = authority.partition("]")
    return is_loopback(name if bracket else authority.partition(":")[0])
