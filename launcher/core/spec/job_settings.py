"""What a site decides for the pods of its jobs; the other settings are in :mod:`launcher.core.spec.site`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from launcher.core.spec.jobspec import Role
from launcher.core.spec.policy import PendingPolicy
from launcher.core.spec.retention import Retention
from launcher.core.spec.settings import (
    GRACE,
    LIMIT,
    MAPPING,
    MOUNT_PATH,
    NAMESPACE,
    QUANTITY,
    SECRET_NAMES,
    TEXT,
    WORDS,
    choice,
    setting,
)
from launcher.core.spec.site_kinds import AMOUNTS, IMAGE, ROLE
from launcher.core.spec.timeouts import Timeouts

__all__ = ["JobSettings"]


@dataclass(frozen=True, kw_only=True)
class JobSettings:
    """The settings of a site that a job feels."""

    site: str = setting(
        TEXT, "", "name of the site; `--site` replaces it", example="site-1", is_argument=False
    )
    role: Role = setting(ROLE, Role.CLIENT, "`client` or `server`", is_argument=False)
    namespace: str = setting(
        NAMESPACE,
        "default",
        "where jobs run: one for all of a site, so that of a context and HELM_NAMESPACE are not read",
        example="flare",
    )
    image: str = setting(
        IMAGE,
        "",
        "image of a job when neither its meta nor its study names one",
        example="registry.example.org/train:1.0",
    )
    default_python_path: str = setting(
        TEXT,
        "/usr/local/bin/python",
        "interpreter of the job image when the job names none; a kit of `nvflare deploy prepare` names "
        "`/usr/local/bin/python3`",
        formerly="python_path",
    )
    command: tuple[str, ...] = setting(
        WORDS,
        (),
        "what `fljob launch` runs when no command is given, as it is written: `$(NAME)` is the shell's",
        example=["python3", "train.py"],
        is_argument=False,
    )
    pending_timeout: float | None = setting(
        LIMIT,
        120.0,
        "seconds to wait for missing resources; null = for ever, 0 = not at all",
        example=120,
        null="to wait for ever",
    )
    max_pending_timeout: float | None = setting(
        LIMIT,
        604800.0,
        "seconds that a job may make of `pending_timeout` in its meta, where null is for ever; null = any",
        example=3600,
        null="for any",
    )
    max_resources: Mapping[str, str] = setting(
        AMOUNTS,
        {},
        "the most that a job may ask for, resource -> quantity; a job that asks for more is refused",
        example={"cpu": "16", "memory": "64Gi", "nvidia.com/gpu": "4"},
        null="for what a node can have",
    )
    timeout: float | None = setting(
        LIMIT,
        None,
        "seconds from launch until Running, whatever the cause; it counts through an outage of the API "
        "server and ends the job when the pod can be seen again; null = no limit",
        example=900,
        null="for no limit",
    )
    grace_period: int | None = setting(
        replace(GRACE, nullable=True),
        None,
        "seconds between SIGTERM and SIGKILL for a job that is terminated, evicted or preempted, if neither "
        "its k8s block nor its study's pod template says; null = 1, since a FLARE job handles no SIGTERM",
        example=30,
        null="for the chart's default",
    )
    max_grace_period: int = setting(
        GRACE, 600, "the longest `grace_period` that the k8s block of a job may ask for", example=600
    )
    retention: Retention = setting(
        MAPPING,
        Retention(),
        "how long ended jobs stay, below this key, written on each job at its launch; a FLARE parent and "
        "`fljob gc` then remove them",
        example={"failed": 86400},
        own_cure="write `retention:` and the keys below it, such as `  failed: 86400`",
        is_argument=False,
    )
    workspace_mount_path: str = setting(
        MOUNT_PATH,
        "/var/tmp/nvflare/workspace",  # noqa: S108 - a path inside the pod
        "the workspace volume, also the working directory; absolute",
    )
    ephemeral_storage: str = setting(QUANTITY, "1Gi", "size limit of the workspace", example="2Gi")
    image_pull_secrets: tuple[str, ...] = setting(
        SECRET_NAMES, (), "names of registry Secrets", example=["registry"], null="for none"
    )
    security_context: Mapping[str, Any] = setting(
        MAPPING,
        {},
        "replaces `spec.securityContext` of the pod",
        example={"runAsUser": 1000},
        own_cure="write a Kubernetes PodSecurityContext below the key",
        null="for none",
    )
    pod_security: str | None = setting(
        replace(choice("baseline", "restricted"), rule="must be baseline, restricted or null", nullable=True),
        "baseline",
        "`baseline`, or `restricted`, which adds non-root and drops all capabilities of the job container; "
        "null = no security context but what is written, for clusters that forbid one",
        null="for no security context but what is written",
    )
    policy: PendingPolicy = setting(
        choice(*(policy.value for policy in PendingPolicy), convert=PendingPolicy),
        PendingPolicy.GRACEFUL,
        "`graceful`, or `strict` = verdicts and return codes of FLARE's own launcher, with its clocks "
        "(`pending_timeout`, `timeout`) only",
    )
    timeouts: Timeouts = setting(
        MAPPING,
        Timeouts(),
        "how long each kind of cause may last, below this key",
        example={"pull": 300},
        own_cure="write `timeouts:` and the keys below it, such as `  pull: 300`",
        is_argument=False,
    )
    autoscaler: str = setting(
        choice("unknown", "none"),
        "unknown",
        "`unknown`: what no node has may still be added, so it is waited for as any shortage is; `none`: "
        "no node will be added, and requests that none can meet end after `timeouts.impossible`",
        example="none",
    )
