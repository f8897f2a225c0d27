"""One job, and the templates that came with the launcher."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from launcher.core.spec.jobspec import Dataset, EnvVar, JobSpec, Resources, Role, SecretKey, SecretMount
from launcher.core.spec.site import SiteConfig
from launcher.core.values.build import build_values

__all__ = ["EMPTY", "SHIPPED", "SITE", "SPEC", "spec_with", "values"]

FOLDER = Path(__file__).parents[4] / "values"
SHIPPED = {path.relative_to(FOLDER).as_posix(): path.read_text() for path in FOLDER.rglob("*.j2")}
# Of a site that replaces every file that it may by an empty one.
EMPTY = {
    "site.yaml.j2": "",
    "mounts.yaml.j2": "",
    "job.yaml.j2": "",
    "launcher.yaml.j2": SHIPPED["launcher.yaml.j2"],
}
SITE = SiteConfig()

SPEC = JobSpec(
    job_id="abc",
    site="site#1",
    role=Role.CLIENT,
    study="cancer",
    namespace="fl",
    release="fj-abc",
    pod_name="abc-site1",
    container_name="container-abc",
    image="acme/job:1",
    command=("python3",),
    args=("-u", "-m", "job"),
    env=(EnvVar("A", "1"), EnvVar("TOKEN", secret=SecretKey("cred", "TOKEN"))),
    resources=Resources({"cpu": "500m"}, {"cpu": "2", "nvidia.com/gpu": "1"}),
    ephemeral_storage="2Gi",
    workspace_mount_path="/ws",
    startup_secret="kit",
    datasets=(Dataset("data-1", "pvc", "/data/cancer/x", read_only=True),),
    secret_mounts=(
        SecretMount("secret-1", "tls", "/tls", {"ca": "ca.pem"}),
        SecretMount("secret-2", "db", "/db"),
    ),
    image_pull_secrets=("pull",),
    security_context={"runAsUser": 1000},
    pod_template=None,
    pending_timeout=120.0,
)


def spec_with(**changes: Any) -> JobSpec:
    """Return the job with other fields."""
    return dataclasses.replace(SPEC, **changes)


def values(spec: JobSpec = SPEC, site: SiteConfig = SITE, **files: str) -> dict[str, Any]:
    """Build values with the shipped templates, some of them replaced: ``site_file``, ``study_file``."""
    names = {"site_file": "site.yaml.j2", "study_file": "studies/cancer.yaml.j2"}
    return build_values(spec, site, {**SHIPPED, **{names[key]: text for key, text in files.items()}})
