"""``fljob diff``: two sides by their options; helm is one that prints the values."""

from __future__ import annotations

import json

import pytest

from tests.kits import write_kit

STUDIES = {"format_version": 2, "studies": {"heart": {"env": {"A": "b"}}, "liver": {}}}
KITS = ("--kit", "old", "--to-kit", "new")


@pytest.fixture
def kits(folder, printing_helm):
    """Two kits that say the same, `old` and `new`; returns the second one."""
    for name in ("old", "new"):
        files = {"local/study_runtime.yaml": STUDIES, "fljob/fljob.yaml": {"image": "img:1"}}
        write_kit(folder / name, workspace="/mnt/ws", files=files)
    return folder / "new"


def change_study(kit, **more):
    studies = {"heart": {"env": {"A": "b"}, **more}, "liver": {}}
    (kit / "local/study_runtime.yaml").write_text(json.dumps({"format_version": 2, "studies": studies}))


@pytest.mark.usefixtures("kits")
def test_kits_that_say_the_same(fljob):
    assert fljob("diff", *KITS)[:2] == (0, "no difference in 3 studies\n")
    assert fljob("diff", "meta.json", *KITS)[0] == 0
    assert fljob("diff", *KITS, "--study", "heart")[:2] == (0, "no difference in 1 study\n")


def test_a_study_that_changes(fljob, kits):
    change_study(kits, container={"image": "b:2"})
    code, out, err = fljob("diff", *KITS)
    assert code == 1
    assert out.splitlines()[0] == "heart: changed"
    assert (
        '-spec.image.reference: "img:1"\n+spec.image.reference: "b:2"\n\nunchanged: default, liver\n' in out
    )
    assert err.count("warning: ") == 2  # one of each kit: it has no study `default`
    found = json.loads(fljob("diff", *KITS, "-o", "json")[1])
    assert [one["studies"] for one in found["studies"]] == [["heart"]]
    comment = fljob("diff", *KITS, "-o", "markdown")[1]
    assert comment.startswith("### fljob diff: 1 of 3 studies change\n")
    assert fljob("diff", *KITS, "--study", "liver")[0] == 0


def test_a_job_that_names_its_image_does_not_change_with_the_study(fljob, kits):
    change_study(kits, container={"image": "b:2"})
    assert fljob("diff", "meta.json", *KITS)[0] == 0


def test_a_study_that_is_new(fljob, kits):
    (kits / "local/study_runtime.yaml").write_text(
        "{format_version: 2, studies: {heart: {env: {A: b}}, lung: {}}}"
    )
    out = fljob("diff", *KITS)[1]
    assert "liver: removed\n" in out
    assert "lung: added\n" in out


@pytest.mark.usefixtures("kits")
def test_two_configurations_of_one_kit(fljob, folder):
    (folder / "new.yaml").write_text("image: img:1\npod_security: restricted\n")
    code, out, _ = fljob("diff", "--kit", "old", "--to-config", "new.yaml")
    assert code == 1
    assert out.startswith("settings of the site: changed\n")
    assert "\ndefault, heart, liver: changed\n" in out
    assert '-spec.podSecurity: "baseline"\n+spec.podSecurity: "restricted"\n' in out


@pytest.mark.usefixtures("printing_helm")
def test_two_configurations_without_a_kit(fljob, folder):
    for name, size in (("old", "1Gi"), ("new", "2Gi")):
        (folder / f"{name}.yaml").write_text(f"site: site-1\nephemeral_storage: {size}\n")
    code, out, _ = fljob("diff", "meta.json", "--config", "old.yaml", "--to-config", "new.yaml")
    assert code == 1
    assert '+spec.workspace.sizeLimit: "2Gi"' in out
    assert fljob("diff", "--config", "old.yaml", "--to-config", "old.yaml")[0] == 0


@pytest.mark.usefixtures("kits")
def test_two_jobs(fljob, folder):
    (folder / "two.json").write_text(json.dumps({"launcher_spec": {"default": {"k8s": {"image": "x:1"}}}}))
    code, out, _ = fljob("diff", "meta.json", "--to-job", "two.json", "--kit", "old")
    assert (code, out.count("\n+spec.image.reference")) == (1, 1)


def test_a_study_that_cannot_be_rendered_any_more(fljob, kits):
    (kits / "fljob/values/studies").mkdir(parents=True)
    (kits / "fljob/values/studies/heart.yaml.j2").write_text("job: {id: mine}")
    (kits / "fljob/fljob.yaml").write_text("image: img:1\nvalues_dir: values\n")
    code, out, _ = fljob("diff", *KITS)
    assert code == 2
    assert "heart: failed\nafter: studies/heart.yaml.j2: job" in out
    assert "unchanged: default, liver\n" in out


def test_a_kit_that_cannot_be_read_is_an_error(fljob, kits):
    (kits / "local/study_runtime.yaml").write_text("[")
    code, out, err = fljob("diff", *KITS)
    assert (code, out) == (2, "")
    assert "study_runtime.yaml:1:2: " in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--kit", "old"),
            "nothing to compare with: name JOB, or --to-kit, --to-config, --to-chart or --to-job",
        ),
        (("--to-kit", "new"), "--to-kit needs --kit"),
        ((*KITS, "--to-config", ""), "--to-config: it is empty; name the second side"),
        (("meta.json", "--to-job", ""), "--to-job: it is empty"),
        (("--kit", "old", "--to-kit", ""), "--to-kit: it is empty"),
        (("--kit", "old", "--to-chart", ""), "--to-chart: it is empty"),
        (("-", "--to-job", "-"), "only one of them can be standard input"),
        ((*KITS, "-n", "fl"), "-n and --kit: the kit decides that"),
    ],
)
@pytest.mark.usefixtures("kits")
def test_what_makes_no_two_sides(fljob, words, said):
    code, out, err = fljob("diff", *words)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.usefixtures("kits")
def test_without_helm_it_fails(fljob, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    code, out, err = fljob("diff", *KITS)
    assert (code, out) == (8, "")
    assert "there is no program 'helm'" in err


def test_a_template_that_does_something_else_for_another_job_is_a_difference(fljob, kits):
    for kit in (kits, kits.parent / "old"):
        (kit / "fljob/values/studies").mkdir(parents=True)
        (kit / "fljob/values/studies/heart.yaml.j2").write_text("{}\n")
        (kit / "fljob/fljob.yaml").write_text("image: img:1\nvalues_dir: values\n")
    assert fljob("diff", *KITS)[0] == 0
    hidden = (
        '{% if job.job_id != "00000000-0000-0000-0000-000000000000" %}pod: {spec: {hostPID: true}}{% endif %}'
    )
    (kits / "fljob/values/studies/heart.yaml.j2").write_text(f"{{}}\n{hidden}\n")
    code, out, _ = fljob("diff", *KITS)
    assert code == 1
    assert "hostPID" in out
    assert "unchanged: default, heart, liver\n" in out


def test_a_setting_that_is_in_no_manifest_is_a_difference(fljob, kits):
    (kits / "fljob/fljob.yaml").write_text("image: img:1\nhelm: /share/helm\nmax_resources: {cpu: '64'}\n")
    code, out, _ = fljob("diff", *KITS)
    assert code == 1
    assert out.startswith("settings of the site: changed\n")
    assert '\n+helm: "/share/helm"\n+max_resources.cpu: "64"\n' in out
    assert "unchanged: default, heart, liver" in out
