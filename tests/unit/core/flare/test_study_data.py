"""The older study files: each as FLARE reads it."""

from __future__ import annotations

import pytest

from launcher.core.flare.study_data import from_study_data, from_study_job_spec, study_job_spec_path
from launcher.core.spec.study import Study
from launcher.errors import InvalidInput

DATA = {"cancer": {"images": {"source": "pvc-a", "mode": "ro"}, "out": {"source": "pvc-b", "mode": "rw"}}}


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
