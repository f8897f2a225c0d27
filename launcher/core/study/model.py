"""What a study gives to its jobs at one site, whatever file format it was written in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launcher.core.jobspec import Dataset, EnvVar, SecretMount

__all__ = ["RESERVED_ENV", "Study", "combine", "refuse_both_formats"]

RESERVED_ENV = frozenset(
    {
        "PYTHONPATH",
        "NVFL_WORKSPACE_OWNER_FQCN",
        "NVFL_WORKSPACE_TRANSFER_TOKEN",
        "NVFLARE_JOB_AUTH_TOKEN",
        "NVFLARE_JOB_TOKEN_SIGNATURE",
        "NVFLARE_JOB_SSID",
    }
)


@dataclass(frozen=True, kw_only=True)
class Study:
    """What a study gives to its jobs; the default is a study that gives nothing.

    Attributes:
        name: the study's name, empty for a job without a study.
        image: image of jobs that name none, empty = none.
        pod_template: Pod manifest that jobs are merged into, or None.
        template_source: file and key path of ``pod_template``, for errors.
        main_by_name: True when a template of several containers must name the job container (FLARE 2.9.0);
            False when the first one stands in (study job spec files).
        datasets: PVC mounts.
        env: literal environment, in file order.
        secret_env: environment by reference to Secret keys, in file order.
        secret_mounts: Secret mounts.
        warnings: sentences for the log.
    """

    name: str = ""
    image: str = ""
    pod_template: Mapping[str, Any] | None = None
    template_source: str = ""
    main_by_name: bool = True
    datasets: tuple[Dataset, ...] = ()
    env: tuple[EnvVar, ...] = ()
    secret_env: tuple[EnvVar, ...] = ()
    secret_mounts: tuple[SecretMount, ...] = ()
    warnings: tuple[str, ...] = ()


def combine(template: Study, data: Study) -> Study:
    """Return the Pod template of one study file with the datasets of another."""
    raise NotImplementedError


def refuse_both_formats(runtime: str, legacy: Sequence[str]) -> None:
    """Raise when a v2 file exists beside existing v1 files; all arguments are paths of files that exist."""
    raise NotImplementedError
