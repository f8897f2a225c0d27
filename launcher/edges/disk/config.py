"""``fljob.yaml`` -> SiteConfig; the only importer of pydantic. A mistake names its key path and a cure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from launcher.core.checks import bad, show
from launcher.core.quantities import quantity_text
from launcher.core.releases import StorageDriver
from launcher.core.spec.jobspec import Role
from launcher.core.spec.site import (
    HANDED_DOWN_RULE,
    PendingPolicy,
    SiteConfig,
    Timeouts,
    at_most_longest,
    is_handed_down,
)
from launcher.core.syntax import MOUNT_PATH_RULE, is_dns_label, is_dns_subdomain, is_mount_path
from launcher.edges.disk.documents import read_yaml
from launcher.errors import InvalidInput

__all__ = ["load_config"]

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False), AfterValidator(at_most_longest)]
Text = Annotated[str, Field(min_length=1, pattern=r"\S")]


def _checked(is_fine: Callable[[str], bool]) -> Callable[[str], str]:
    """Return a validator; ``_RULES`` says what was broken."""

    def check(value: str) -> str:
        if not is_fine(value):
            raise ValueError(value)
        return value

    return check


_PATHS = ("study_data_file", "study_job_spec_file", "study_runtime_file", "values_dir", "chart", "kubeconfig")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Timeouts(_Model):
    heal: Seconds = Timeouts.heal
    pull: Seconds = Timeouts.pull
    pull_permanent: Seconds = Timeouts.pull_permanent
    config: Seconds = Timeouts.config
    create: Seconds = Timeouts.create
    detach: Seconds = Timeouts.detach
    start: Seconds | None = Timeouts.start
    queue: Seconds | None = Timeouts.queue
    impossible: Seconds = Timeouts.impossible
    scale_up: Seconds = Timeouts.scale_up
    no_scale_up: Seconds = Timeouts.no_scale_up
    victims: Seconds = Timeouts.victims
    api: Seconds = Timeouts.api


class _Site(_Model):
    """The file as it is written; defaults are those of SiteConfig."""

    site: Text = SiteConfig.site
    role: Annotated[Role, Field(strict=False)] = SiteConfig.role
    namespace: Annotated[str, AfterValidator(_checked(is_dns_label))] = SiteConfig.namespace
    default_python_path: Text = SiteConfig.default_python_path
    command: list[Text] = []
    pending_timeout: Seconds | None = SiteConfig.pending_timeout
    timeout: Seconds | None = SiteConfig.timeout
    workspace_mount_path: Annotated[str, AfterValidator(_checked(is_mount_path))] = (
        SiteConfig.workspace_mount_path
    )
    ephemeral_storage: Text = SiteConfig.ephemeral_storage
    image_pull_secrets: list[Annotated[str, AfterValidator(_checked(is_dns_subdomain))]] = []
    security_context: dict[str, Any] = {}
    pod_security: Annotated[str, Field(pattern=r"^(baseline|restricted)$")] = SiteConfig.pod_security
    policy: Annotated[PendingPolicy, Field(strict=False)] = SiteConfig.policy
    timeouts: _Timeouts = _Timeouts()
    study_data_file: Text = ""
    study_job_spec_file: Text = ""
    study_runtime_file: Text = ""
    values_dir: Text = ""
    values: dict[str, Any] = {}
    chart: Text = ""
    helm: Text = SiteConfig.helm
    pass_env: list[Annotated[str, AfterValidator(_checked(is_handed_down))]] = []
    kubeconfig: Text = ""
    context: Text = ""
    storage_driver: StorageDriver = SiteConfig.storage_driver

    @field_validator("ephemeral_storage")
    @classmethod
    def _quantity(cls, value: str) -> str:
        try:
            return quantity_text(value, "ephemeral_storage")
        except InvalidInput as error:
            raise ValueError(error.message) from error


_NULLABLE = ("pending_timeout", "timeout", "timeouts.start", "timeouts.queue")
_SECONDS = ("pending_timeout", "timeout", *(f"timeouts.{name}" for name in _Timeouts.model_fields))
# Key path -> what its value must be and what to write, for the keys that are more than a piece of text.
_RULES = {
    "role": ("must be client or server", "write `role: client`"),
    "namespace": ("must be the name of a namespace", "use a-z, 0-9 and '-', at most 63 characters"),
    "command": ("must be a list of words", 'write `command: ["python3", "train.py"]`'),
    "workspace_mount_path": (MOUNT_PATH_RULE, "write `/var/tmp/nvflare/workspace`"),
    "ephemeral_storage": ("must be a quantity in quotes", 'write `ephemeral_storage: "2Gi"`'),
    "image_pull_secrets": (
        "must be a list of Secret names",
        "write `image_pull_secrets: [\"registry\"]`, names of a-z, 0-9, '-' and '.'",
    ),
    "security_context": ("must be a mapping", "write a Kubernetes PodSecurityContext below the key"),
    "pod_security": ("must be baseline or restricted", "write `pod_security: baseline`"),
    "policy": ("must be graceful or strict", "write `policy: graceful`"),
    "timeouts": ("must be a mapping", "write `timeouts:` and the keys below it, such as `  pull: 300`"),
    "values": ("must be a mapping", "write values of the chart below the key"),
    "pass_env": (HANDED_DOWN_RULE, "write `pass_env: [AWS_PROFILE]`; `kubeconfig` and `context` are keys"),
    "storage_driver": ("must be secret or configmap", "write `storage_driver: secret`"),
    **dict.fromkeys(_SECONDS, ("must be a number of seconds, 0 or more", "write a number such as 120")),
    **dict.fromkeys(
        _NULLABLE,
        (
            "must be a number of seconds, 0 or more, or null",
            "write a number such as 120, or null for no limit",
        ),
    ),
}
_KEY_RULE = "must have text as keys"
_TEXT_RULE = ("must be non-empty text", "write text, in quotes if it looks like a number, or remove the key")
# Names of FLARE's launcher arguments whose keys are called otherwise here.
_FLARE_NAMES = {
    "config_file_path": "kubeconfig",
    "python_path": "default_python_path",
    "study_data_pvc_file_path": "study_data_file",
    "study_job_spec_file_path": "study_job_spec_file",
}


def load_config(path: Path | None) -> SiteConfig:
    """Return the site's configuration; None = the defaults.

    Paths in the file are relative to its folder.

    Raises:
        InvalidInput: a mistake in the file, with its key path, the value and a cure.
        InvalidInput: there is no such file.
    """
    if path is None:
        return SiteConfig()
    parsed = read_yaml(path)
    if parsed is None:
        return SiteConfig()
    if not isinstance(parsed, Mapping):
        raise bad(str(path), parsed, "must be a mapping", cure="write `key: value` lines")
    try:
        model = _Site.model_validate(dict(parsed))
    except ValidationError as error:
        raise _explain(error, path) from error
    return _to_site(model, path)


def _to_site(model: _Site, path: Path) -> SiteConfig:
    fields = {name: getattr(model, name) for name in model.model_fields_set - {"timeouts"}}
    for name, value in fields.items():
        if isinstance(value, list):
            fields[name] = tuple(value)
        # `helm` is a program to look up in PATH unless it is written as a path.
        elif name in _PATHS or (name == "helm" and "/" in value):
            fields[name] = str((path.parent / _home(value, f"{path}: {name}")).absolute())
    return SiteConfig(**fields, timeouts=Timeouts(**model.timeouts.model_dump()))


def _home(value: str, where: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError as error:  # "Could not determine home directory."
        rule, cure = "must begin with the home of a user that there is", "write the path without ~"
        raise bad(where, value, rule, cure=cure) from error


def _explain(error: ValidationError, path: Path) -> InvalidInput:
    """Return our error for the first mistake that pydantic found."""
    first = error.errors()[0]
    loc, value = first["loc"], first["input"]
    if first["type"] == "invalid_key" or loc[-1] == "[key]":
        where = ".".join(str(part) for part in loc[:-2])
        return bad(f"{path}: {where}" if where else str(path), value, _KEY_RULE, cure="put the key in quotes")
    where = f"{path}: {_key_path(loc)}"
    names = [part for part in loc if isinstance(part, str)]
    if first["type"] == "extra_forbidden":
        return InvalidInput("is no known key", where=where, cure=_nearest(names, value))
    rule, cure = _RULES.get(".".join(names)) or _RULES.get(names[0], _TEXT_RULE)
    return bad(where, value, rule, cure=cure)


def _nearest(names: list[str], value: Any) -> str:
    """Return the cure for an unknown key: the one that was probably meant, else all that there are."""
    above, _, key = names[-1].partition(".")
    if above in _Site.model_fields and key:
        return f"write `{above}: {{{key}: {show(value)}}}`"
    known = sorted((_Timeouts if len(names) > 1 else _Site).model_fields)
    near = difflib.get_close_matches(names[-1], known, n=1)
    meant = _FLARE_NAMES.get(names[-1]) or (near[0] if near else "")
    return f"did you mean {meant}?" if meant else f"remove it; known keys: {', '.join(known)}"


def _key_path(parts: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")
