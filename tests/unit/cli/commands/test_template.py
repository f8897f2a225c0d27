"""``fljob template``: of a job, of a kit, of all studies, and as files; helm is one that prints the values."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.kits import write_kit

STUDIES = {"format_version": 2, "studies": {"heart": {"env": {"A": "b"}}, "liver": {}}}


@pytest.fixture
def kit(folder, printing_helm):
    return write_kit(folder / "kit", files={"local/study_runtime.yaml": STUDIES})


def pods(text):
    return [one["spec"] for one in yaml.safe_load_all(text)]


@pytest.mark.parametrize("name", ["chart", "values_dir", "study_data_file: x\nstudy_runtime_file"])
def test_a_missing_file_is_an_input_error(fljob, folder, name):
    (folder / "fljob.yaml").write_text(f"{name}: nowhere\n")
    code, out, err = fljob("template", "meta.json", "--site", "a", "--study", "s")
    assert (code, out) == (2, "")
    assert "nowhere" in err


@pytest.mark.usefixtures("printing_helm")
def test_a_job_that_is_only_shown_runs_flares_process_under_an_id_that_never_changes(fljob):
    printed = fljob("template", "meta.json", "--site", "site-1")
    assert printed == fljob("template", "meta.json", "--site", "site-1")
    (values,) = pods(printed[1])
    assert values["args"] == ["-u", "-m", "nvflare.private.fed.app.client.worker_process"]
    assert values["job"]["id"] == "00000000-0000-0000-0000-000000000000"


@pytest.mark.usefixtures("kit")
def test_a_job_of_a_kit_is_that_of_its_parent(fljob):
    code, out, err = fljob("template", "meta.json", "--kit", "kit")
    (values,) = pods(out)
    assert (code, err) == (0, "warning: kit/local/study_runtime.yaml has no entry for study 'default'\n")
    assert values["job"] == {
        "id": "00000000-0000-0000-0000-000000000000",
        "site": "site-1",
        "role": "client",
        "study": "default",
    }
    assert values["args"][-1] == "uid=site-1"
    assert values["image"]["reference"] == "img:1"
    assert [one["name"] for one in values["env"]][1:] == [
        "NVFL_WORKSPACE_OWNER_FQCN",
        "NVFLARE_JOB_AUTH_TOKEN",
        "NVFLARE_JOB_TOKEN_SIGNATURE",
        "NVFLARE_JOB_SSID",
        "NVFL_WORKSPACE_TRANSFER_TOKEN",
    ]


@pytest.mark.usefixtures("kit")
def test_without_a_job_it_is_what_the_site_gives_to_any(fljob):
    (values,) = pods(fljob("template", "--kit", "kit", "--study", "heart")[1])
    assert values["image"]["reference"] == "image-of-the-job"
    assert values["job"]["study"] == "heart"


def test_without_a_kit_meta_must_be_there(fljob):
    code, _, err = fljob("template")
    assert code == 2
    assert "Missing argument 'META'" in err


@pytest.mark.usefixtures("kit")
def test_id_and_study_of_a_job_that_flare_has_are_in_its_meta(fljob, folder):
    meta = {"study": "heart", "launcher_spec": {"default": {"k8s": {"image": "i"}}}}
    (folder / "meta.json").write_text(json.dumps(meta))
    (values,) = pods(fljob("template", "meta.json", "--kit", "kit")[1])
    assert values["job"]["study"] == "default"  # a submitter cannot choose it there
    (folder / "meta.json").write_text(json.dumps({**meta, "job_id": "a-1"}))
    (values,) = pods(fljob("template", "meta.json", "--kit", "kit")[1])
    assert (values["job"]["id"], values["job"]["study"]) == ("a-1", "heart")


@pytest.mark.usefixtures("kit")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-n", "fl"), "-n and --kit: the kit decides that"),
        (("--site", "x"), "--site and --kit: the kit decides that"),
        (("--role", "server"), "--role and --kit: the kit decides that"),
        (("--all-studies", "--study", "heart"), "--study and --all-studies: one of them"),
        (("--split", ""), "--split: name a folder"),
        (("--", "python3"), "COMMAND and --kit: a parent launches FLARE's job process"),
    ],
)
def test_what_the_kit_decides_is_no_option(fljob, words, said):
    code, out, err = fljob("template", "meta.json", "--kit", "kit", *words)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.usefixtures("kit")
def test_all_studies_one_after_the_other(fljob):
    code, out, _ = fljob("template", "--kit", "kit", "--all-studies")
    assert code == 0
    assert [line for line in out.splitlines() if line.startswith("# study")] == [
        "# study: default",
        "# study: heart",
        "# study: liver",
    ]
    assert [one["job"]["study"] for one in pods(out)] == ["default", "heart", "liver"]


def test_an_error_says_which_of_all_studies_it_is_about(fljob, kit):
    (kit / "fljob/values/studies").mkdir(parents=True)
    (kit / "fljob/values/studies/liver.yaml.j2").write_text("job: {id: mine}")
    (kit / "fljob/fljob.yaml").write_text("values_dir: values\n")
    code, out, err = fljob("template", "--kit", "kit", "--all-studies", "--split", "rendered")
    assert (code, out) == (2, "")
    assert "error: study 'liver': studies/liver.yaml.j2: job" in err
    assert not (kit.parent / "rendered").exists()


def test_all_studies_of_a_site_without_a_kit(fljob, folder, printing_helm):
    (folder / "fljob.yaml").write_text("study_data_file: data.yaml\nvalues_dir: values\nsite: site-1\n")
    (folder / "data.yaml").write_text("heart: {scans: {source: claim, mode: ro}}\n")
    (folder / "values/studies").mkdir(parents=True)
    (folder / "values/studies/liver.yaml.j2").write_text("")
    out = fljob("template", "meta.json", "--all-studies")[1]
    assert [line for line in out.splitlines() if line.startswith("# study")] == [
        "# study: -",
        "# study: heart",
        "# study: liver",
    ]


@pytest.mark.usefixtures("kit")
def test_one_file_for_each_object(fljob, folder):
    code, out, _ = fljob("template", "--kit", "kit", "--all-studies", "--split", "rendered")
    assert (code, out) == (0, "3 files in rendered\n")
    names = {
        path.relative_to(folder / "rendered").parts[0] for path in (folder / "rendered").rglob("Pod-*.yaml")
    }
    assert names == {"default", "heart", "liver"}
    (folder / "kit/local/study_runtime.yaml").write_text("{format_version: 2, studies: {heart: {}}}")
    out = fljob("template", "--kit", "kit", "--all-studies", "--split", "rendered")[1]
    assert out == "2 files in rendered, 1 removed\n"
    assert (
        fljob("template", "--kit", "kit", "--study", "heart", "--split", "rendered")[1]
        == "1 file in rendered\n"
    )
    assert (folder / "rendered/default").exists()


@pytest.mark.usefixtures("kit")
def test_a_configuration_stands_in_for_that_of_the_kit(fljob, folder):
    (folder / "other.yaml").write_text("pod_security: restricted\n")
    (values,) = pods(fljob("template", "--kit", "kit", "--config", "other.yaml")[1])
    assert values["podSecurity"] == "restricted"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            "chart: /opt/charts/own",
            "--kit: chart: /opt/charts/own is not in kit\n  cure: put it into the kit, or name",
        ),
        ("values_dir: ../../../secret", "--kit: values_dir: "),
        ("study_job_spec_file: /etc/passwd", "--kit: study_job_spec_file: /etc/passwd is not in kit"),
    ],
)
def test_a_file_outside_of_the_kit_is_not_read(fljob, kit, setting, said):
    (kit / "fljob").mkdir()
    (kit / "fljob/fljob.yaml").write_text(setting)
    code, out, err = fljob("template", "--kit", "kit")
    assert (code, out) == (2, "")
    assert said in err


def test_a_link_out_of_the_kit_is_not_followed(fljob, folder, kit):
    (folder / "secret").mkdir()
    (kit / "fljob").mkdir()
    (kit / "fljob/values").symlink_to(folder / "secret")
    (kit / "fljob/fljob.yaml").write_text("values_dir: values")
    code, _, err = fljob("template", "--kit", "kit")
    assert code == 2
    assert "kit/fljob/values is a link out of the kit" in err
    (kit / "fljob/values").unlink()
    (kit / "fljob/other").mkdir()
    (kit / "fljob/values").symlink_to("other")  # as a ConfigMap is mounted
    assert fljob("template", "--kit", "kit")[0] == 0


@pytest.mark.parametrize("name", ["fljob/chart/secret.txt", "local/pod.yaml", "startup/client.json"])
def test_a_file_of_the_reviewer_is_not_shown(fljob, folder, kit, name):
    (folder / "key").write_text("canary")
    (kit / name).parent.mkdir(parents=True, exist_ok=True)
    (kit / name).symlink_to(folder / "key")
    code, out, err = fljob("template", "--kit", "kit")
    assert (code, "canary" in out + err) == (2, False)


def test_paths_of_the_parents_pod_are_found_in_the_kit(fljob, folder, printing_helm):
    files = {
        "fljob/fljob.yaml": "values_dir: /mnt/ws/fljob/values",
        "fljob/values/studies/heart.yaml.j2": "{}",
    }
    files["fljob/specs.yaml"] = {"liver": "pod.yaml"}
    files["fljob/pod.yaml"] = {"kind": "Pod", "spec": {"priorityClassName": "high"}}
    arguments = {"study_job_spec_file_path": "/mnt/ws/local/specs.yaml", "workspace_mount_path": "/mnt/ws"}
    write_kit(folder / "kit", files=files, arguments=arguments, workspace="/mnt/ws")
    out = fljob("template", "--kit", "kit", "--all-studies")[1]
    assert [one["job"]["study"] for one in pods(out)] == ["default", "heart", "liver"]
    assert pods(out)[2]["pod"]["spec"]["priorityClassName"] == "high"
    assert "/mnt/ws/startup" in pods(out)[0]["args"]


def launcher_of(kit, path):
    """Give the launcher of a kit another class; None = none."""
    file = kit / "local/resources.json.default"
    tree = json.loads(file.read_text())
    tree["components"][0]["path"] = path
    file.write_text(
        json.dumps({**tree, "components": [{k: v for k, v in tree["components"][0].items() if v}]})
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda kit: (kit / "startup/fed_client.json").unlink(), "has neither startup/fed_client.json nor"),
        (lambda kit: (kit / "startup/fed_client.json").write_text("["), "fed_client.json:1:2: "),
        (
            lambda kit: (kit / "startup/fed_client.json").write_text("[]"),
            "fed_client.json: must be a mapping",
        ),
        (lambda kit: (kit / "local/resources.json.default").unlink(), "there is no such file"),
        (
            lambda kit: (kit / "local/resources.json.default").write_text('{"components": []}'),
            "components[id=k8s_launcher]: must be there once, not 0 times",
        ),
        (
            lambda kit: launcher_of(kit, None),
            "resources.json.default: components[0].path: must be a non-empty string",
        ),
        (
            lambda kit: launcher_of(kit, "nvflare.app_opt.job_launcher.k8s_launcher.K8sJobLauncher"),
            "components[0].path: nvflare.app_opt.job_launcher.k8s_launcher.K8sJobLauncher is no launcher of FLARE 2.9",
        ),
        (lambda kit: write_kit(kit, arguments={"namspace": "x"}), "args: there is no argument 'namspace'"),
        (
            lambda kit: write_kit(kit, arguments={"timeout": -1}),
            "args.timeout: must be a non-negative number",
        ),
    ],
)
def test_a_kit_that_lacks_something_says_what(fljob, kit, spoil, said):
    spoil(kit)
    code, out, err = fljob("template", "--kit", "kit")
    assert (code, out) == (2, "")
    assert said in err
    assert (err.count("error:"), err.count("cure:")) == (1, 1)


def test_a_launcher_of_the_site_s_own_has_its_arguments_read(fljob, kit):
    launcher_of(kit, "acme.Launcher")
    assert fljob("template", "--kit", "kit")[0] == 0


def test_the_workspace_of_a_parent_without_its_chart(fljob, kit):
    (kit / "helm_chart/values.yaml").unlink()
    code, _, err = fljob("template", "--kit", "kit")
    assert code == 2
    assert "client.crt: there is no such file" in err
