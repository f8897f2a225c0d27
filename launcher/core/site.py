"""Site configuration: what the operator of one site decided, for every job that runs there.

The defaults are those of FLARE 2.9.0's own Kubernetes launcher wherever it has the setting.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from launcher.core.jobspec import Role

__all__ = ["PendingPolicy", "SiteConfig", "Timeouts"]


class PendingPolicy(str, enum.Enum):
    """Which column of the pending table decides."""

    GRACEFUL = "graceful"  # self-healing causes wait, permanent ones fail fast
    STRICT = "strict"  # the verdicts of FLARE 2.9.0's own launcher


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long each kind of cause may last, in seconds, from its first sight; None = for ever.

    Attributes:
        heal: causes that heal by themselves.
        pull: pulls that may work later.
        pull_permanent: images that are not there, after two sightings.
        config: Secrets, ConfigMaps, claims and nodes that are missing.
        create: troubles of the container runtime.
        detach: volumes that another node still holds (Kubernetes forces them off after six minutes).
        start: from scheduled to running, all causes together.
        queue: pods behind a scheduling gate.
        impossible: requests larger than every node, in case a larger node is just joining.
        scale_up: pods for which the autoscaler adds a node.
        no_scale_up: pods for which the autoscaler has said three times that it would not help.
        victims: how long pods that are preempted for the job may take to leave; then the cause counts.
        api: an outage of the API server, after which jobs show UNKNOWN.
    """

    heal: float = 300.0
    pull: float = 300.0
    pull_permanent: float = 30.0
    config: float = 60.0
    create: float = 180.0
    detach: float = 480.0
    start: float | None = 900.0
    queue: float | None = None
    impossible: float = 30.0
    scale_up: float = 900.0
    no_scale_up: float = 60.0
    victims: float = 60.0
    api: float = 600.0


@dataclass(frozen=True, kw_only=True)
class SiteConfig:
    """One site's settings, read from ``fljob.yaml`` or given by FLARE's component arguments.

    Attributes:
        site: name of the site; empty when the caller gives it per job.
        role: client or server job processes.
        namespace: where jobs run.
        default_python_path: interpreter of the job image when the job names none.
        command: entry point of jobs launched without FLARE and without a command of their own.
        pending_timeout: seconds to wait for missing resources; None = for ever, 0 = not at all.
        timeout: seconds from launch until Running, whatever the cause; None = no limit.
        workspace_mount_path: absolute path of the workspace volume.
        ephemeral_storage: default size limit of the workspace volume, quantity text.
        image_pull_secrets: names of registry Secrets.
        security_context: replaces ``spec.securityContext`` of the pod when not empty.
        pod_security: ``baseline`` or ``restricted``.
        policy: column of the pending table.
        timeouts: the graces of the ``graceful`` column.
        study_data_file: FLARE v1 ``study_data.yaml``; empty = none.
        study_job_spec_file: study -> Pod manifest file; empty = none.
        study_runtime_file: FLARE v2 ``study_runtime.yaml``; empty = none.
        values_dir: folder of values templates that override or add to the shipped ones; empty = none.
        values: a values mapping of the site, merged over the chart's defaults.
        chart: path of a chart that replaces the shipped one; empty = the shipped one.
        helm: name or path of the helm program.
        kubeconfig: path; empty = KUBECONFIG, then ``~/.kube/config``, then in-cluster.
        context: kubeconfig context; empty = the current one.
    """

    site: str = ""
    role: Role = Role.CLIENT
    namespace: str = "default"
    default_python_path: str = "/usr/local/bin/python3"
    command: tuple[str, ...] = ()
    pending_timeout: float | None = 120.0
    timeout: float | None = None
    workspace_mount_path: str = "/var/tmp/nvflare/workspace"  # noqa: S108 - a path inside the pod
    ephemeral_storage: str = "1Gi"
    image_pull_secrets: tuple[str, ...] = ()
    security_context: Mapping[str, Any] = field(default_factory=dict)
    pod_security: str = "baseline"
    policy: PendingPolicy = PendingPolicy.GRACEFUL
    timeouts: Timeouts = field(default_factory=Timeouts)
    study_data_file: str = ""
    study_job_spec_file: str = ""
    study_runtime_file: str = ""
    values_dir: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    chart: str = ""
    helm: str = "helm"
    kubeconfig: str = ""
    context: str = ""
