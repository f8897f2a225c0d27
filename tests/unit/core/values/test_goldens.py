"""The values of whole jobs as ``fljob render`` prints them, byte for byte.

``pytest tests/unit/core/values --update-goldens`` writes them anew; git shows what changed.
"""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from launcher.core.flare.study_runtime import from_study_runtime
from launcher.core.merge import merge
from launcher.core.spec.asked import JobMeta
from launcher.core.spec.assemble import Request, build_jobspec
from launcher.core.spec.jobspec import EnvVar, Resources, Role, SecretKey
from launcher.core.spec.site import SiteConfig
from launcher.core.spec.study import Study
from launcher.core.values.build import build_values
from tests.unit.core.values.sample import SHIPPED

GOLDENS = Path(__file__).parent / "goldens"
CHART = Path(__file__).parents[4] / "charts" / "fljob"
JOB_ID = "7f4e9c1a-3b2d-4c5e-8f6a-1b2c3d4e5f60"

STUDY_RUNTIME = """
format_version: 2
studies:
  cancer:
    container: {image: registry.example/cancer:2.10}
    env: {COHORT: "on", FOLDS: 5}
    datasets:
      images: {source: pvc-images, mode: ro}
      models: {source: pvc-models, mode: rw}
    pod_template:
      metadata:
        labels: {team: imaging}
        annotations: {cluster-autoscaler.kubernetes.io/safe-to-evict: "false"}
      spec:
        nodeSelector: {disk: ssd}
        volumes: [{name: cache, emptyDir: {}}]
        containers:
          - name: nvflare_job
            imagePullPolicy: IfNotPresent
            env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}, {name: FOLDS, value: "3"}]
            volumeMounts: [{name: cache, mountPath: /cache}]
          - {name: proxy, image: "registry.example/proxy:1"}
"""
SECRETS = """
format_version: 2
studies:
  cancer:
    secret_env: {DB_PASSWORD: {source: cancer-db, key: password}}
    secret_mounts:
      certs: {source: cancer-tls, mount_path: /certs, items: {tls.crt: client.crt, tls.key: client.key}}
      keys: {source: cancer-keys, mount_path: /keys}
"""
STUDY_VALUES = """
pod:
  labels:
    cost-center: {{ job.study | label_value | emit }}
  spec:
    tolerations: [{key: reserved-for, operator: Equal, value: {{ job.study | emit }}, effect: NoSchedule}]
env:
  - {name: SITE, value: {{ job.site | emit }}}
networkPolicy: {enabled: true}
"""


def minimal():
    """Nothing that is not needed."""
    request = Request(job_id=JOB_ID, site="site-1", command=("python3", "train.py"))
    return build_values(
        build_jobspec(request, JobMeta(image="registry.example/job:1"), Study(), SiteConfig()),
        SiteConfig(),
        SHIPPED,
    )


def study():
    """A FLARE study with a Pod template, on a site with values and a study template of its own."""
    site = SiteConfig(
        namespace="fl",
        ephemeral_storage="20Gi",
        pod_security="restricted",
        security_context={"runAsUser": 1000, "fsGroup": 1000},
        values={
            "pod": {"labels": {"cost-center": "research"}},
            "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        },
    )
    meta = JobMeta(
        pending_timeout=None,
        resources=Resources(
            {"cpu": "2", "memory": "8Gi", "nvidia.com/gpu": "1"},
            {"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "1"},
        ),
    )
    request = Request(
        job_id=JOB_ID,
        site="Hôpital Nº1",
        study="cancer",
        args=("-u", "-m", "job"),
        env=(EnvVar("PYTHONPATH", "/var/tmp/nvflare/workspace/custom"),),
        attempt=2,
        federation="0123456789abcdef",
    )
    return _values(request, meta, STUDY_RUNTIME, site, {"studies/cancer.yaml.j2": STUDY_VALUES})


def secrets():
    """Every way in which a job refers to a Secret: never by content."""
    site = SiteConfig(image_pull_secrets=("registry",), pending_timeout=0.5)
    request = Request(
        job_id=JOB_ID,
        site="server",
        role=Role.SERVER,
        study="cancer",
        command=("run",),
        secret_env=(EnvVar("NVFLARE_JOB_AUTH_TOKEN", secret=SecretKey("nvflare-cred-x", "token")),),
        startup_secret="nvflare-startup-server",
    )
    return _values(request, JobMeta(image="registry.example/job@sha256:0a1b"), SECRETS, site, {})


def _values(request, meta, runtime, site, templates):
    given = from_study_runtime(yaml.safe_load(runtime), "cancer", "study_runtime.yaml", {}.__getitem__)
    return build_values(build_jobspec(request, meta, given, site), site, {**SHIPPED, **templates})


CASES = {"minimal": minimal, "study": study, "secrets": secrets}


@pytest.mark.parametrize("case", CASES)
def test_the_values_are_their_golden(case, check_golden):
    printed = yaml.safe_dump(CASES[case](), sort_keys=False, allow_unicode=True, width=110)
    check_golden(printed, GOLDENS / f"{case}.yaml")


def test_every_golden_has_a_case():
    assert {path.stem for path in GOLDENS.iterdir()} == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_the_chart_takes_them(case):
    defaults, schema = (
        yaml.safe_load((CHART / f"values.{name}").read_text()) for name in ("yaml", "schema.json")
    )
    values = yaml.safe_load((GOLDENS / f"{case}.yaml").read_text())
    jsonschema.validate(merge(defaults, values, case), schema)
