"""Files: chart, templates, job meta and studies are found where they are, and missed with a cure."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from launcher.core.spec.jobspec import EnvVar
from launcher.core.spec.site import SiteConfig
from launcher.edges.disk.site_files import (
    load_study,
    read_meta,
    study_names,
    values_templates,
)
from launcher.errors import InvalidInput

V1 = "cancer:\n  images: {source: pvc-a, mode: ro}\n"
V2 = "format_version: 2\nstudies:\n  cancer:\n    env: {A: b}\n"
POD = "kind: Pod\nspec: {nodeSelector: {disk: ssd}}\n"
TEMPLATED = "format_version: 2\nstudies:\n  cancer: {pod_template: pods/a.yaml}\n"


@pytest.fixture
def put(tmp_path):
    """Write a file below a folder and return its path as text."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


# --- templates --------------------------------------------------------------------------------------


def test_the_shipped_templates_are_found():
    names = values_templates(SiteConfig())
    assert {"job.yaml.j2", "mounts.yaml.j2", "site.yaml.j2"} <= names.keys()
    # What is shipped for a study would hold for every site's jobs that name it.
    assert not [name for name in names if name.startswith("studies/")]


def test_nothing_but_templates_is_taken_for_one():
    assert [name for name in values_templates(SiteConfig()) if not name.endswith(".yaml.j2")] == []


def test_a_sites_templates_replace_and_add(put, tmp_path):
    put("values/site.yaml.j2", "mine")
    put("values/studies/cancer.yaml.j2", "added")
    put("values/notes.txt", "not a template")
    shipped = values_templates(SiteConfig())
    both = values_templates(SiteConfig(values_dir=str(tmp_path / "values")))
    assert both == shipped | {"site.yaml.j2": "mine", "studies/cancer.yaml.j2": "added"}


def test_a_site_cannot_replace_the_launchers_template(put, tmp_path):
    put("values/launcher.yaml.j2", "image: {reference: theirs}")
    with pytest.raises(InvalidInput, match=r"/values/launcher\.yaml\.j2: belongs to the launcher"):
        values_templates(SiteConfig(values_dir=str(tmp_path / "values")))


def test_a_site_may_have_a_copy_of_the_whole_folder(put, tmp_path):
    shipped = values_templates(SiteConfig())
    for name, text in shipped.items():
        put(f"values/{name}", text)
    assert values_templates(SiteConfig(values_dir=str(tmp_path / "values"))) == shipped


@pytest.mark.parametrize("name", ["file", "x" * 300, "a\0b"])
def test_values_dir_that_is_no_folder(put, tmp_path, name):
    put("file", "")
    with pytest.raises(InvalidInput, match=r"values_dir: .* is not a folder\n  cure: correct `values_dir`"):
        values_templates(SiteConfig(values_dir=str(tmp_path / name)))


# --- job meta -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"), [("meta.json", '{"name": "a"}'), ("meta.yml", "name: a"), ("meta.yaml", "name: a")]
)
def test_meta_by_folder_and_by_file(put, name, text):
    path = put(f"job/{name}", text)
    assert read_meta(path) == ({"name": "a"}, path)
    assert read_meta(str(Path(path).parent)) == ({"name": "a"}, path)


def test_json_is_taken_first_as_flare_does(put, tmp_path):
    put("job/meta.yml", "name: b")
    put("job/meta.json", '{"name": "a"}')
    assert read_meta(str(tmp_path / "job"))[0] == {"name": "a"}


def test_meta_through_a_symlink(put, tmp_path):
    (tmp_path / "link.json").symlink_to(put("job/meta.json", "{}"))
    assert read_meta(str(tmp_path / "link.json")) == ({}, str(tmp_path / "link.json"))


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"{", "standard input:1:2: "),
        (b"[]", r"standard input: job meta must be a mapping"),
        (b"\xff", "standard input:1: is not UTF-8 text"),
        (b"", "standard input:1:1: Expecting value"),
    ],
)
def test_bad_meta_on_standard_input(monkeypatch, sent, error):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(sent)))
    with pytest.raises(InvalidInput, match=error):
        read_meta("-")


def test_meta_on_standard_input(monkeypatch):
    sent = io.BytesIO(json.dumps({"name": "é"}).encode())
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=sent))
    assert read_meta("-") == ({"name": "é"}, "standard input")


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("meta.json", "[1]", r"meta\.json: job meta must be a mapping"),
        ("meta.json", '{"a": 1,}', r"meta\.json:1:\d+: "),
        ("meta.yml", "a: [", r"meta\.yml:1:5: "),
        ("meta.conf", "a = 1", r"meta\.conf: HOCON is not supported\n  cure: save it as meta\.json"),
    ],
)
@pytest.mark.parametrize("by_folder", [True, False])
def test_bad_meta(put, name, text, error, by_folder):
    path = put(name, text)
    with pytest.raises(InvalidInput, match=error):
        read_meta(str(Path(path).parent) if by_folder else path)


def test_a_folder_without_meta(tmp_path):
    with pytest.raises(
        InvalidInput, match=r"there is no meta\.json in this folder\n  cure: name a FLARE job folder"
    ):
        read_meta(str(tmp_path))


def test_meta_of_a_name_that_no_file_can_have():
    with pytest.raises(
        InvalidInput, match=r"x: cannot be read: File name too long\n  cure: make it readable"
    ):
        read_meta("x" * 300)


def test_meta_that_is_not_there():
    with pytest.raises(InvalidInput, match=r"/nowhere/meta\.json: there is no such file"):
        read_meta("/nowhere/meta.json")


# --- studies --------------------------------------------------------------------------------------------


def claims(study):
    return [dataset.claim for dataset in study.datasets]


def test_a_site_without_study_files():
    study = load_study(SiteConfig(), "cancer")
    assert (study.name, study.datasets) == ("cancer", ())
    (warning,) = study.warnings
    assert "the site has no study file" in warning


def test_v1(put):
    assert claims(load_study(SiteConfig(study_data_file=put("study_data.yaml", V1)), "cancer")) == ["pvc-a"]


def test_v1_that_is_not_there_mounts_nothing_and_warns():
    study = load_study(SiteConfig(study_data_file="/nowhere.yaml"), "cancer")
    assert claims(study) == []
    assert study.warnings == ("/nowhere.yaml: there is no such study file, so no dataset is mounted",)


def test_v2(put):
    site = SiteConfig(study_runtime_file=put("study_runtime.yaml", V2))
    assert load_study(site, "cancer").env == (EnvVar("A", "b"),)


def test_v2_beside_a_configured_v1_file_that_is_not_there(put):
    site = SiteConfig(
        study_runtime_file=put("study_runtime.yaml", V2), study_data_file="/nowhere/study_data.yaml"
    )
    assert load_study(site, "cancer").env == (EnvVar("A", "b"),)


def test_v2_with_a_template_file(put):
    put("local/pods/a.yaml", POD)
    site = SiteConfig(study_runtime_file=put("local/study_runtime.yaml", TEMPLATED))
    assert load_study(site, "cancer").pod_template["spec"] == {"nodeSelector": {"disk": "ssd"}}


@pytest.mark.parametrize("absolute", [True, False])
def test_study_job_spec_is_relative_to_its_file_and_takes_datasets(put, absolute):
    pod = put("local/pods/a.yaml", POD)
    site = SiteConfig(
        study_job_spec_file=put("local/specs.yaml", f"cancer: {pod if absolute else 'pods/a.yaml'}\n"),
        study_data_file=put("study_data.yaml", V1),
    )
    study = load_study(site, "cancer")
    assert study.pod_template["spec"] == {"nodeSelector": {"disk": "ssd"}}
    assert claims(study) == ["pvc-a"]
    assert study.template_source == pod
    assert "its datasets are added" in study.warnings[-1]


def test_study_job_spec_without_an_entry(put):
    study = load_study(SiteConfig(study_job_spec_file=put("specs.yaml", "other: a.yaml\n")), "cancer")
    assert study.pod_template is None
    assert "has no entry for study 'cancer'" in study.warnings[0]


def test_a_job_without_a_study_opens_no_old_file(put):
    site = SiteConfig(study_data_file=put("a.yaml", "[broken"), study_job_spec_file=put("b.yaml", "[broken"))
    assert load_study(site, "").warnings == ()


def test_a_job_without_a_study_still_checks_v2(put):
    site = SiteConfig(study_runtime_file=put("study_runtime.yaml", "format_version: 1"))
    with pytest.raises(InvalidInput, match=r"study_runtime\.yaml: format_version: must be 2"):
        load_study(site, "")


@pytest.mark.parametrize("key", ["study_data_file", "study_job_spec_file"])
def test_both_formats_at_once(put, key):
    site = SiteConfig(study_runtime_file=put("study_runtime.yaml", V2), **{key: put("old.yaml", V1)})
    with pytest.raises(
        InvalidInput, match=r"study_runtime\.yaml: cannot be combined with .*old\.yaml\n  cure: "
    ):
        load_study(site, "cancer")


def test_v2_beside_a_v1_file_of_flares_name(put):
    put("study_data.yaml", V1)
    with pytest.raises(InvalidInput, match=r"cannot be combined with .*study_data\.yaml"):
        load_study(SiteConfig(study_runtime_file=put("study_runtime.yaml", V2)), "cancer")


@pytest.mark.parametrize("key", ["study_runtime_file", "study_job_spec_file"])
def test_a_named_study_file_that_is_not_there(key):
    with pytest.raises(InvalidInput, match=r"/nowhere\.yaml: there is no such study file\n  cure: create it"):
        load_study(SiteConfig(**{key: "/nowhere.yaml"}), "cancer")


@pytest.mark.parametrize(
    ("key", "text"), [("study_runtime_file", TEMPLATED), ("study_job_spec_file", "cancer: pods/a.yaml")]
)
def test_a_pod_template_that_is_not_there(put, key, text):
    site = SiteConfig(**{key: put("s.yaml", text)})
    with pytest.raises(
        InvalidInput, match=r"s\.yaml: names the pod template .*pods/a\.yaml, and there is no such file"
    ):
        load_study(site, "cancer")


def test_an_empty_pod_template(put):
    put("pods/a.yaml", "# to be written\n")
    site = SiteConfig(study_job_spec_file=put("s.yaml", "cancer: pods/a.yaml"))
    with pytest.raises(InvalidInput, match=r"pods/a\.yaml: is empty\n  cure: write a Pod manifest into it"):
        load_study(site, "cancer")


@pytest.mark.parametrize("key", ["study_data_file", "study_job_spec_file", "study_runtime_file"])
def test_yaml_mistakes_have_line_and_column(put, key):
    with pytest.raises(InvalidInput, match=r"s\.yaml:2:5: "):
        load_study(SiteConfig(**{key: put("s.yaml", "a: 1\nb: c: d")}), "cancer")


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return str(path)


@pytest.mark.parametrize("members", [{"meta.json": "{}"}, {"job/meta.json": "{}", "job/app/a.py": ""}])
def test_meta_in_the_zip_of_a_job_folder(tmp_path, members):
    raw, source = read_meta(zipped(tmp_path / "job.zip", members))
    assert raw == {}
    assert source == f"{tmp_path}/job.zip: {next(iter(members))}"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"a/b/meta.json": "{}"}, "there is no meta.json in this zip"),
        ({"meta.json": "["}, "job.zip: meta.json:1:2: "),
        ({"meta.json": " " * (5 << 20)}, "is larger than 4194304 bytes"),
    ],
)
def test_bad_meta_in_a_zip(tmp_path, members, words):
    with pytest.raises(InvalidInput, match=words):
        read_meta(zipped(tmp_path / "job.zip", members))


def test_what_is_no_zip(tmp_path):
    (tmp_path / "job.zip").write_text("text")
    with pytest.raises(InvalidInput, match=r"is no zip that can be read: .*\n  cure: unpack it"):
        read_meta(str(tmp_path / "job.zip"))
    with pytest.raises(InvalidInput, match="there is no such file"):
        read_meta(str(tmp_path / "other.zip"))


def test_the_studies_of_a_site_are_those_of_all_its_files(put, tmp_path):
    put("values/studies/liver.yaml.j2", "")
    put("specs.yaml", "{heart: pod.yaml, 7: x}")
    put("data.yaml", "{lung: {}}")
    site = SiteConfig(
        values_dir=str(tmp_path / "values"),
        study_job_spec_file=str(tmp_path / "specs.yaml"),
        study_data_file=str(tmp_path / "data.yaml"),
    )
    assert study_names(site) == ("heart", "liver", "lung")
    put("data.yaml", "[]")
    assert study_names(site) == ("heart", "liver")
    assert study_names(SiteConfig(study_data_file=str(tmp_path / "nowhere.yaml"))) == ()


def test_the_studies_of_flares_second_format(put, tmp_path):
    path = put("study_runtime.yaml", "{format_version: 2, studies: {heart: {}}}")
    assert study_names(SiteConfig(study_runtime_file=str(path))) == ("heart",)
    put("study_runtime.yaml", "{format_version: 2}")
    assert study_names(SiteConfig(study_runtime_file=str(path))) == ()
