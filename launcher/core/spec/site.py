"""Site configuration: what the operator of one site decided, for every job that runs there.

Each field is the one row of its setting: kind, default, meaning and names. Both entry points, the errors and
``docs/configuration.md`` (``scripts/config-docs``) follow from it, so a new setting is a row and its use. The
defaults are those of FLARE 2.9.0's own Kubernetes launcher wherever it has the setting.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from launcher.core.releases import StorageDriver
from launcher.core.spec.jobspec import Role
from launcher.core.spec.settings import (
    FILE,
    LIMIT,
    MAPPING,
    MOUNT_PATH,
    NAMESPACE,
    PROGRAM,
    QUANTITY,
    SECONDS,
    SECRET_NAMES,
    TEXT,
    WORDS,
    Kind,
    Setting,
    choice,
    setting,
    settings_of,
)
from launcher.core.syntax import is_image_name

__all__ = ["SETTINGS", "PendingPolicy", "SiteConfig", "Timeouts"]


class PendingPolicy(str, enum.Enum):
    """Which rules judge a job that does not run yet, and its end."""

    GRACEFUL = "graceful"  # self-healing causes wait, permanent ones fail fast
    STRICT = "strict"  # the verdicts of FLARE 2.9.0's own launcher


# Helm's own variables: each is handed down anyway, or it is a setting of the site (HELM_DRIVER is
# `storage_driver`, KUBECONFIG is `kubeconfig`), or it is kept from helm for a reason (HELM_DEBUG).
_OF_HELM = re.compile(r"HELM_\w*|KUBECONFIG")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def _is_handed_down(name: Any) -> bool:
    return (
        isinstance(name, str) and _VARIABLE.fullmatch(name) is not None and _OF_HELM.fullmatch(name) is None
    )


def _is_image(value: Any) -> bool:
    return isinstance(value, str) and is_image_name(value)


_HANDED_DOWN = Kind(
    _is_handed_down,
    "must be a list of names of environment variables, without KUBECONFIG and HELM_...",
    "write `{name}: {json}`; `kubeconfig` and `context` are keys",
    is_list=True,
)


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long each kind of cause may last, in seconds, from its first sight; None = for ever."""

    heal: float = setting(SECONDS, 300.0, "seconds for causes that heal by themselves")
    pull: float = setting(SECONDS, 300.0, "for pulls that may work later")
    pull_permanent: float = setting(SECONDS, 30.0, "for images that are not there (and two sightings)")
    config: float = setting(SECONDS, 60.0, "for missing Secrets, ConfigMaps, claims, nodes")
    create: float = setting(SECONDS, 180.0, "for troubles of the container runtime")
    detach: float = setting(
        SECONDS,
        480.0,
        "for volumes that another node still holds (Kubernetes forces them off after six minutes)",
    )
    start: float | None = setting(
        LIMIT, 900.0, "from scheduled to running, all causes together; null = no limit"
    )
    queue: float | None = setting(LIMIT, None, "for pods behind a scheduling gate; null = no limit")
    impossible: float = setting(
        SECONDS,
        30.0,
        "for requests larger than every node, in case a larger one is just joining (needs the right to list "
        "nodes, `fljob rbac --nodes`; without it `pending_timeout` holds)",
    )
    scale_up: float = setting(SECONDS, 900.0, "while the autoscaler adds a node for the pod")
    no_scale_up: float = setting(
        SECONDS, 60.0, "when the autoscaler has said three times that a new node would not help"
    )
    victims: float = setting(
        SECONDS, 60.0, "while preempted pods leave the chosen node; then `pending_timeout` runs"
    )
    api: float = setting(
        SECONDS,
        600.0,
        "how long the API server may be away: then jobs show UNKNOWN, and a job that is still being "
        "created, or whose node no longer reports, fails",
    )


@dataclass(frozen=True, kw_only=True)
class SiteConfig:
    """One site's settings, read from ``fljob.yaml`` or given by FLARE's component arguments."""

    site: str = setting(
        TEXT, "", "name of the site; `--site` replaces it", example="site-1", is_argument=False
    )
    role: Role = setting(
        choice(*(role.value for role in Role), convert=Role),
        Role.CLIENT,
        "`client` or `server`",
        is_argument=False,
    )
    namespace: str = setting(NAMESPACE, "default", "where jobs run", example="flare")
    image: str = setting(
        Kind(_is_image, "must be the name of an image", "write `{name}: {example}`"),
        "",
        "image of a job when neither its meta nor its study names one",
        example="registry.example.org/train:1.0",
    )
    default_python_path: str = setting(
        TEXT,
        "/usr/local/bin/python3",
        "interpreter of the job image when the job names none. FLARE's launcher takes "
        "`/usr/local/bin/python` instead of this default as long as there is no `local/fljob.yaml`",
        formerly="python_path",
    )
    command: tuple[str, ...] = setting(
        WORDS,
        (),
        "what `fljob launch` runs when no command is given",
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
    timeout: float | None = setting(
        LIMIT,
        None,
        "seconds from launch until Running, whatever the cause; it counts through an outage of the API "
        "server and ends the job when the pod can be seen again; null = no limit",
        example=900,
        null="for no limit",
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
    pod_security: str = setting(
        choice("baseline", "restricted"),
        "baseline",
        "`baseline`, or `restricted`, which adds non-root and drops all capabilities of the job container",
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
    study_data_file: str = setting(
        FILE,
        "",
        "FLARE's `study_data.yaml` (v1)",
        example="/etc/fljob/study_data.yaml",
        flare="study_data_pvc_file_path",
        null="for none",
    )
    study_job_spec_file: str = setting(
        FILE,
        "",
        "study -> Pod manifest",
        example="/etc/fljob/study_job_spec.yaml",
        # of the study -> Pod manifest file that FLARE 2.9.0 no longer reads
        flare="study_job_spec_file_path",
        null="for none",
    )
    study_runtime_file: str = setting(
        FILE,
        "",
        "FLARE's `study_runtime.yaml` (v2; not beside the other two)",
        example="/etc/fljob/study_runtime.yaml",
        is_argument=False,
    )
    values_dir: str = setting(
        FILE,
        "",
        "folder of values templates that replace or add to the shipped ones",
        example="/etc/fljob/values",
    )
    values: Mapping[str, Any] = setting(
        MAPPING,
        {},
        "chart values of the site",
        example={"networkPolicy": {"enabled": True}},
        own_cure="write values of the chart below the key",
        null="for none",
    )
    chart: str = setting(FILE, "", "a chart that replaces the shipped one", example="/opt/charts/fljob")
    helm: str = setting(PROGRAM, "helm", "name or path of helm", example="/usr/local/bin/helm")
    pass_env: tuple[str, ...] = setting(
        _HANDED_DOWN,
        (),
        "names of environment variables that helm gets, too: those that the credential program of the "
        "kubeconfig needs, such as `AWS_PROFILE` or `GOOGLE_APPLICATION_CREDENTIALS`. Helm gets no others of "
        "the launcher but its own (`HELM_...`), `PATH`, `HOME`, proxies and certificates",
        example=["AWS_PROFILE"],
    )
    kubeconfig: str = setting(
        FILE,
        "",
        "kubeconfig file; without it KUBECONFIG, then `~/.kube/config`, then the pod's account",
        example="/etc/fljob/kubeconfig",
        flare="config_file_path",
        null="in a pod",
    )
    context: str = setting(
        TEXT, "", "context of the kubeconfig; without it the current one", example="kind-fljob"
    )
    storage_driver: StorageDriver = setting(
        choice(*get_args(StorageDriver)),
        "secret",
        "where Helm keeps the records of releases: `secret` or `configmap`. Everybody who looks at a site's "
        "jobs needs the same, since helm sees no release of the other one; change it while no job runs. The "
        "rights differ: `fljob rbac --driver configmap`",
    )


# Key path (such as `timeouts.heal`) -> row.
SETTINGS: Mapping[str, Setting] = settings_of(SiteConfig)
