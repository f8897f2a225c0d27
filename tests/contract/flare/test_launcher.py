"""FLARE's entry point on fake ports: what each kind of failure leaves, constructor arguments and settings."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import threading

import pytest
import yaml

from launcher.core.spec.site import SETTINGS
from launcher.edges.disk.config import load_config
from launcher.errors import Denied, Reason, Rejected, Unavailable
from launcher.flare import ClientHelmJobLauncher
from launcher.flare.handle import NotStartedHandle
from launcher.flare.wiring import site_config
from tests.contract.flare import flare_side, our_side
from tests.contract.flare.case import JOB, V2, write_workspace
from tests.contract.flare.in_memory import CASE, CREDENTIALS, STARTUP, until
from tests.said import said_by


def test_launch_registers_transfer_and_creates_both_secrets(launch):
    handle = launch()
    assert launch.transfer is not None
    assert launch.fake.secrets.items.keys() == {CREDENTIALS, STARTUP}
    assert launch.fake.secrets.owners[CREDENTIALS]
    assert handle.poll() == 127


@pytest.mark.parametrize(
    ("error", "code"),
    [(Rejected("no", reason=Reason.POD_SECURITY), 101), (Denied("no"), 104)],
    ids=["rule", "right"],
)
def test_refused_release_returns_not_started_handle_and_leaves_nothing(launch, error, code):
    launch.fake.releases.install_error = error
    handle = launch()
    assert isinstance(handle, NotStartedHandle)
    assert handle.wait() is None
    assert handle.poll() == code
    handle.terminate()
    assert launch.transfer is None
    assert launch.fake.secrets.items.keys() == {STARTUP}
    assert not launch.fake.pods.items


def test_refused_release_writes_diagnosis_to_run_folder(launch, caplog):
    caplog.set_level("INFO")
    launch.fake.releases.install_error = Rejected(
        f"forbidden, {CASE.credentials[0]}", reason=Reason.POD_SECURITY, cure="ask for less"
    )
    launch()
    found = launch.diagnosis()
    assert sorted(found) == [
        "cause.txt", "conditions.txt", "events.txt", "events.yaml", "helm-status.json", "history.json",
        "missing.txt", "pod.yaml", "status.json", "values.yaml",
    ]  # fmt: skip
    assert found["cause.txt"].startswith("AdmissionDenied: ")
    assert found["cause.txt"].endswith("forbidden, *** Cure: ask for less\n")
    assert "reference: a\n" in found["values.yaml"]
    assert json.loads(found["status.json"])["outcome"]["returnCode"] == 101
    assert "pod.yaml: not asked for: the launch was refused" in found["missing.txt"]
    assert json.loads(found["history.json"]) == {"missing": "it was not launched"}
    assert "canary" not in "".join(found.values())
    assert f"diagnosis in {launch.root / 'fljob' / 'diagnosis' / JOB / 'site-1'}" in caplog.text


def test_failed_secret_writes_diagnosis(launch):
    launch.fake.secrets.put_error = Denied("secrets is forbidden", cure="grant it")
    with pytest.raises(RuntimeError, match="secrets is forbidden"):
        launch()
    assert "secrets is forbidden Cure: grant it" in launch.diagnosis()["cause.txt"]


def test_unwritable_diagnosis_does_not_change_the_result(launch, caplog):
    (launch.root / "fljob").write_text("a file where a site has a folder")
    launch.fake.releases.install_error = Rejected("no", reason=Reason.POD_SECURITY)
    handle = launch()
    assert isinstance(handle, NotStartedHandle)
    assert handle.poll() == 101
    assert launch.transfer is None
    assert "has no diagnosis" in caplog.text


@pytest.mark.parametrize("error", [Rejected("no", reason=Reason.QUOTA_EXCEEDED), Unavailable("no")])
def test_temporarily_refused_release_is_retried_in_background(launch, error):
    launch.fake.releases.install_error = error
    # An hour of the fake clock, which runs while somebody waits: some seconds for the thread that tries again.
    patient = {"k8s": {"image": "a", "pending_timeout": 3600}}
    handle = launch({**CASE.meta, "launcher_spec": {"default": patient}})
    assert handle.poll() == 127
    assert launch.transfer is not None
    launch.fake.releases.install_error = None
    waiter = threading.Thread(target=handle.wait)
    waiter.start()  # the fake clock moves while somebody waits
    assert until(lambda: launch.fake.releases.items)
    launch.end(0)
    waiter.join(10)
    assert handle.poll() == 0


def test_refused_release_can_be_terminated(launch):
    launch.fake.releases.install_error = Rejected("no", reason=Reason.QUOTA_EXCEEDED)
    handle = launch()
    handle.terminate()
    handle.wait()
    assert handle.poll() == 9
    assert launch.transfer is None
    assert launch.fake.secrets.items.keys() == {STARTUP}


def test_failed_secret_raises_and_leaves_nothing(launch):
    launch.fake.secrets.put_error = Denied("secrets is forbidden")
    with pytest.raises(RuntimeError, match="secrets is forbidden"):
        launch()
    assert launch.transfer is None
    assert not launch.fake.releases.log


def test_launcher_is_constructed_without_helm_cluster_or_their_clients():
    code = (
        "import sys, json; from launcher.flare import ClientHelmJobLauncher as C; C(config_file_path=None);"
        "print(json.dumps(sorted({'kubernetes', 'pyhelm3', 'pydantic', 'jinja2'} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PATH": ""})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("pending_timeout", value) for value in (-1, "1", True, [1], float("nan"))),
        *(("ephemeral_storage", value) for value in ("", None, 1, "much")),
        *(("workspace_mount_path", value) for value in ("", None, 7, "relative", "/a:b")),
        *(("image_pull_secrets", value) for value in ("x", [""], ["  "], [7], {"a": "b"})),
        *(("study_data_pvc_file_path", value) for value in ("", 1, False)),
        *(("default_python_path", value) for value in ("", 1)),
        ("timeout", "soon"),
        ("policy", "lenient"),
        *(("storage_driver", value) for value in ("sql", None, ["secret"])),
        *(("pass_env", value) for value in ("AWS_PROFILE", None, [1], ["HELM_DRIVER"])),
    ],
)
def test_bad_argument_raises_value_error_naming_it(argument, value):
    with pytest.raises(ValueError, match=rf"^{argument}: .*\n  cure: "):
        ClientHelmJobLauncher(config_file_path=None, **{argument: value})


@pytest.mark.parametrize("row", [row for row in SETTINGS.values() if row.argument], ids=lambda row: row.name)
def test_argument_and_site_file_key_give_the_same_setting(tmp_path, row):
    (tmp_path / "fljob.yaml").write_text(yaml.safe_dump({row.name: row.sample}))
    launcher = ClientHelmJobLauncher(**{row.argument: row.sample})
    assert launcher._settings == {row.name: getattr(load_config(tmp_path / "fljob.yaml"), row.name)}


@pytest.mark.parametrize("row", [row for row in SETTINGS.values() if row.null], ids=lambda row: row.name)
def test_null_argument(row):
    expected = None if row.kind.nullable else row.default
    assert ClientHelmJobLauncher(**{row.argument: None})._settings == {row.name: expected}


@pytest.mark.parametrize(
    ("given", "python"),
    [
        ({"python_path": "/old"}, {"default_python_path": "/old"}),
        ({"python_path": "/old", "default_python_path": None}, {"default_python_path": "/old"}),
        ({"python_path": "/old", "default_python_path": "/new"}, {"default_python_path": "/new"}),
        ({"default_python_path": None}, {}),
    ],
)
def test_python_path_is_an_alias(given, python):
    assert ClientHelmJobLauncher(**given)._settings == python


def test_unknown_argument_raises_type_error():
    with pytest.raises(TypeError, match="no argument 'polcy'"):
        ClientHelmJobLauncher(polcy="strict")


def test_argument_overrides_site_file(tmp_path):
    root = write_workspace(tmp_path / "workspace", CASE)
    (root / "local").mkdir(exist_ok=True)
    (root / "local/fljob.yaml").write_text("pending_timeout: 7\nnamespace: other\n")
    launcher = our_side.make_launcher(CASE, root)
    handle = launcher.launch_job(dict(CASE.meta), flare_side.context(CASE, root))
    assert handle.handle._policy.pending_timeout == 7
    assert handle.handle.job.namespace == "fl"


@pytest.mark.parametrize(
    ("argument", "line", "driver"),
    [
        ({}, "", "secret"),
        ({}, "storage_driver: configmap\n", "configmap"),
        ({"storage_driver": "configmap"}, "", "configmap"),
        ({"storage_driver": "secret"}, "storage_driver: configmap\n", "secret"),
    ],
)
def test_storage_driver_argument_overrides_site_file(tmp_path, argument, line, driver):
    root = write_workspace(tmp_path / "workspace", CASE)
    (root / "local/fljob.yaml").write_text(line)
    launcher = our_side.make_launcher(CASE, root, **argument)
    assert site_config(launcher._settings, str(root), "site-1", launcher.role).storage_driver == driver


def image_of(tmp_path, *, line="", study=None, **arguments):
    """Return the image of a job whose meta names none."""
    files = {"local/fljob.yaml": line} | (
        {V2: {"format_version": 2, "studies": {"cancer": study}}} if study else {}
    )
    case = dataclasses.replace(CASE, meta={"job_id": JOB, "study": "cancer" if study else ""}, files=files)
    launched = our_side.launch(case, write_workspace(tmp_path / "workspace", case), **arguments)
    return launched.values["image"]["reference"]


def test_image_argument_overrides_site_file(tmp_path):
    assert image_of(tmp_path, image="of-argument") == "of-argument"
    assert image_of(tmp_path, line="image: of-file\n") == "of-file"
    assert image_of(tmp_path, line="image: of-file\n", image="of-argument") == "of-argument"


def test_study_image_overrides_site_image(tmp_path):
    study = {"container": {"image": "of-study"}}
    assert image_of(tmp_path, study=study, image="of-argument") == "of-study"


def test_study_mistake_raises_value_error_with_site_image(tmp_path):
    study = {"pod_template": {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}}
    with pytest.raises(ValueError, match=r"spec\.containers"):
        image_of(tmp_path, study=study, image="of-argument")


@pytest.mark.parametrize("value", ["", " ", "a b", None, 7])
def test_invalid_image_argument_is_refused(value):
    with pytest.raises(ValueError, match=r"^image: must be the name of an image, not .*\n  cure: write \""):
        ClientHelmJobLauncher(image=value)


def test_pass_env_is_an_argument(tmp_path):
    launcher = our_side.make_launcher(CASE, tmp_path, pass_env=["AWS_PROFILE"])
    assert launcher._settings["pass_env"] == ("AWS_PROFILE",)


def test_ignored_settings_are_logged(launch, caplog):
    k8s = {"image": "a", "memmory": "1Gi"}
    launch({**CASE.meta, "launcher_spec": {"default": {"k8s": k8s}}})
    (told,) = (text for text in said_by(caplog, "launcher.flare.wiring") if "memmory" in text)
    assert "launcher_spec['default']['k8s']['memmory'] is read by nobody; did you mean memory?" in told
    assert JOB in told


def test_render_job_returns_the_launched_pod_and_creates_nothing(launch, tmp_path):
    manifests = launch.launcher.render_job(dict(CASE.meta), launch.context)
    assert launch.transfer is None
    assert not launch.fake.secrets.items
    launch()
    (values,) = launch.fake.releases.values.values()
    pod = next(one for one in manifests if one["kind"] == "Pod")
    rendered = our_side.render_one(values)
    for one in (pod, rendered):
        one["metadata"]["labels"].pop("app.kubernetes.io/instance", None)
    assert pod["spec"] == rendered["spec"]
