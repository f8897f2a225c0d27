"""How a user logs in, in words: a server that refuses says nothing of where the credentials came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from launcher.core import foreign

__all__ = ["login_of"]


def login_of(user: Mapping[str, Any], name: str, source: str, *, variable: str = "") -> str:
    """Return ``the token of user 'me' of kubeconfig /k``; without credentials, that there are none.

    Args:
        user: as in a kubeconfig, with the environment over it.
        name: of the user; empty = that of a pod.
        source: the kubeconfig, or what there is instead.
        variable: of the environment, where the token came from.
    """
    whose = f"of user {foreign.quoted(name)} of kubeconfig {source}" if name else f"of {source}"
    if variable:
        return f"the token of {variable}"
    # The order in which client-go looks for them.
    ways = (
        ("tokenFile" in user, f"the token in {user.get('tokenFile')} {whose}"),
        ("token" in user, f"the token {whose}"),
        ("username" in user, f"the password {whose}"),
        (any(key.startswith("client-certificate") for key in user), f"the client certificate {whose}"),
        ("exec" in user, f"the answer of the credential program {_program(user)} {whose}"),
    )
    return next((words for is_there, words in ways if is_there), f"nobody, without credentials {whose}")


def _program(user: Mapping[str, Any]) -> str:
    return foreign.name(str(user.get("exec", {}).get("command", "")))
