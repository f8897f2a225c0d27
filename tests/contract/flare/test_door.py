"""The FLARE door over a world in memory: what is left after each kind of failure, and the promises of the handle."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading

import pytest
from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext
from nvflare.apis.job_launcher_spec import JobProcessArgs
from nvflare.app_opt.job_launcher.workspace_cell_transfer import WorkspaceTransferManager

from launcher.core.names import credential_secret_name, pod_name, startup_secret_name
from launcher.errors import Denied, Rejected, Unavailable
from launcher.flare import ClientHelmJobLauncher
from launcher.flare.handle import DeadHandle
from tests.contract.flare import flare_side, our_side
from tests.contract.flare.case import JOB, Case, write_workspace
from tests.fakes import exited, main, scheduled

CASE = Case(
    meta={"job_id": JOB, "launcher_spec": {"default": {"k8s": {"image": "a"}}}},
    arguments={"namespace": "fl"},
    credentials=("canary-token", "canary-signature", "canary-ssid"),
)
CREDENTIALS = credential_secret_name(pod_name(JOB, "site-1"))
STARTUP = startup_secret_name("site-1")


class Launch:
    """One launch of CASE: launcher, context and what is left."""

    def __init__(self, root):
        write_workspace(root, CASE)
        self.launcher = our_side.make_launcher(CASE, root)
        self.context = flare_side.context(CASE, root)
        self.fake = self.launcher.fake

    def __call__(self, meta=CASE.meta):
        return self.launcher.launch_job(dict(meta), self.context)

    @property
    def transfer(self):
        """The record of the job's workspace transfer, None when there is none."""
        return WorkspaceTransferManager.get_or_create(self.context.get_engine().cell)._get_record(JOB)

    @property
    def pod(self):
        return pod_name(JOB, "site-1")

    def end(self, code):
        self.fake.pods.show(
            exited(code, name=self.pod, annotations=self.fake.pods.items[self.pod].annotations), self.pod
        )


@pytest.fixture
def launch(tmp_path):
    return Launch(tmp_path / "workspace")


def until(condition):
    for _ in range(200):
        if condition():
            return True
        threading.Event().wait(0.02)
    return False


def test_a_launch_registers_the_transfer_and_makes_both_secrets(launch):
    handle = launch()
    assert launch.transfer is not None
    assert launch.fake.secrets.items.keys() == {CREDENTIALS, STARTUP}
    assert launch.fake.secrets.owners[CREDENTIALS]
    assert handle.poll() == 127


@pytest.mark.parametrize(
    ("error", "code"), [(Rejected("no", code="PodSecurity"), 101), (Denied("no"), 104)], ids=["rule", "right"]
)
def test_a_refused_release_is_a_dead_handle_and_nothing_is_left(launch, error, code):
    launch.fake.releases.install_error = error
    handle = launch()
    assert isinstance(handle, DeadHandle)
    assert handle.wait() is None
    assert handle.poll() == code
    handle.terminate()
    assert launch.transfer is None
    assert launch.fake.secrets.items.keys() == {STARTUP}
    assert not launch.fake.pods.items


@pytest.mark.parametrize("error", [Rejected("no", code="QuotaExceeded"), Unavailable("no")])
def test_a_release_that_is_refused_for_now_is_tried_again_behind_the_handle(launch, error):
    launch.fake.releases.install_error = error
    handle = launch()
    assert handle.poll() == 127
    assert launch.transfer is not None
    launch.fake.releases.install_error = None
    waiter = threading.Thread(target=handle.wait)
    waiter.start()  # the clock of this world moves while somebody waits
    assert until(lambda: launch.fake.releases.items)
    launch.end(0)
    waiter.join(10)
    assert handle.poll() == 0


def test_a_refused_release_can_be_terminated(launch):
    launch.fake.releases.install_error = Rejected("no", code="QuotaExceeded")
    handle = launch()
    handle.terminate()
    handle.wait()
    assert handle.poll() == 9
    assert launch.transfer is None
    assert launch.fake.secrets.items.keys() == {STARTUP}


def test_a_secret_that_cannot_be_made_raises_and_nothing_is_left(launch):
    launch.fake.secrets.put_error = Denied("secrets is forbidden")
    with pytest.raises(RuntimeError, match="secrets is forbidden"):
        launch()
    assert launch.transfer is None
    assert not launch.fake.releases.log


MISSING = (FLContextKey.WORKSPACE_OBJECT, FLContextKey.ARGS, FLContextKey.JOB_PROCESS_ARGS)


@pytest.mark.parametrize("key", MISSING)
def test_a_missing_property_is_named_as_flare_names_it(launch, key):
    launch.context.set_prop(key, None, private=True, sticky=False)
    with pytest.raises(RuntimeError, match=key):
        launch()
    assert launch.transfer is None


def test_the_other_mistakes_of_a_context(launch, tmp_path):
    with pytest.raises(RuntimeError, match="missing job_id"):
        launch({})
    arguments = launch.context.get_prop(FLContextKey.JOB_PROCESS_ARGS)
    launch.context.set_prop(
        FLContextKey.JOB_PROCESS_ARGS,
        {name: value for name, value in arguments.items() if name != JobProcessArgs.EXE_MODULE},
        private=True,
        sticky=False,
    )
    with pytest.raises(RuntimeError, match=f"missing {JobProcessArgs.EXE_MODULE}"):
        launch()
    launch.context.set_prop(FLContextKey.JOB_PROCESS_ARGS, arguments, private=True, sticky=False)
    elsewhere = argparse.Namespace(workspace=str(tmp_path / "elsewhere"), set=None)
    launch.context.set_prop(FLContextKey.ARGS, elsewhere, private=True, sticky=False)
    with pytest.raises(RuntimeError, match="is not under workspace"):
        launch()
    with pytest.raises((RuntimeError, AttributeError)):
        launch.launcher.launch_job(dict(CASE.meta), FLContext())


def test_success_ends_the_transfer_after_the_process_and_removes_the_release(launch):
    handle = launch()
    waiter = threading.Thread(target=handle.wait)
    waiter.start()
    assert launch.transfer is not None
    launch.end(0)
    waiter.join(5)
    assert not waiter.is_alive()
    assert handle.poll() == 0
    assert launch.transfer is None
    assert until(lambda: not launch.fake.releases.items)
    assert CREDENTIALS not in launch.fake.secrets.items


def test_a_failure_is_explained_in_the_log_and_then_removed(launch, caplog):
    handle = launch()
    launch.end(7)
    handle.wait()
    assert handle.poll() == 9
    assert until(lambda: not launch.fake.releases.items)
    assert "exit code 7" in caplog.text


def test_no_credential_of_the_last_lines_goes_into_the_parents_log(launch, caplog):
    handle = launch()
    launch.fake.pods.lines = {
        "": [
            f"ssid is {CASE.credentials[2]}",
            "HF_TOKEN=canary-9",
            "-----BEGIN PRIVATE KEY-----",
            "canary" * 6,
            "-----END PRIVATE KEY-----",
            "0f3a" * 5000,
            "the end",
        ]
    }
    launch.end(7)
    handle.wait()
    assert until(lambda: "| the end" in caplog.text)
    assert "| ssid is ***" in caplog.text
    assert "... cut, the line has 20000 characters" in caplog.text
    assert "canary" not in caplog.text


def test_no_credential_of_a_sentence_goes_into_the_parents_log(launch, caplog):
    handle = launch()
    said = scheduled(
        main("waiting", "InvalidImageName", f"http://me:canary-7@h {CASE.credentials[0]}"),
        name=launch.pod,
        annotations=launch.fake.pods.items[launch.pod].annotations,
    )
    launch.fake.pods.show(said, launch.pod)
    handle.wait()
    assert until(lambda: "ended: ImageNameInvalid" in caplog.text)
    assert "http://me:***@h ***" in caplog.text
    assert "canary" not in caplog.text


def test_a_failure_leaves_a_diagnosis_in_the_run_folder_when_wait_returns(launch, caplog, tmp_path):
    handle = launch()
    secrets = [value.decode() for value in launch.fake.secrets.items[CREDENTIALS].values()]
    assert len(secrets) == 4
    launch.fake.pods.lines = {"": ["the last words", *secrets]}
    launch.end(7)
    handle.wait()
    folder = tmp_path / "workspace" / JOB / "fljob-diagnosis" / "site-1"
    found = {path.name: path.read_text() for path in folder.rglob("*.*") if path.is_file()}
    assert found["cause.txt"].startswith("AppError: The job process failed. ")
    assert found["job.log"].startswith("the last words\n")
    assert json.loads(found["status.json"])["jobId"] == JOB
    assert until(lambda: not launch.fake.releases.items)
    assert f"diagnosis in {folder}" in caplog.text
    assert [name for name, text in found.items() for secret in secrets if secret in text] == []


@pytest.mark.parametrize("end", ["success", "terminated"])
def test_no_failure_no_diagnosis(launch, tmp_path, end):
    handle = launch()
    if end == "success":
        launch.end(0)
    else:
        handle.terminate()
    handle.wait()
    assert until(lambda: not launch.fake.releases.items)
    assert not (tmp_path / "workspace" / JOB).exists()


def test_a_diagnosis_that_cannot_be_written_does_not_hinder_the_removal(launch, caplog, tmp_path):
    handle = launch()
    (tmp_path / "workspace" / JOB).write_text("a file where FLARE has a folder")
    launch.end(7)
    handle.wait()
    assert handle.poll() == 9
    assert until(lambda: not launch.fake.releases.items)
    assert "has no diagnosis" in caplog.text


def test_terminate_from_many_threads_while_others_wait(launch):
    handle = launch()
    waiters = [threading.Thread(target=handle.wait) for _ in range(2)]
    killers = [threading.Thread(target=handle.terminate) for _ in range(3)]
    for thread in (*waiters, *killers):
        thread.start()
    for thread in (*waiters, *killers):
        thread.join(10)
        assert not thread.is_alive()
    assert handle.poll() == 9
    assert launch.transfer is None
    assert not launch.fake.releases.items
    handle.terminate()


def test_terminate_after_success_keeps_the_code(launch):
    handle = launch()
    launch.end(0)
    handle.wait()
    handle.terminate()
    assert handle.poll() == 0


def test_terminate_never_raises(launch):
    handle = launch()
    launch.fake.releases.uninstall_errors = [Denied("no")]
    handle.terminate()
    assert handle.poll() == 9


def test_heartbeat_cleanup_does_not_wait(launch):
    handle = launch()
    handle._terminate_for_heartbeat_cleanup()
    assert until(lambda: not launch.fake.releases.items)


def test_a_launcher_is_made_without_helm_cluster_or_their_clients():
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
        *(("workspace_mount_path", value) for value in ("", None, 7, "relative")),
        *(("image_pull_secrets", value) for value in ("x", [""], ["  "], [7], {"a": "b"})),
        *(("study_data_pvc_file_path", value) for value in ("", 1, False)),
        *(("default_python_path", value) for value in ("", 1)),
        ("timeout", "soon"),
        ("policy", "lenient"),
        *(("storage_driver", value) for value in ("sql", None, ["secret"])),
    ],
)
def test_a_bad_argument_is_a_value_error_that_names_it(argument, value):
    with pytest.raises(ValueError, match=rf"^{argument}: .*\n  cure: "):
        ClientHelmJobLauncher(config_file_path=None, **{argument: value})


def test_an_unknown_argument_is_a_type_error():
    with pytest.raises(TypeError, match="no argument 'polcy'"):
        ClientHelmJobLauncher(polcy="strict")


def test_settings_of_the_site_file_are_used_unless_an_argument_says_otherwise(tmp_path):
    root = write_workspace(tmp_path / "workspace", CASE)
    (root / "local").mkdir(exist_ok=True)
    (root / "local/fljob.yaml").write_text("pending_timeout: 7\nnamespace: other\n")
    launcher = our_side.make_launcher(CASE, root)
    handle = launcher.launch_job(dict(CASE.meta), flare_side.context(CASE, root))
    assert handle.handle._policy.pending_timeout == 7
    assert handle.handle.job.namespace == "fl"


def test_what_nobody_reads_is_told_in_the_log_of_the_parent(launch, caplog):
    k8s = {"image": "a", "memmory": "1Gi"}
    launch({**CASE.meta, "launcher_spec": {"default": {"k8s": k8s}}})
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "launcher_spec['default']['k8s']['memmory'] is read by nobody; did you mean memory?" in told
    assert JOB in told


def test_render_job_prints_the_pod_of_the_launch_and_touches_nothing(launch, tmp_path):
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
