"""Studies: the file formats of FLARE, each as it is read there."""

from __future__ import annotations

import pytest

from launcher.core.flare.study_data import from_study_data, from_study_job_spec, study_job_spec_path
from launcher.core.flare.study_runtime import from_study_runtime
from launcher.core.spec.jobspec import Dataset, EnvVar, SecretKey, SecretMount
from launcher.core.spec.study import RESERVED_ENV, Study, combine, refuse_both_formats
from launcher.errors import InvalidInput

DATA = {"cancer": {"images": {"source": "pvc-a", "mode": "ro"}, "out": {"source": "pvc-b", "mode": "rw"}}}
IMAGES = Dataset("data-cancer-images-275ba15c", "pvc-a", "/data/cancer/images", read_only=True)


def v2(**study):
    """Return a v2 file with one study, ``cancer``."""
    return {"format_version": 2, "studies": {"cancer": study}}


def no_file(path):
    raise AssertionError(path)


def read(parsed, study="cancer", load=no_file):
    return from_study_runtime(parsed, study, "study_runtime.yaml", load)


# --- v1: study_data.yaml ----------------------------------------------------------------------------


def test_v1_datasets_have_flares_volume_names_and_paths():
    datasets = from_study_data(DATA, "cancer", "study_data.yaml").datasets
    assert [(d.claim, d.mount_path, d.read_only) for d in datasets] == [
        ("pvc-a", "/data/cancer/images", True),
        ("pvc-b", "/data/cancer/out", False),
    ]
    assert all(d.volume.startswith("data-cancer-") for d in datasets)


@pytest.mark.parametrize(
    ("parsed", "study"), [(None, "cancer"), ({}, "cancer"), (DATA, "other"), ({"cancer": {}}, "cancer")]
)
def test_v1_without_datasets_warns(parsed, study):
    result = from_study_data(parsed, study, "study_data.yaml")
    assert result.datasets == ()
    assert f"study_data.yaml has no datasets for study {study!r}" in result.warnings[0]


def test_v1_without_a_study_is_silent():
    assert from_study_data(DATA, "", "study_data.yaml") == Study()


def test_v1_says_which_key_of_a_dataset_nobody_reads():
    data = {"cancer": {"x": {"source": "p", "mode": "ro", "sourc": "q"}, "y": {"source": "p", "mode": "rw"}}}
    known = "is read by nobody; known keys: source, mode"
    result = from_study_data(data, "cancer", "study_data.yaml")
    assert [dataset.claim for dataset in result.datasets] == ["p", "p"]  # as FLARE reads it
    assert result.warnings == (f"study_data.yaml: cancer.x.sourc {known}",)
    assert from_study_data({**data, "other": {}}, "", "study_data.yaml").warnings == ()


@pytest.mark.parametrize(
    ("parsed", "where"),
    [
        (["cancer"], "study_data.yaml: must be a mapping"),
        ({"Cancer": {}}, 'study_data.yaml: Cancer: must be a name, not "Cancer"'),
        ({"cancer": "pvc"}, "study_data.yaml: cancer: must be a mapping"),
        ({"cancer": {"x y": {}}}, "study_data.yaml: cancer.x y: must be a name"),
        ({"cancer": {"x": "pvc"}}, "study_data.yaml: cancer.x: must be a mapping"),
        ({"cancer": {"x": {"mode": "ro"}}}, "study_data.yaml: cancer.x.source: must be a non-empty string"),
        ({"cancer": {"x": {"source": "p"}}}, "study_data.yaml: cancer.x.mode: must be ro or rw, not null"),
        ({"cancer": {"x": {"source": "p", "mode": ["ro"]}}}, "study_data.yaml: cancer.x.mode"),
    ],
)
def test_v1_mistakes_in_any_study_are_errors(parsed, where):
    with pytest.raises(InvalidInput, match=where) as error:
        from_study_data(parsed, "other", "study_data.yaml")
    assert error.value.cure


# --- study job spec files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parsed", "study", "path"),
    [
        ({"a": "pods/a.yaml"}, "a", "pods/a.yaml"),
        ({"a": "/x.yaml"}, "b", ""),
        (None, "a", ""),
        ({"a": 1}, "", ""),
    ],
)
def test_job_spec_path(parsed, study, path):
    assert study_job_spec_path(parsed, study, "specs.yaml") == path


def test_job_spec_path_of_the_wrong_type():
    with pytest.raises(InvalidInput, match=r"specs\.yaml: a: must be a non-empty string"):
        study_job_spec_path({"a": {}}, "a", "specs.yaml")


def test_job_spec_is_a_template_whose_first_container_stands_in():
    study = from_study_job_spec({"kind": "Pod"}, "a", "a.yaml")
    assert (study.pod_template, study.main_by_name, study.template_source) == (
        {"kind": "Pod"},
        False,
        "a.yaml",
    )


def test_job_spec_without_an_entry_warns():
    assert from_study_job_spec(None, "a", "specs.yaml").warnings


@pytest.mark.parametrize("manifest", [[], "x", {"kind": "Job"}])
def test_job_spec_that_is_no_pod(manifest):
    with pytest.raises(InvalidInput, match=r"a\.yaml"):
        from_study_job_spec(manifest, "a", "a.yaml")


def test_template_and_datasets_combine_with_a_warning():
    template = from_study_job_spec({"kind": "Pod"}, "cancer", "a.yaml")
    both = combine(template, from_study_data(DATA, "cancer", "study_data.yaml"))
    assert both.pod_template == {"kind": "Pod"}
    assert len(both.datasets) == 2
    assert "its datasets are added" in both.warnings[0]


@pytest.mark.parametrize("data", [Study(), Study(warnings=("w",))])
def test_a_template_without_datasets_stays_as_it_is(data):
    template = from_study_job_spec({"kind": "Pod"}, "cancer", "a.yaml")
    both = combine(template, data)
    assert (both.pod_template, both.datasets, both.warnings) == ({"kind": "Pod"}, (), data.warnings)


def test_both_formats_at_once_are_refused():
    with pytest.raises(InvalidInput, match=r"v2\.yaml: cannot be combined with a\.yaml, b\.yaml"):
        refuse_both_formats("v2.yaml", ["b.yaml", "a.yaml"])


@pytest.mark.parametrize(("runtime", "legacy"), [("", ["a.yaml"]), ("v2.yaml", [])])
def test_one_format_is_fine(runtime, legacy):
    refuse_both_formats(runtime, legacy)


# --- v2: study_runtime.yaml -----------------------------------------------------------------------------


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
