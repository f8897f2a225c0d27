"""What the launcher alone decides in the values: no other layer may say otherwise.

``launcher.yaml.j2`` writes these values; nothing here writes any.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from launcher.core.checks import key_path, require_known, require_mapping, show
from launcher.core.merge import named_items
from launcher.core.names import PREFIX
from launcher.core.spec.podtemplate import CONTAINER_OWNED, POD_OWNED
from launcher.core.spec.study import RESERVED_ENV
from launcher.errors import InvalidInput

__all__ = ["TOP_KEYS", "refuse_owned", "refuse_reserved_env", "require_owned"]

# In the order of the chart's values.yaml, which is the order of the result.
TOP_KEYS = (
    "job",
    "labels",
    "image",
    "imagePullSecrets",
    "command",
    "args",
    "env",
    "workspace",
    "startupKit",
    "datasets",
    "secretMounts",
    "resources",
    "podSecurity",
    "pod",
    "container",
    "extra",
    "disruption",
    "networkPolicy",
    "test",
)

_REMOVE = "remove the key"
# Key path that is the launcher's, with all below it -> what to do instead of setting it.
_OWNED = {
    ("job",): _REMOVE,
    ("labels",): "set it in `pod.labels`",
    ("image", "reference"): _REMOVE,
    ("command",): "remove the key; `command` of fljob.yaml is what runs when nothing else is asked for",
    ("args",): _REMOVE,
    ("workspace",): "remove the key; `workspace_mount_path` and `ephemeral_storage` of fljob.yaml decide",
    ("startupKit",): _REMOVE,
    ("pod", "name"): _REMOVE,
    ("container", "name"): _REMOVE,
}
# What others may add to: an item of the launcher's wins over one of the same name.
_SHARED = (("imagePullSecrets",), ("env",), ("pod", "annotations"))
# helm.sh/hook, helm.sh/resource-policy, meta.helm.sh/release-name
_OF_HELM = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.){0,3}helm\.sh/")
_PASS_THROUGH = {"pod": POD_OWNED, "container": CONTAINER_OWNED}


def require_owned(layer: Mapping[str, Any], source: str) -> None:
    """Refuse a launcher's layer that is not whole: what it leaves out, any other layer could set.

    Args:
        layer: values of ``launcher.yaml.j2``.
        source: name of the template, for errors.

    Raises:
        InvalidInput: with source and key path.
    """
    for path in (*_OWNED, *_SHARED):
        if _dig(layer, path, source) is None:
            where = key_path(source, ".".join(path))
            raise InvalidInput("is missing", where=where, cure="install fljob-launcher again")


def refuse_owned(layer: Mapping[str, Any], owned: Mapping[str, Any], source: str) -> None:
    """Refuse a layer that sets a launcher-owned key to something else, or a key that no chart value has.

    Args:
        layer: values of one source.
        owned: values of ``launcher.yaml.j2``.
        source: name of the source, for errors.

    Raises:
        InvalidInput: with source and key path.
    """
    require_known(layer, TOP_KEYS, source)
    for path, cure in _OWNED.items():
        where = key_path(source, ".".join(path))
        above = key_path(source, ".".join(path[:-1])) if path[:-1] else source
        if path[-1] in require_mapping(_dig(layer, path[:-1], source) or {}, above):
            _refuse_change(_dig(layer, path, source), _dig(owned, path, ""), where, cure)
    for key in ("labels", "annotations"):
        where = key_path(source, f"pod.{key}")
        own = _dig(owned, ("pod", key), "") or {}
        for name, value in require_mapping(_dig(layer, ("pod", key), source) or {}, where).items():
            if str(name).startswith(PREFIX) and (value is None or own.get(name) != value):
                raise InvalidInput(f"{name} belongs to the launcher", where=where, cure=_REMOVE)
    _refuse_helms_annotations(layer, source)
    for part, keys in _PASS_THROUGH.items():
        where = key_path(source, f"{part}.spec")
        for name in require_mapping(_dig(layer, (part, "spec"), source) or {}, where):
            if name in keys:
                cure = "use the chart value of that purpose (image, env, resources, extra.volumes, ...)"
                raise InvalidInput(f"{name} belongs to the launcher", where=where, cure=cure)


def _refuse_helms_annotations(layer: Mapping[str, Any], source: str) -> None:
    """Refuse annotations by which Helm would treat the pod as something else than an object of the release.

    With ``helm.sh/hook: test`` there is no pod, with ``post-install`` Helm waits for its end, with
    ``pre-delete`` the job runs when it is removed, and ``meta.helm.sh/release-name`` names another release.
    """
    where = key_path(source, "pod.annotations")
    for name in require_mapping(_dig(layer, ("pod", "annotations"), source) or {}, where):
        if _OF_HELM.match(str(name)):
            raise InvalidInput(f"{name} belongs to Helm", where=where, cure=_REMOVE)


def refuse_reserved_env(layer: Mapping[str, Any], owned: Mapping[str, Any], source: str) -> None:
    """Refuse a reserved environment name of FLARE with another value than the launcher's.

    Pod templates are not held to this: FLARE silently replaces what they say.

    Raises:
        InvalidInput: with source and name.
    """
    where = key_path(source, "env")
    for item in named_items(layer.get("env"), where):
        if item["name"] in RESERVED_ENV and item not in owned["env"]:
            raise InvalidInput(f"{item['name']} belongs to the launcher", where=where, cure="remove the item")


def _dig(values: Mapping[str, Any], path: tuple[str, ...], source: str) -> Any:
    """Return the value at ``path``, None when there is none."""
    value: Any = values
    for depth, key in enumerate(path):
        if value is None:
            return None
        value = require_mapping(value, key_path(source, ".".join(path[:depth])) if depth else source).get(key)
    return value


def _refuse_change(value: Any, own: Any, where: str, cure: str) -> None:
    """Refuse ``value`` unless it says the same as ``own``; of a mapping, any part of it."""
    if value == own and value is not None:
        return
    if isinstance(value, dict) and isinstance(own, dict):
        for key, item in value.items():
            if item != own.get(key):
                _refuse_change(item, own.get(key), key_path(where, key), cure)
        return
    has = "" if own is None else f" ({show(own)})"
    raise InvalidInput(f"belongs to the launcher{has} and cannot be {show(value)}", where=where, cure=cure)
