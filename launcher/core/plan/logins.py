"""The logins in a configuration of Docker, ``auths``: of a registry Secret, or of somebody's own file."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from launcher.core.plan.images import Login

__all__ = ["login_of", "logins_in"]


def logins_in(entries: Any) -> Iterator[Login]:
    """Yield the logins of ``auths``; what cannot be read of it is left out, as the kubelet does.

    Of an entry with several the order is oras-go's, with which helm reads them: a token for the registry, one
    for its token service, user and password.

    Args:
        entries: place -> entry, as JSON has it.
    """
    for where, entry in entries.items() if isinstance(entries, dict) else ():
        if not isinstance(entry, dict):
            continue
        bearer, identity = entry.get("registrytoken"), entry.get("identitytoken")
        basic, user, password = (entry.get(key) for key in ("auth", "username", "password"))
        if isinstance(bearer, str) and _is_header(bearer):
            yield Login(where, "", bearer=bearer.strip())
        elif isinstance(identity, str) and _is_header(identity):
            yield Login(where, "", identity.strip())
        elif isinstance(basic, str) and _is_header(basic):
            yield Login(where, basic.strip())
        elif isinstance(user, str) and isinstance(password, str):
            yield login_of(where, user, password)


def login_of(where: str, user: str, password: str) -> Login:
    """Return the login of a user."""
    return Login(where, base64.b64encode(f"{user}:{password}".encode("utf-8", "replace")).decode())


def _is_header(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable()
