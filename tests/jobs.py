"""One job for tests of the use cases: its spec, its values, and how its pod is shown."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from launcher.core import names
from launcher.core.spec.jobspec import EnvVar, JobSpec, Resources, Role, SecretKey
from launcher.core.views import ReleaseView
from tests.fakes import START

CANARY = b"canary-4711"


def make_spec(**changes) -> JobSpec:
    spec = JobSpec(
        job_id="a1b2", site="site-1", role=Role.CLIENT, study="", namespace="fl", release="fj-a1b2-site-1-0",
        pod_name="job-1", container_name="job", image="img:1", command=("python",), args=(),
        env=(EnvVar("TOKEN", secret=SecretKey("nvflare-cred-job-1", "TOKEN")),), resources=Resources(),
        ephemeral_storage="1Gi", workspace_mount_path="/ws", startup_secret="", datasets=(), secret_mounts=(),
        image_pull_secrets=(), security_context={}, pod_template=None, pending_timeout=120.0,
    )  # fmt: skip
    return replace(spec, **changes)


def render(spec):
    labels = {
        names.LABEL_JOB_ID: spec.job_id,
        names.LABEL_ATTEMPT: str(spec.attempt),
        names.LABEL_FEDERATION: "fed",
    }
    annotations = {names.ANNOTATION_PENDING_TIMEOUT: "120"}
    if spec.retention:
        annotations[names.ANNOTATION_RETENTION] = spec.retention
    return {
        "labels": labels,
        "pod": {"name": spec.pod_name, "annotations": annotations},
        "job": {"id": spec.job_id},
    }


def make_release(status="deployed", **changes) -> ReleaseView:
    """Return Helm's record of the job of `make_spec`."""
    spec = make_spec()
    return replace(ReleaseView(spec.release, "fl", status, 1, START, render(spec)), **changes)


def leave_secret(fake, job, site="site-1", labels=MappingProxyType({})) -> str:
    """Leave the credentials of a job behind, and return the name of their Secret."""
    name = names.credential_secret_name(names.pod_name(job, site))
    fake.secrets.items[name] = {"TOKEN": b"x"}
    fake.secrets.labels[name] = {names.LABEL_JOB_ID: job, names.LABEL_SITE: site, **labels}
    return name


def show(fake, pod):
    """Show a state of the pod that was installed, keeping its labels and annotations."""
    known = fake.pods.items["job-1"]
    fake.pods.show(replace(pod, labels=known.labels, annotations=known.annotations))
