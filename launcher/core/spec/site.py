"""Site configuration: what the operator of one site decided, for every job that runs there.

Each field is the one row of its setting: kind, default, meaning and names. Both entry points, the errors and
``docs/configuration.md`` (``scripts/config-docs``) follow from it, so a new setting is a row and its use. The
defaults are those of FLARE 2.9.0's own Kubernetes launcher wherever it has the setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

from launcher.core.releases import StorageDriver
from launcher.core.spec.jobspec import Role
from launcher.core.spec.policy import INSTALLS, REMOVALS, PendingPolicy
from launcher.core.spec.retention import Retention
from launcher.core.spec.settings import (
    COUNT,
    FILE,
    GRACE,
    LIMIT,
    MAPPING,
    MOUNT_PATH,
    NAMESPACE,
    PROGRAM,
    QUANTITY,
    SECRET_NAMES,
    SWITCH,
    TEXT,
    WORDS,
    Setting,
    choice,
    setting,
    settings_of,
)
from launcher.core.spec.site_kinds import ADDRESS, AMOUNTS, CHART, HANDED_DOWN, IMAGE, PORT, ROLE
from launcher.core.spec.timeouts import Timeouts

__all__ = ["INSTALLS", "REMOVALS", "SETTINGS", "PendingPolicy", "Retention", "SiteConfig", "Timeouts"]


@dataclass(frozen=True, kw_only=True)
class SiteConfig:
    """One site's settings, read from ``fljob.yaml`` or given by FLARE's component arguments."""

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
    chart: str = setting(
        CHART,
        "",
        "a chart that replaces the shipped one: a folder, an archive, or `oci://...@sha256:...`, a place in "
        "a registry ([how it is checked](#a-chart-from-a-registry))",
        example="/opt/charts/fljob",
    )
    chart_key: str = setting(
        FILE,
        "",
        "public key of cosign: a chart from a registry is used only when its digest is signed with it",
        example="/etc/fljob/cosign.pub",
    )
    chart_cache: str = setting(
        FILE,
        "",
        "folder for charts from registries; without it `fljob/charts` in XDG_CACHE_HOME, else in `~/.cache`",
        example="/var/cache/fljob",
    )
    cosign: str = setting(PROGRAM, "cosign", "name or path of cosign, for `chart_key`")
    helm: str = setting(PROGRAM, "helm", "name or path of helm", example="/usr/local/bin/helm")
    helm_installs: int = setting(
        COUNT,
        INSTALLS,
        "how many helm processes install at once, at most; further launches wait for their turn",
    )
    helm_removals: int = setting(
        COUNT,
        REMOVALS,
        "how many helm processes do anything else at once, at most: an abort never waits behind installs",
    )
    pass_env: tuple[str, ...] = setting(
        HANDED_DOWN,
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
    adopt: bool = setting(
        SWITCH,
        True,  # noqa: FBT003 - the default
        "whether a FLARE parent that starts takes over the jobs that its predecessor left running "
        "([what survives what](flare.md#what-a-roll-out-costs)); false = it ends them",
        example=False,
    )
    tell_server: bool = setting(
        SWITCH,
        True,  # noqa: FBT003 - the default
        "whether a FLARE parent tells the server why a job waits or how it ended ([what it tells]"
        "(flare.md#what-the-submitter-sees)): a code, a clock, a sentence of Kubernetes, no text of the job",
        example=False,
    )
    protect: str = setting(
        choice("none", "marks", "budget"),
        "none",
        "what asks those who empty nodes on purpose to leave running jobs alone ([what each does]"
        "(flare.md#nodes-that-are-emptied)): `marks` = annotations for autoscalers, `budget` = these and a "
        "PodDisruptionBudget for each job, for which the parent needs rights (`fljob rbac` adds them)",
        example="marks",
    )
    metrics_port: int | None = setting(
        PORT,
        None,
        "port on which a FLARE parent serves [metrics](observability.md) for Prometheus; null = none",
        example=9464,
        null="for none",
    )
    metrics_address: str = setting(
        ADDRESS,
        "127.0.0.1",
        "address at which it does: that of this machine only, unless another is named; `0.0.0.0` = all",
        example="0.0.0.0",  # noqa: S104 - a site may want it
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
