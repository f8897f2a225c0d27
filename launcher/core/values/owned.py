"""What the launcher alone decides in the values, and the refusal of layers that try to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from launcher.core.checks import below, plain, require_known, require_mapping, show
from launcher.core.merge import named_items
from launcher.core.names import (
    ANNOTATION_PENDING_TIMEOUT,
    LABEL_ATTEMPT,
    LABEL_FEDERATION,
    LABEL_JOB_ID,
    LABEL_ROLE,
    LABEL_SITE,
    PREFIX,
    label_value,
)
from launcher.core.spec.jobspec import EnvVar, JobSpec
from launcher.core.spec.podtemplate import CONTAINER_OWNED, POD_OWNED
from launcher.core.spec.study import RESERVED_ENV
from launcher.errors import InvalidInput

__all__ = ["TOP_KEYS", "job_labels", "owned_values", "refuse_owned", "refuse_reserved_env"]

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
    "networkPolicy",
)

_OWNED = (
    ("job",),
    ("labels",),
    ("image", "reference"),
    ("command",),
    ("args",),
    ("workspace",),
    ("startupKit",),
    ("pod", "name"),
    ("container", "name"),
)
# What to do instead of setting a key below an owned one.
_CURES = {
    "labels": "set it in `pod.labels`",
    "workspace": "remove the key; `workspace_mount_path` and `ephemeral_storage` of fljob.yaml decide",
    "command": "remove the key; `command` of fljob.yaml is what runs when nothing else is asked for",
}
_PASS_THROUGH = {"pod": POD_OWNED, "container": CONTAINER_OWNED}


def job_labels(spec: JobSpec) -> dict[str, str]:
    """Return the launcher's labels of every object of a job; valid label values whatever the names are."""
    labels = {
        LABEL_JOB_ID: label_value(spec.job_id),
        LABEL_SITE: label_value(spec.site),
        LABEL_ROLE: spec.role.value,
        LABEL_ATTEMPT: str(spec.attempt),
    }
    return {**labels, LABEL_FEDERATION: spec.federation} if spec.federation else labels


def owned_values(spec: JobSpec) -> dict[str, Any]:
    """Return the values that hold whatever the templates say."""
    return {
        "job": {"id": spec.job_id, "site": spec.site, "role": spec.role.value, "study": spec.study},
        "labels": job_labels(spec),
        "image": {"reference": spec.image},
        "imagePullSecrets": [{"name": name} for name in spec.image_pull_secrets],
        "command": list(spec.command),
        "args": list(spec.args),
        "env": [_env_item(var) for var in spec.env],
        "workspace": {"mountPath": spec.workspace_mount_path, "sizeLimit": spec.ephemeral_storage},
        "startupKit": {"secretName": spec.startup_secret},
        "pod": {
            "name": spec.pod_name,
            "annotations": {ANNOTATION_PENDING_TIMEOUT: _seconds(spec.pending_timeout)},
        },
        "container": {"name": spec.container_name},
    }


def _env_item(var: EnvVar) -> dict[str, Any]:
    if var.secret is not None:
        ref = {"name": var.secret.secret, "key": var.secret.key}
        return {"name": var.name, "valueFrom": {"secretKeyRef": ref}}
    if var.raw is not None:
        return {**plain(var.raw, f"env {var.name}", prune=True), "name": var.name}
    return {"name": var.name, "value": var.value or ""}


def _seconds(timeout: float | None) -> str:
    if timeout is None:
        return "none"
    return str(int(timeout)) if timeout == int(timeout) else repr(timeout)


def refuse_owned(layer: Mapping[str, Any], owned: Mapping[str, Any], source: str) -> None:
    """Refuse a layer that sets a launcher-owned key to something else, or a key that no chart value has.

    Args:
        layer: values of one source.
        owned: result of :func:`owned_values`.
        source: name of the source, for errors.

    Raises:
        InvalidInput: with source and key path.
    """
    require_known(layer, TOP_KEYS, source)
    for path in _OWNED:
        cure = _CURES.get(path[0], "remove the key")
        where = below(source, ".".join(path))
        _refuse_change(_dig(layer, path, source), _dig(owned, path, ""), where, cure)
    for key in ("labels", "annotations"):
        where = below(source, f"pod.{key}")
        own = _dig(owned, ("pod", key), "") or {}
        for name, value in require_mapping(_dig(layer, ("pod", key), source) or {}, where).items():
            if str(name).startswith(PREFIX) and own.get(name) != value:
                raise InvalidInput(f"{name} belongs to the launcher", where=where, cure="remove the key")
    for part, keys in _PASS_THROUGH.items():
        where = below(source, f"{part}.spec")
        for name in require_mapping(_dig(layer, (part, "spec"), source) or {}, where):
            if name in keys:
                cure = "use the chart value of that purpose (image, env, resources, extra.volumes, ...)"
                raise InvalidInput(f"{name} belongs to the launcher", where=where, cure=cure)


def refuse_reserved_env(layer: Mapping[str, Any], owned: Mapping[str, Any], source: str) -> None:
    """Refuse a reserved environment name of FLARE with another value than the launcher's.

    Pod templates are not held to this: FLARE silently replaces what they say.

    Raises:
        InvalidInput: with source and name.
    """
    where = below(source, "env")
    for item in named_items(layer.get("env"), where):
        if item["name"] in RESERVED_ENV and item not in owned["env"]:
            raise InvalidInput(f"{item['name']} belongs to the launcher", where=where, cure="remove the item")


def _dig(values: Mapping[str, Any], path: tuple[str, ...], source: str) -> Any:
    """Return the value at ``path``, None when there is none."""
    value: Any = values
    for depth, key in enumerate(path):
        if value is None:
            return None
        value = require_mapping(value, below(source, ".".join(path[:depth])) if depth else source).get(key)
    return value


def _refuse_change(value: Any, own: Any, where: str, cure: str) -> None:
    """Refuse ``value`` unless it says the same as ``own``; of a mapping, any part of it."""
    if value is None or value == own:
        return
    if isinstance(value, dict) and isinstance(own, dict):
        for key, item in value.items():
            if item != own.get(key):
                _refuse_change(item, own.get(key), below(where, key), cure)
        return
    has = "" if own is None else f" ({show(own)})"
    raise InvalidInput(f"belongs to the launcher{has} and cannot be {show(value)}", where=where, cure=cure)
