"""``fljob.yaml`` -> SiteConfig, by pydantic. Every mistake names its key path and a cure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from launcher.core.jobspec import Role
from launcher.core.quantities import quantity_text
from launcher.core.site import PendingPolicy, SiteConfig, Timeouts
from launcher.edges.documents import read_yaml
from launcher.errors import InvalidInput

__all__ = ["load_config"]

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
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
    api: Seconds = Timeouts.api


class _Site(_Model):
    """The file as it is written; defaults are those of SiteConfig."""

    site: Text | None = None
    role: Annotated[Role, Field(strict=False)] = SiteConfig.role
    namespace: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")] = SiteConfig.namespace
    default_python_path: Text = SiteConfig.default_python_path
    command: list[Text] = []
    pending_timeout: Seconds | None = SiteConfig.pending_timeout
    timeout: Seconds | None = SiteConfig.timeout
    workspace_mount_path: Annotated[str, Field(pattern=r"^/")] = SiteConfig.workspace_mount_path
    ephemeral_storage: Text = SiteConfig.ephemeral_storage
    image_pull_secrets: list[Text] = []
    security_context: dict[str, Any] = {}
    pod_security: Annotated[str, Field(pattern=r"^(baseline|restricted)$")] = SiteConfig.pod_security
    policy: Annotated[PendingPolicy, Field(strict=False)] = SiteConfig.policy
    timeouts: _Timeouts = _Timeouts()
    study_data_file: Text | None = None
    study_job_spec_file: Text | None = None
    study_runtime_file: Text | None = None
    values_dir: Text | None = None
    values: dict[str, Any] = {}
    chart: Text | None = None
    helm: Text = SiteConfig.helm
    kubeconfig: Text | None = None
    context: Text | None = None

    @field_validator("ephemeral_storage")
    @classmethod
    def _quantity(cls, value: str) -> str:
        try:
            return quantity_text(value, "ephemeral_storage")
        except InvalidInput as error:
            raise ValueError(error.message) from error


def load_config(path: Path | None) -> SiteConfig:
    """Return the site's configuration; None = the defaults.

    Paths in the file are relative to its folder.

    Raises:
        InvalidInput: a mistake in the file, with its key path, the value and a cure.
        NotFound: there is no such file.
    """
    if path is None:
        return SiteConfig()
    parsed = read_yaml(path)
    if parsed is None:
        return SiteConfig()
    if not isinstance(parsed, Mapping):
        raise InvalidInput("must be a mapping", where=str(path), cure="write `key: value` lines")
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
        elif name in _PATHS and value is not None:
            fields[name] = str((path.parent / Path(value).expanduser()).resolve())
        elif value is None and name not in ("pending_timeout", "timeout"):
            where = f"{path}: {name}"
            raise InvalidInput("null is refused", where=where, cure="give it a value or remove the key")
    return SiteConfig(**fields, timeouts=Timeouts(**model.timeouts.model_dump()))


def _explain(error: ValidationError, path: Path) -> InvalidInput:
    """Return our error for the first mistake that pydantic found."""
    first = error.errors()[0]
    keys = [str(part) for part in first["loc"]]
    where = f"{path}: {'.'.join(keys)}"
    if first["type"] == "extra_forbidden":
        known = list((_Timeouts if len(keys) > 1 else _Site).model_fields)
        near = difflib.get_close_matches(keys[-1], known, n=1)
        cure = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(sorted(known))}"
        return InvalidInput("unknown key", where=where, cure=cure)
    message = first["msg"].removeprefix("Value error, ")
    return InvalidInput(
        f"{message}, not {first['input']!r}",
        where=where,
        cure="see docs/configuration.md for what the key means",
    )
