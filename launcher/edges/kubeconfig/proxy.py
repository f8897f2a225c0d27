"""The proxy in front of an API server, by the rules of Go, which kubectl and helm follow."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from launcher.core.loopback import is_loopback

__all__ = ["proxy_from_env"]

_PORTS = {"http": 80, "https": 443}


def proxy_from_env(server: str, environ: Mapping[str, str]) -> str:
    """Return the URL of the proxy for ``server``; empty = none.

    Upper case names win, ALL_PROXY is not known, and this machine is never behind a proxy.
    """
    url = urlsplit(server)
    proxy = _first(environ, f"{url.scheme}_proxy")
    if not proxy or is_loopback(url.hostname or "") or _is_excluded(url, _first(environ, "no_proxy")):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _first(environ: Mapping[str, str], name: str) -> str:
    return (environ.get(name.upper()) or environ.get(name) or "").strip()


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def _is_excluded(url: SplitResult, no_proxy: str) -> bool:
    host, port = (url.hostname or "").lower(), url.port or _PORTS.get(url.scheme, 0)
    entries = [entry.strip().lower() for entry in no_proxy.split(",")]
    return any(entry == "*" or _matches(entry, host, port) for entry in entries if entry)


def _matches(entry: str, host: str, port: int) -> bool:
    address = _ip(host)
    if "/" in entry:
        try:
            network = ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
        return address is not None and address in network
    name, wanted_port = _split_port(entry)
    if wanted_port not in ("", str(port)):
        return False
    if _ip(name) is not None or address is not None:
        return address is not None and _ip(name) == address
    name = name.removeprefix("*")
    return host.endswith(name) if name.startswith(".") else host == name or host.endswith(f".{name}")


def _split_port(entry: str) -> tuple[str, str]:
    """Split ``host:port``; a bare IPv6 address has colons and no port."""
    if _ip(entry) is not None:
        return entry, ""
    host, colon, port = entry.rpartition(":")
    return (host, port) if colon else (entry, "")
