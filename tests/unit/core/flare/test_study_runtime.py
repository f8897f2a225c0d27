"""FLARE's v2 study_runtime.yaml: strict, as it is read there."""

from __future__ import annotations

import pytest

from launcher.core.flare.study_runtime import from_study_runtime
from launcher.core.spec.jobspec import Dataset, EnvVar, SecretKey, SecretMount
from launcher.core.spec.study import RESERVED_ENV, Study
from launcher.errors import InvalidInput

IMAGES = Dataset("data-cancer-images-275ba15c", "pvc-a", "/data/cancer/images", read_only=True)


def v2(**study):
    """Return a v2 file with one study, ``cancer``."""
    return {"format_version": 2, "studies": {"cancer": study}}


def no_file(path):
    raise AssertionError(path)


def read(parsed, study="cancer", load=no_file):
    return from_study_runtime(parsed, study, "study_runtime.yaml", load)


def test_v2_with_everything():
    study = read(
        v2(
            container={"image": "acme/job:1"},
            pod_template={"kind": "Pod"},
            datasets={"images": {"type": "mount", "source": "pvc-a", "mode": "ro"}},
            env={"FLAG": True, "N": 1.5, "S": "x"},
            secret_env={"PASS": {"source": "db", "key": "password"}},
            secret_mounts={"certs": {"source": "tls", "mount_path": "/certs", "items": {"ca": "ca.pem"}}},
        )
    )
    assert study == Study(
        name="cancer",
        image="acme/job:1",
        pod_template={"kind": "Pod"},
        template_source="study_runtime.yaml: studies.cancer.pod_template",
        datasets=(IMAGES,),
        env=(EnvVar("FLAG", "true"), EnvVar("N", "1.5"), EnvVar("S", "x")),
        secret_env=(EnvVar("PASS", secret=SecretKey("db", "password")),),
        secret_mounts=(SecretMount("secret-cancer-certs-44dc0291", "tls", "/certs", {"ca": "ca.pem"}),),
    )


def test_v2_template_from_a_file():
    study = read(v2(pod_template="./pods/a.yaml"), load={"pods/a.yaml": {"kind": "Pod"}}.__getitem__)
    assert study.pod_template == {"kind": "Pod"}
    assert "(pods/a.yaml)" in study.template_source


@pytest.mark.parametrize(
    ("parsed", "study", "warns"),
    [
        (v2(), "cancer", False),
        (v2(), "other", True),
        (v2(), "", False),
        ({"format_version": 2, "studies": None}, "x", False),
    ],
)
def test_v2_without_an_entry_gives_nothing(parsed, study, warns):
    result = read(parsed, study)
    assert (result.image, result.env, bool(result.warnings)) == ("", (), warns)


@pytest.mark.parametrize(
    ("parsed", "where"),
    [
        (None, "study_runtime.yaml: must be a mapping"),
        ({"studies": {}}, "study_runtime.yaml: format_version: must be 2, not null"),
        ({"format_version": "2"}, "format_version: must be 2"),
        ({"format_version": 2, "study": {}}, 'study_runtime.yaml: unknown key "study"'),
        ({"format_version": 2, "studies": []}, "studies: must be a mapping"),
        ({"format_version": 2, "studies": {"A": {}}}, "studies.A: must be a name"),
        (v2(image="x"), 'studies.cancer: unknown key "image"'),
        (v2(docker_kwargs={}), "studies.cancer.docker_kwargs: Docker-only"),
        (v2(slurm={}), "studies.cancer.slurm: Slurm-only"),
        (v2(container={"image": ""}), "studies.cancer.container.image: must be a non-empty string"),
        (v2(container={"tag": "x"}), 'studies.cancer.container: unknown key "tag"'),
        (v2(pod_template="../x.yaml"), "studies.cancer.pod_template: must be a path below"),
        (v2(pod_template="a/../../x.yaml"), "studies.cancer.pod_template: must be a path below"),
        (v2(pod_template="/x.yaml"), "studies.cancer.pod_template: must be a path below"),
        (v2(pod_template=None), "studies.cancer.pod_template: must be a mapping"),
        (v2(pod_template={"kind": "Job"}), "studies.cancer.pod_template.kind: must be Pod"),
        (
            v2(datasets={"x": {"source": "p", "mode": "r"}}),
            "studies.cancer.datasets.x.mode: must be ro or rw",
        ),
        (v2(datasets={"x": {"source": "p", "mode": "ro", "y": 1}}), 'datasets.x: unknown key "y"'),
        (v2(datasets={"x": {"type": "databricks"}}), "datasets.x.type: must be mount .*not supported yet"),
        (v2(env={"A": None}), "studies.cancer.env.A: must be a single value, not null"),
        (v2(env={"A": [1]}), "studies.cancer.env.A: must be a single value"),
        (v2(env={"A": ""}), "studies.cancer.env.A: must not be empty"),
        (
            v2(secret_env={"A": {"source": "s"}}),
            "studies.cancer.secret_env.A.key: must be a non-empty string",
        ),
        (v2(secret_env={"A": "s"}), "studies.cancer.secret_env.A: must be a mapping"),
        (
            v2(env={"A": "1"}, secret_env={"A": {"source": "s", "key": "k"}}),
            "env.A: is in env and in secret_env",
        ),
        (
            v2(secret_mounts={"m": {"source": "s", "mount_path": "x"}}),
            "secret_mounts.m.mount_path: must be an abs",
        ),
        (
            v2(secret_mounts={"m": {"source": "s", "mount_path": "/x", "mode": "rw"}}),
            "secret_mounts.m.mode: must be ro",
        ),
        (
            v2(secret_mounts={"m": {"source": "s", "mount_path": "/x", "items": {}}}),
            "secret_mounts.m.items: must not",
        ),
        (v2(secret_mounts={"m": {"mount_path": "/x"}}), "secret_mounts.m.source: must be a non-empty string"),
        (v2(secret_mounts={"M": {}}), "secret_mounts.M: must be a name"),
    ],
)
def test_v2_mistakes_in_any_study_are_errors(parsed, where):
    with pytest.raises(InvalidInput, match=where) as error:
        read(parsed, study="other")
    assert error.value.cure
    assert "study_runtime.yaml" in error.value.where


@pytest.mark.parametrize("name", sorted(RESERVED_ENV))
@pytest.mark.parametrize("part", ["env", "secret_env"])
def test_v2_reserved_environment_is_refused(part, name):
    with pytest.raises(InvalidInput, match=f"studies.cancer.{part}.{name}: {name} is launcher-owned"):
        read(v2(**{part: {name: {"source": "s", "key": "k"}}}))
