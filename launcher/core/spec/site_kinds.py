"""Kinds of values that a single setting of the site has."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import Any

from launcher.core.chart_reference import chart_reference, in_registry, is_address, refuse_address
from launcher.core.spec.jobspec import Role
from launcher.core.spec.settings import FILE, Kind, choice, is_mapping, is_quantity
from launcher.core.syntax import is_image_name

__all__ = ["ADDRESS", "AMOUNTS", "CHART", "HANDED_DOWN", "IMAGE", "PORT", "ROLE"]

# Helm's own variables: each is handed down anyway, or it is a setting of the site (HELM_DRIVER is
# `storage_driver`, KUBECONFIG is `kubeconfig`), or it is kept from helm for a reason (HELM_DEBUG).
_OF_HELM = re.compile(r"HELM_\w*|KUBECONFIG")
_LAST_PORT = 65535
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def _is_handed_down(name: Any) -> bool:
    return (
        isinstance(name, str) and _VARIABLE.fullmatch(name) is not None and _OF_HELM.fullmatch(name) is None
    )


def _is_amounts(value: Any) -> bool:
    return is_mapping(value) and all(
        isinstance(name, str) and is_quantity(amount) for name, amount in value.items()
    )


def _is_image(value: Any) -> bool:
    return isinstance(value, str) and is_image_name(value)


def _is_port(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LAST_PORT


def _is_address(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def _is_chart_path(text: str) -> bool:
    return not in_registry(text) and not is_address(text)


def _check_chart(value: Any, where: str) -> None:
    refuse_address(value, where)
    if in_registry(value):
        chart_reference(value, where)


ROLE = choice(*(role.value for role in Role), convert=Role)
CHART = replace(FILE, is_path=_is_chart_path, check=_check_chart)
IMAGE = Kind(_is_image, "must be the name of an image", "write `{name}: {example}`")
AMOUNTS = Kind(
    _is_amounts,
    "must be a mapping of quantities in quotes",
    "write `{name}: {json}`",
    type=dict[str, Any],
)
HANDED_DOWN = Kind(
    _is_handed_down,
    "must be a list of names of environment variables, without KUBECONFIG and HELM_...",
    "write `{name}: {json}`; `kubeconfig` and `context` are keys",
    is_list=True,
)
PORT = Kind(
    _is_port,
    f"must be a port, 1 to {_LAST_PORT}, or null",
    "write `{name}: {example}`, or remove the key",
    type=int,
    nullable=True,
)
ADDRESS = Kind(
    _is_address,
    "must be an IP address of this machine",
    'write `{name}: "127.0.0.1"`, {json} for all addresses, `::1` without brackets; no name, no port',
)
