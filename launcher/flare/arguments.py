"""Constructor arguments of the launchers: FLARE's rules and error types, then our own, into site settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from launcher.core.checks import bad
from launcher.core.quantities import quantity_text
from launcher.core.spec.asked import UNSET
from launcher.core.spec.site import (
    HANDED_DOWN_RULE,
    PendingPolicy,
    SiteConfig,
    at_most_longest,
    is_handed_down,
    is_seconds,
)
from launcher.core.syntax import MOUNT_PATH_RULE, is_mount_path
from launcher.errors import InvalidInput

__all__ = ["FLARE_PYTHON", "settings"]

# FLARE's own default; `nvflare deploy prepare` writes /usr/local/bin/python3 into every site it prepares.
FLARE_PYTHON = "/usr/local/bin/python"


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "must be a non-empty string"


def _optional_text(value: Any) -> str | None:
    is_fine = value is None or not _text(value)
    return None if is_fine else "must be a non-empty string or None"


def _seconds(value: Any) -> str | None:
    is_fine = value is None or is_seconds(value)
    return None if is_fine else "must be a non-negative number of seconds or None"


def _names(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, list):
        return "must be a list of Kubernetes Secret names"
    return None if not any(_text(name) for name in value) else "entries must be non-empty strings"


def _mapping(value: Any) -> str | None:
    return None if value is None or isinstance(value, Mapping) else "must be a mapping or None"


def _path_in_pod(value: Any) -> str | None:
    if rule := _text(value):
        return rule
    return None if is_mount_path(value) else MOUNT_PATH_RULE


def _quantity(value: Any) -> str | None:
    if rule := _text(value):
        return rule
    try:
        quantity_text(value, "ephemeral_storage")
    except InvalidInput as error:
        return error.message
    return None


def _handed_down(value: Any) -> str | None:
    is_fine = isinstance(value, list) and all(is_handed_down(name) for name in value)
    return None if is_fine else HANDED_DOWN_RULE


def _one_of(*words: str) -> Callable[[Any], str | None]:
    return lambda value: None if value in words else f"must be one of {', '.join(words)}"


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class _Argument:
    """One argument: the setting it becomes, its rule, what to write instead, and how it is converted."""

    setting: str
    rule: Callable[[Any], str | None]
    example: str
    convert: Callable[[Any], Any] = _same


def _at_most(value: Any) -> Any:
    return None if value is None else at_most_longest(value)


def _or_empty(value: Any) -> Any:
    return "" if value is None else value


_ARGUMENTS: dict[str, _Argument] = {
    # FLARE's
    "config_file_path": _Argument("kubeconfig", _optional_text, "null in a pod", _or_empty),
    "study_data_pvc_file_path": _Argument("study_data_file", _optional_text, "null", _or_empty),
    "timeout": _Argument("timeout", _seconds, "900, or null for no limit", _at_most),
    "namespace": _Argument("namespace", _text, '"flare"'),
    "pending_timeout": _Argument("pending_timeout", _seconds, "120, or null to wait for ever", _at_most),
    "default_python_path": _Argument("default_python_path", _text, '"/usr/local/bin/python3"'),
    "security_context": _Argument(
        "security_context", _mapping, "a PodSecurityContext", lambda given: given or {}
    ),
    "ephemeral_storage": _Argument("ephemeral_storage", _quantity, '"2Gi"'),
    "workspace_mount_path": _Argument(
        "workspace_mount_path", _path_in_pod, f'"{SiteConfig.workspace_mount_path}"'
    ),
    "image_pull_secrets": _Argument(
        "image_pull_secrets", _names, '["registry"]', lambda given: tuple(given or ())
    ),
    # the study -> Pod manifest file that FLARE 2.9.0 no longer reads
    "study_job_spec_file_path": _Argument("study_job_spec_file", _optional_text, "null", _or_empty),
    # ours
    "policy": _Argument("policy", _one_of("graceful", "strict"), '"graceful"', PendingPolicy),
    "pod_security": _Argument("pod_security", _one_of("baseline", "restricted"), '"baseline"'),
    "values_dir": _Argument("values_dir", _text, '"/etc/fljob/values"'),
    "values": _Argument("values", _mapping, "values of the chart", lambda given: given or {}),
    "chart": _Argument("chart", _text, '"/opt/charts/fljob"'),
    "helm": _Argument("helm", _text, '"/usr/local/bin/helm"'),
    "pass_env": _Argument("pass_env", _handed_down, '["AWS_PROFILE"]', tuple),
    "context": _Argument("context", _text, '"kind-fljob"'),
    "storage_driver": _Argument("storage_driver", _one_of("secret", "configmap"), '"secret"'),
}


def settings(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the given arguments decide, name of the SiteConfig field -> value.

    Args:
        arguments: name -> value; UNSET ones were not given.

    Raises:
        TypeError: there is no such argument.
        ValueError: an argument breaks its rule (FLARE's type for the same mistakes).
    """
    decided = {}
    for name, value in arguments.items():
        if value is UNSET:
            continue
        argument = _ARGUMENTS.get(name)
        if argument is None:
            raise TypeError(f"there is no argument {name!r}; there are {', '.join(sorted(_ARGUMENTS))}")
        if rule := argument.rule(value):
            error = bad(name, value, rule, cure=f"write {argument.example}")
            raise ValueError(str(error)) from error
        decided[argument.setting] = argument.convert(value)
    return decided
