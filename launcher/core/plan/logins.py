"""The logins in a configuration of Docker, ``auths``: of a registry Secret, or of somebody's own file."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from launcher.core.plan.images import Login

__all__ = ["login_of", "logins_in"]


def logins_in(entries: Any) -> Iterator[Login]:
    """Yield the logins of ``auths``; what cannot be read of it is left out, as the kubelet does.

    The registry's challenge says which of an entry's it takes, as for oras-go, with which helm reads them.

    Args:
        entries: place -> entry, as JSON has it.
    """
    for where, entry in entries.items() if isinstance(entries, dict) else ():
        if not isinstance(entry, dict):
            continue
        user, password = entry.get("username"), entry.get("password")
        bearer, identity, basic = (
            _header(entry.get(key)) for key in ("registrytoken", "identitytoken", "auth")
        )
        if not basic and isinstance(user, str) and isinstance(password, str):
            basic = login_of(where, user, password).basic
        if bearer or identity or basic:
            yield Login(where, basic, identity, bearer)


def login_of(where: str, user: str, password: str) -> Login:
    """Return the login of a user."""
    return Login(where, base64.b64encode(f"{user}:{password}".encode("utf-8", "replace")).decode())


def _header(value: Any) -> str:
    return value.strip() if isinstance(value, str) and value.isascii() and value.isprintable() else ""
