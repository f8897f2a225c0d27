"""Site configuration: what the operator of one site decided, for every job that runs there.

The defaults are those of FLARE 2.9.0's own Kubernetes launcher wherever it has the setting.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from launcher.core.releases import StorageDriver
from launcher.core.spec.jobspec import Role

__all__ = [
    "HANDED_DOWN_RULE",
    "LONGEST_SECONDS",
    "PendingPolicy",
    "SiteConfig",
    "Timeouts",
    "at_most_longest",
    "is_handed_down",
    "is_seconds",
]

# A hundred years: a longer wait is as good as one for ever, and its end is a date that nobody can print
# (FLARE 2.9.0 takes any number that is not negative, 10**400 too).
LONGEST_SECONDS = 100 * 366 * 86400.0


def is_seconds(value: Any) -> bool:
    """Tell whether FLARE takes ``value`` for a time to wait: a number, 0 or more, and not infinite."""
    # No math.isfinite: it cannot turn 10**400 into a float.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value < float("inf")


def at_most_longest(seconds: float) -> float:
    """Return a time to wait as one whose end has a date."""
    return min(seconds, LONGEST_SECONDS)


# Helm's own variables: each is handed down anyway, or it is a setting of the site (HELM_DRIVER is
# `storage_driver`, KUBECONFIG is `kubeconfig`), or it is kept from helm for a reason (HELM_DEBUG).
_OF_HELM = re.compile(r"HELM_\w*|KUBECONFIG")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
HANDED_DOWN_RULE = "must be a list of names of environment variables, without KUBECONFIG and HELM_..."


def is_handed_down(name: Any) -> bool:
    """Tell whether ``name`` may stand in ``pass_env``."""
    return (
        isinstance(name, str) and _VARIABLE.fullmatch(name) is not None and _OF_HELM.fullmatch(name) is None
    )


class PendingPolicy(str, enum.Enum):
    """Which column of the pending table decides."""

    GRACEFUL = "graceful"  # self-healing causes wait, permanent ones fail fast
    STRICT = "strict"  # the verdicts of FLARE 2.9.0's own launcher


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long each kind of cause may last, in seconds, from its first sight; None = for ever.

    The sentences below are those of ``docs/configuration.md`` (``scripts/config-docs``).

    Attributes:
        heal: seconds for causes that heal by themselves
        pull: for pulls that may work later
        pull_permanent: for images that are not there (and two sightings)
        config: for missing Secrets, ConfigMaps, claims, nodes
        create: for troubles of the container runtime
        detach: for volumes that another node still holds (Kubernetes forces them off after six minutes)
        start: from scheduled to running, all causes together; None = no limit
        queue: for pods behind a scheduling gate; None = no limit
        impossible: for requests larger than every node, in case a larger one is just joining (needs the right
            to list nodes, ``fljob rbac --nodes``; without it ``pending_timeout`` holds)
        scale_up: while the autoscaler adds a node for the pod
        no_scale_up: when the autoscaler has said three times that a new node would not help
        victims: while preempted pods leave the chosen node; then ``pending_timeout`` runs
        api: an outage of the API server after which jobs show UNKNOWN
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

    The sentences below are those of ``docs/configuration.md`` (``scripts/config-docs``).

    Attributes:
        site: name of the site; ``--site`` replaces it
        role: ``client`` or ``server``
        namespace: where jobs run
        default_python_path: interpreter of the job image when the job names none
        command: what ``fljob launch`` runs when no command is given
        pending_timeout: seconds to wait for missing resources; None = for ever, 0 = not at all
        timeout: seconds from launch until Running, whatever the cause; it counts through an outage of the API
            server and ends the job when the pod can be seen again; None = no limit
        workspace_mount_path: the workspace volume, also the working directory; absolute
        ephemeral_storage: size limit of the workspace
        image_pull_secrets: names of registry Secrets
        security_context: replaces ``spec.securityContext`` of the pod
        pod_security: ``baseline``, or ``restricted``, which adds non-root and drops all
            capabilities of the job container
        policy: ``graceful``, or ``strict`` = verdicts and return codes of FLARE's own launcher, with its
            clocks (``pending_timeout``, ``timeout``) only
        timeouts: how long each kind of cause may last, below this key
        study_data_file: FLARE's ``study_data.yaml`` (v1)
        study_job_spec_file: study -> Pod manifest
        study_runtime_file: FLARE's ``study_runtime.yaml`` (v2; not beside the other two)
        values_dir: folder of values templates that replace or add to the shipped ones
        values: chart values of the site
        chart: a chart that replaces the shipped one
        helm: name or path of helm
        pass_env: names of environment variables that helm gets, too: those that the credential program of
            the kubeconfig needs, such as ``AWS_PROFILE`` or ``GOOGLE_APPLICATION_CREDENTIALS``. Helm gets no
            others of the launcher but its own (``HELM_...``), ``PATH``, ``HOME``, proxies and certificates
        kubeconfig: kubeconfig file; without it KUBECONFIG, then ``~/.kube/config``, then the pod's account
        context: context of the kubeconfig; without it the current one
        storage_driver: where Helm keeps the records of releases: ``secret`` or ``configmap``. Everybody who
            looks at a site's jobs needs the same, since helm sees no release of the other one; change it
            while no job runs. The rights differ: ``fljob rbac --driver configmap``
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
    pass_env: tuple[str, ...] = ()
    kubeconfig: str = ""
    context: str = ""
    storage_driver: StorageDriver = "secret"
