"""Site configuration: what the operator of one site decided, for every job that runs there.

Each field is the one row of its setting: kind, default, meaning and names. Both entry points, the errors and
``docs/configuration.md`` (``scripts/config-docs``) follow from it, so a new setting is a row and its use. The
defaults are those of FLARE 2.9.0's own Kubernetes launcher wherever it has the setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from launcher.core.releases import StorageDriver
from launcher.core.spec.job_settings import JobSettings
from launcher.core.spec.policy import INSTALLS, REMOVALS, PendingPolicy
from launcher.core.spec.retention import Retention
from launcher.core.spec.settings import (
    COUNT,
    FILE,
    MAPPING,
    PROGRAM,
    SWITCH,
    TEXT,
    Setting,
    choice,
    setting,
    settings_of,
)
from launcher.core.spec.site_kinds import ADDRESS, CHART, HANDED_DOWN, PORT
from launcher.core.spec.timeouts import Timeouts

__all__ = ["INSTALLS", "REMOVALS", "SETTINGS", "PendingPolicy", "Retention", "SiteConfig", "Timeouts"]


@dataclass(frozen=True, kw_only=True)
class SiteConfig(JobSettings):
    """One site's settings, read from ``fljob.yaml`` or given by FLARE's component arguments."""

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
    events: bool = setting(
        SWITCH,
        True,  # noqa: FBT003 - the default
        "whether the launcher writes [Events of Kubernetes](observability.md#events) on a job's pod: why it "
        "waits, how it failed, that it is removed; without the right (`fljob rbac`) its log says so once",
        example=False,
    )
    history_submitter: bool = setting(
        SWITCH,
        True,  # noqa: FBT003 - the default
        "whether the [history](observability.md#the-history-of-jobs) that a FLARE parent keeps says who "
        "submitted a job: name, organisation and role of FLARE's meta, which may be personal data",
        example=False,
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
