"""What a job pod gets of a site's own files: nothing, by FLARE's own bundle of the workspace."""

from __future__ import annotations

import json
import zipfile

import pytest
from nvflare.app_opt.job_launcher.workspace_cell_transfer import _zip_workspace_to_file

import launcher.cli
from launcher.flare import wiring
from launcher.flare.wiring import site_config
from tests.contract.flare import our_side
from tests.contract.flare.case import JOB, Case, write_workspace
from tests.contract.flare.in_memory import CASE

CANARY = "canary"
POD = {"kind": "Pod", "spec": {"containers": [{"name": "c", "image": CANARY}]}}
STUDY = "cancer"
# Every kind of file that a site can have, as it lies beside fljob.yaml.
OWN = {
    "fljob.yaml": {
        "values_dir": "values",
        "study_job_spec_file": "specs/specs.yaml",
        "kubeconfig": "./kube",
        "chart": "chart",
        "helm": "bin/helm",
        "values": {"labels": {"x": CANARY}},
    },
    "values/site.yaml.j2": f"# {CANARY}\n",
    "values/studies/a.yaml.j2": f"# {CANARY}\n",
    "specs/specs.yaml": {STUDY: "pods/a.yaml", CANARY: "../b.yaml"},
    "specs/pods/a.yaml": POD,
    "b.yaml": POD,
    "kube": CANARY,
    "chart/Chart.yaml": {"name": CANARY},
    "chart/templates/pod.yaml": CANARY,
    "bin/helm": CANARY,
}
FLARES = {
    "local/study_runtime.yaml": {"format_version": 2, "studies": {STUDY: {"pod_template": "pods/t.yaml"}}},
    "local/pods/t.yaml": POD,
    "local/study_data.yaml": {STUDY: {CANARY: {"source": "q", "mode": "ro"}}},
    "local/authorization.json": "{}",
}
# Left out of the bundle: the private part of a kit goes to jobs as a Secret, if at all.
OUTSIDE = {"startup/client.key": CANARY}


def workspace(folder, place, *, resources=None, **more):
    path = "nvflare.app_opt.job_launcher.k8s_launcher.ClientK8sJobLauncher"
    component = {"id": "k8s_launcher", "path": path, "args": {"namespace": "fl", **(resources or {})}}
    files = {f"{place}/{name}": content for name, content in OWN.items()} | FLARES | OUTSIDE | more
    files |= {
        "local/resources.json.default": json.dumps({"components": [component]}),
        "helm_chart/templates/role.yaml": '{{ include "nvflare-client.name" . }}',
        "helm_chart/values.yaml": {"name": "site-1", "persistence": {"workspace": {"mountPath": "/mnt/ws"}}},
    }
    return write_workspace(folder / "ws", Case(meta={"job_id": JOB}, files=files))


def bundle(root, folder):
    """Return what FLARE sends to a job pod, name -> text."""
    _zip_workspace_to_file(str(root), JOB, str(folder / "bundle.zip"))
    with zipfile.ZipFile(folder / "bundle.zip") as zipped:
        return {name: zipped.read(name).decode() for name in zipped.namelist()}


def adopt(root, *options):
    with pytest.raises(SystemExit) as done:
        launcher.cli.main(["kit", "adopt", "--kit", str(root), *options])
    return done.value.code


def test_the_old_place_is_sent_to_every_job_pod(tmp_path):
    sent = bundle(workspace(tmp_path, "local"), tmp_path)
    assert {f"local/{name}" for name in OWN} <= sent.keys()
    assert not {"local/study_runtime.yaml", "local/pods/t.yaml", "local/study_data.yaml"} & sent.keys()


@pytest.mark.parametrize("place", ["local", "fljob"])
def test_no_file_of_an_adopted_site_is_sent(tmp_path, place):
    root = workspace(tmp_path, place)
    assert adopt(root) == 0
    sent = bundle(root, tmp_path)
    assert sent.keys() == {"local/resources.json.default", "local/authorization.json"}
    assert CANARY not in "".join(sent.values())
    assert {f"fljob/{name}" for name in OWN} <= {
        path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()
    }
    assert {path.stat().st_mode & 0o777 for path in (root / "fljob").rglob("*") if path.is_file()} <= (
        {0o600} if place == "local" else {0o600, 0o644}
    )


def test_files_that_arguments_name_are_moved_and_found(tmp_path):
    arguments = {"study_job_spec_file_path": "/mnt/ws/local/other.yaml", "values_dir": "local/more"}
    root = workspace(
        tmp_path,
        "local",
        resources=arguments,
        **{
            "local/other.yaml": {STUDY: "there.yaml"},
            "local/there.yaml": POD,
            "local/more/site.yaml.j2": "a: 1",
        },
    )
    assert adopt(root) == 0
    assert {"local/other.yaml", "local/there.yaml", "local/more/site.yaml.j2"}.isdisjoint(
        bundle(root, tmp_path)
    )
    given = {"study_job_spec_file": str(root / "local/other.yaml"), "values_dir": str(root / "local/more")}
    site = site_config(given, str(root), "site-1", our_side._Client.role)
    assert site.study_job_spec_file == str(root / "fljob/other.yaml")
    assert site.values_dir == str(root / "fljob/more")


@pytest.mark.parametrize("place", ["local", "fljob"])
def test_the_parent_reads_both_places_and_warns_of_the_old_one_once(tmp_path, caplog, place):
    root = workspace(tmp_path, place)
    for _ in range(2):
        site = site_config({}, str(root), "site-1", our_side._Client.role)
    assert site.values_dir == str(root / place / "values")
    assert site.study_runtime_file == str(root / "local/study_runtime.yaml")
    warned = [text for text in map(str, caplog.messages) if "to every job pod" in text]
    assert len(warned) == (1 if place == "local" else 0)
    assert all("local/b.yaml, local/bin/helm, " in text for text in warned)


def test_where_both_places_have_a_file_the_new_one_counts(tmp_path, caplog):
    root = workspace(
        tmp_path, "fljob", **{"local/fljob.yaml": {"pending_timeout": 7}, "local/values/x.yaml.j2": "a: 1"}
    )
    (root / "fljob/fljob.yaml").write_text("pending_timeout: 8\nvalues_dir: values\n")
    site = site_config({}, str(root), "site-1", our_side._Client.role)
    assert (site.pending_timeout, site.values_dir) == (8, str(root / "fljob/values"))
    assert "files of the site too: local/fljob.yaml, local/values/x.yaml.j2; move them to" in caplog.text


def test_a_study_file_that_stays_is_found_from_the_new_place(tmp_path):
    root = workspace(tmp_path, "local")
    (root / "local/fljob.yaml").write_text("study_data_file: study_data.yaml\n")
    assert adopt(root) == 0
    site = site_config({}, str(root), "site-1", our_side._Client.role)
    assert site.study_data_file == str(root / "local/study_data.yaml")


@pytest.mark.parametrize(
    "job_id", ["fljob", "startup", "local", ".", "..", "x/../fljob", "./startup/", "../ws"]
)
def test_a_job_whose_id_names_a_folder_of_the_workspace_is_refused(launch, job_id):
    with pytest.raises(RuntimeError, match="is the name of a folder of the workspace"):
        launch({**CASE.meta, "job_id": job_id})
    assert launch.transfer is None
    assert not launch.fake.secrets.items


@pytest.fixture(autouse=True)
def _new_process():
    wiring._WARNED.clear()
