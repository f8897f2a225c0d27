"""Studies whatever their format: which formats combine, and what makes a dataset."""

from __future__ import annotations

import dataclasses

import pytest

from launcher.core.spec.jobspec import Dataset, EnvVar
from launcher.core.spec.site import SiteConfig
from launcher.core.spec.study import (
    Study,
    StudyFile,
    StudyFormat,
    combine,
    files_to_read,
    make_dataset,
    require_name,
    without_file,
)
from launcher.errors import InvalidInput, StudyFormats

RUNTIME, DATA, JOB_SPEC = StudyFormat.RUNTIME, StudyFormat.DATA, StudyFormat.JOB_SPEC
DATASETS = tuple(Dataset(f"data-{name}", "pvc", f"/data/cancer/{name}", read_only=True) for name in "ab")
TEMPLATE = Study(
    name="cancer", pod_template={"kind": "Pod"}, template_source="a.yaml", main_by_name=False, warnings=("t",)
)


def places(*files):
    """Return study files of a short form: ``+data`` exists, ``-data`` does not, ``(+data)`` is FLARE's own place."""
    formats = {"runtime": RUNTIME, "data": DATA, "spec": JOB_SPEC}
    made = []
    for text in files:
        sign, name = text.strip("()")[0], text.strip("()")[1:]
        path = f"other-{name}.yaml" if text.startswith("(") else f"{name}.yaml"
        made.append(
            StudyFile(format=formats[name], path=path, exists=sign == "+", named=not text.startswith("("))
        )
    return made


@pytest.mark.parametrize("form", StudyFormat)
def test_the_site_has_a_setting_for_each_format(form):
    assert form.value in {field.name for field in dataclasses.fields(SiteConfig)}


# --- which formats combine ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "read"),
    [
        ([], []),
        (["+data"], ["data"]),
        (["-data"], ["data"]),
        (["+spec"], ["spec"]),
        (["+data", "+spec"], ["data", "spec"]),
        (["-data", "-spec"], ["data", "spec"]),
        (["+runtime"], ["runtime"]),
        (["+runtime", "(-data)"], ["runtime"]),
        (["+runtime", "-data", "-spec"], ["runtime"]),
        (["-runtime", "+data", "+spec", "(+data)"], ["runtime"]),
    ],
)
def test_which_files_hold_for_a_study(files, read):
    assert [file.path for file in files_to_read(places(*files), "cancer")] == [
        f"{name}.yaml" for name in read
    ]


@pytest.mark.parametrize(
    ("files", "read"),
    [([], []), (["+data"], []), (["-spec"], []), (["+data", "+spec"], []), (["+runtime"], ["runtime"])],
)
def test_a_job_without_a_study_needs_only_the_v2_file(files, read):
    assert [file.path for file in files_to_read(places(*files), "")] == [f"{name}.yaml" for name in read]


@pytest.mark.parametrize(
    ("v1", "names"),
    [
        (["+data"], "data.yaml"),
        (["+spec"], "spec.yaml"),
        (["-data", "+spec"], "spec.yaml"),
        (["(+data)"], "other-data.yaml"),
        (["+spec", "(+data)", "+data"], "data.yaml, other-data.yaml, spec.yaml"),
    ],
)
@pytest.mark.parametrize("study", ["cancer", ""])
def test_both_formats_at_once_are_refused(v1, names, study):
    with pytest.raises(StudyFormats) as error:
        files_to_read(places("+runtime", *v1), study)
    assert error.value.message == f"runtime.yaml: cannot be combined with {names}"
    assert error.value.cure == f"move all studies to runtime.yaml and delete {names}"


def test_a_missing_file_of_datasets_is_a_warning():
    (file,) = places("-data")
    warning = "data.yaml: there is no such study file, so no dataset is mounted"
    assert without_file(file, "cancer") == Study(name="cancer", warnings=(warning,))


@pytest.mark.parametrize("place", ["-runtime", "-spec"])
def test_other_files_must_be_there(place):
    (file,) = places(place)
    with pytest.raises(InvalidInput, match=r"^(runtime|spec)\.yaml: there is no such study file") as error:
        without_file(file, "cancer")
    assert error.value.cure == "create it, or take it out of fljob.yaml"


# --- what they give together --------------------------------------------------------------------------------


@pytest.mark.parametrize("study", ["default", ""])
def test_no_file_gives_nothing(study):
    assert combine(study, {}) == Study(name=study)


def test_a_study_that_no_file_knows_is_told():
    warning = "study 'cancer': the site has no study file, so the study gives its jobs nothing"
    assert combine("cancer", {}) == Study(name="cancer", warnings=(warning,))


def test_a_v2_file_gives_everything():
    given = dataclasses.replace(
        TEMPLATE, image="i", datasets=DATASETS, env=(EnvVar("A", "b"),), main_by_name=True
    )
    assert combine("cancer", {RUNTIME: given}) == given


def test_template_and_datasets_combine_with_a_warning():
    template = dataclasses.replace(TEMPLATE, warnings=())
    both = combine("cancer", {DATA: Study(name="cancer", datasets=DATASETS), JOB_SPEC: template})
    assert both.pod_template == {"kind": "Pod"}
    assert len(both.datasets) == 2
    assert both == dataclasses.replace(
        template,
        datasets=DATASETS,
        warnings=("study 'cancer': its datasets are added to its Pod template a.yaml",),
    )


@pytest.mark.parametrize("data", [Study(), Study(warnings=("w",))])
def test_a_template_without_datasets_stays_as_it_is(data):
    both = combine("cancer", {DATA: data, JOB_SPEC: TEMPLATE})
    assert (both.pod_template, both.datasets, both.warnings) == (
        {"kind": "Pod"},
        (),
        ("t", *data.warnings),
    )


def test_datasets_without_a_template_are_no_reason_to_warn():
    parts = {DATA: Study(name="cancer", datasets=DATASETS), JOB_SPEC: Study(name="cancer")}
    assert combine("cancer", parts) == parts[DATA]


# --- names and datasets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "0", "a-b_c", "a" * 63])
def test_names(name):
    assert require_name(name, "f") == name


@pytest.mark.parametrize("name", ["", "A", "-a", "a-", "_a", "a.b", "a" * 64, "a\n", "é", None, 1, ["a"]])
def test_what_is_no_name(name):
    with pytest.raises(InvalidInput, match=r"^f: must be a name, not ") as error:
        require_name(name, "f")
    assert error.value.cure


@pytest.mark.parametrize(("mode", "read_only"), [("ro", True), ("rw", False)])
def test_a_dataset_has_flares_volume_and_path(mode, read_only):
    dataset = make_dataset("cancer", "images", {"source": "pvc-a", "mode": mode}, "f")
    assert dataset == Dataset("data-cancer-images-275ba15c", "pvc-a", "/data/cancer/images", read_only)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"mode": "ro"}, "f.source: must be a non-empty string, not null"),
        ({"source": " ", "mode": "ro"}, 'f.source: must be a non-empty string, not " "'),
        ({"source": "pvc"}, "f.mode: must be ro or rw, not null"),
        ({"source": "pvc", "mode": "RO"}, 'f.mode: must be ro or rw, not "RO"'),
        ({"source": "pvc", "mode": True}, "f.mode: must be ro or rw, not true"),
    ],
)
def test_what_is_no_dataset(entry, message):
    with pytest.raises(InvalidInput) as error:
        make_dataset("cancer", "images", entry, "f")
    assert error.value.message == message
    assert error.value.cure
