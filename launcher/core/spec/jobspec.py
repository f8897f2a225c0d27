"""The one frozen value between parsing and doing.

Everything behind this module reads a :class:`JobSpec`; nothing behind it reads job meta, study
files or site configuration again. Quantities are Kubernetes text ("500m", "1Gi"), names are already
valid Kubernetes names, secrets are names of Secrets and never their content.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from launcher.core.jobref import JobRef

__all__ = ["Dataset", "EnvVar", "JobSpec", "Resources", "Role", "SecretKey", "SecretMount", "ref_of_spec"]


class Role(str, enum.Enum):
    """Which side of the federation a job process belongs to."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True)
class SecretKey:
    """One key of a Secret, by reference."""

    secret: str
    key: str


@dataclass(frozen=True)
class EnvVar:
    """An environment variable: a literal, a reference to a Secret key, or (templates) raw Kubernetes YAML.

    Exactly one of ``value``, ``secret`` and ``raw`` is set. ``raw`` is a whole ``EnvVar`` object of a
    pod template, such as a ``fieldRef``, and is passed through unread.
    """

    name: str
    value: str | None = field(default=None, repr=False)
    secret: SecretKey | None = None
    raw: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Resources:
    """Requests and limits of the job container, resource name -> quantity text."""

    requests: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """A PersistentVolumeClaim mounted as one dataset of a study."""

    volume: str
    claim: str
    mount_path: str
    read_only: bool


@dataclass(frozen=True)
class SecretMount:
    """A Secret mounted read-only into the job; ``items`` maps keys to relative paths, empty = all keys."""

    volume: str
    secret: str
    mount_path: str
    items: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """A federated job at one site, checked and complete.

    Attributes:
        job_id: FLARE's job id, verbatim.
        site: the site's name, verbatim (any Unicode).
        role: client or server job process.
        study: the study's name, empty when the job belongs to none.
        namespace: where the pod runs.
        release: name of the Helm release, at most 53 characters.
        pod_name: name of the pod, at most 63 characters.
        container_name: name of the job container.
        image: image reference of the job container.
        command: entry point, one word per item.
        args: arguments, one word per item.
        env: environment in the order in which Kubernetes resolves ``$(VAR)``.
        resources: requests and limits of the job container.
        ephemeral_storage: size limit of the workspace volume, quantity text.
        workspace_mount_path: where the workspace volume is mounted; also the working directory.
        startup_secret: Secret with the startup kit, empty for none.
        datasets: PVC mounts of the study.
        secret_mounts: Secret mounts of the study.
        image_pull_secrets: names of registry Secrets.
        security_context: replaces ``spec.securityContext`` of the pod when not empty.
        pod_template: Pod manifest of the study or site that the job is merged into, or None.
        pending_timeout: seconds to wait for missing resources; None = for ever, 0 = not at all.
        grace_period: whole seconds between SIGTERM and SIGKILL that the job asks for; None = it does not.
        retention: how long the job stays after its end, as its pod says it; empty = nothing is said.
        attempt: how often this job id was launched at this site, from 1.
        federation: mark of the federation whose parent launched the job, a label value; empty for a job that
            was launched by hand.
    """

    job_id: str
    site: str
    role: Role
    study: str
    namespace: str
    release: str
    pod_name: str
    container_name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[EnvVar, ...]
    resources: Resources
    ephemeral_storage: str
    workspace_mount_path: str
    startup_secret: str
    datasets: tuple[Dataset, ...]
    secret_mounts: tuple[SecretMount, ...]
    image_pull_secrets: tuple[str, ...]
    security_context: Mapping[str, Any]
    pod_template: Mapping[str, Any] | None = field(repr=False)  # with literals of its environment
    pending_timeout: float | None
    grace_period: int | None = None
    retention: str = ""
    attempt: int = 1
    federation: str = ""


def ref_of_spec(spec: JobSpec) -> JobRef:
    """Return the reference of a job that is about to be launched."""
    return JobRef(
        release=spec.release,
        namespace=spec.namespace,
        pod_name=spec.pod_name,
        job_id=spec.job_id,
        site=spec.site,
        role=spec.role.value,
        study=spec.study,
        attempt=spec.attempt,
        federation=spec.federation,
    )
