"""The logins of a registry Secret (``kubernetes.io/dockerconfigjson`` or ``kubernetes.io/dockercfg``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from launcher.core.plan.images import Login
from launcher.core.plan.logins import logins_in
from launcher.edges.kube.untyped import as_bytes, as_map

__all__ = ["logins_of"]

# What the kubelet reads of an entry (DockerConfigEntry of its pkg/credentialprovider): no tokens, with which
# Docker and helm would get in.
_KEYS = ("auth", "username", "password")


def logins_of(secret: Mapping[str, Any]) -> tuple[Login, ...]:
    """Return the logins of a Secret; what cannot be read of it is left out, as the kubelet does.

    Args:
        secret: as the API server has it.
    """
    data = as_map(secret.get("data"))
    entries = {
        **as_map(as_map(_parsed(data.get(".dockerconfigjson"))).get("auths")),
        **as_map(_parsed(data.get(".dockercfg"))),
    }
    known = {where: {key: as_map(entry).get(key) for key in _KEYS} for where, entry in entries.items()}
    return tuple(logins_in(known))


def _parsed(value: Any) -> Any:
    try:
        return json.loads(as_bytes(value))
    except (ValueError, RecursionError):
        return None
