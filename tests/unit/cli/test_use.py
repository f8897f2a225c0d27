"""The first hour with the command line: README's words work, and every sentence can be acted on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import launcher
from launcher.cli.signals import Stopped
from launcher.core.views import NodeView
from launcher.errors import Denied
from tests.fakes import exited, main, running, scheduled, unscheduled
from tests.unit.cli.conftest import show

ROOT = Path(__file__).parents[3]


# README


def test_the_python_of_the_readme_runs(fake, monkeypatch):
    (text,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    real = launcher.make_service
    monkeypatch.setattr(launcher, "make_service", lambda site: real(site, fake.world))
    fake.pods.script = []
    before, after = text.split("outcome = ")
    names = {}
    exec(before, names)
    (release,) = fake.releases.values.values()
    assert release["command"] == ["python3", "-c", "print('hello')"]
    show(fake, exited(0, "Completed"))
    exec(f"outcome = {after}", names)
    assert names["outcome"].code.value == "Success"
    assert fake.is_empty


def test_the_launch_of_the_readme_is_accepted(fake, fljob, folder):
    line = next(
        line for line in (ROOT / "README.md").read_text().splitlines() if line.strip().startswith("echo '{")
    )
    (folder / "meta.json").write_text(line.partition("'")[2].partition("'")[0])
    code, _, err = fljob("launch", "meta.json", "--site", "site-1", "-n", "fl", "--", "python3", "-c", "1")
    assert (code, err) == (0, "")


def test_help_of_launch_says_where_the_code_comes_from(fljob):
    assert "must be in the image" in " ".join(fljob("launch", "--help")[1].split())


# kit


@pytest.fixture
def prepared(folder):
    """A prepared kit, in the folder ``kit``."""
    for name in ("local", "helm_chart/templates"):
        (folder / "kit" / name).mkdir(parents=True)
    path = "nvflare.app_opt.job_launcher.k8s_launcher.ClientK8sJobLauncher"
    component = {"id": "k8s_launcher", "path": path, "args": {"namespace": "of-kit"}}
    (folder / "kit/local/resources.json.default").write_text(json.dumps({"components": [component]}))
    (folder / "kit/helm_chart/templates/role.yaml").write_text('{{ include "nvflare-client.name" . }}')
    (folder / "kit/helm_chart/values.yaml").write_text("name: site-1\n")
    return folder / "kit"


@pytest.mark.usefixtures("prepared")
def test_adopting_a_kit_says_what_makes_it_take_effect(fljob):
    code, out, _ = fljob("kit", "adopt", "--kit", "kit")
    assert code == 0
    assert "  kubectl rollout restart deployment/site-1 -n of-kit" in out.splitlines()
    assert "next" not in fljob("kit", "adopt", "--kit", "kit", "--undo", "--dry-run")[1]


def test_the_driver_of_a_kit_is_looked_for_in_its_site_file_too(fljob, prepared):
    (prepared / "local/fljob.yaml").write_text("storage_driver: configmap\n")
    assert fljob("kit", "adopt", "--kit", "kit")[0] == 0
    rights = prepared / "helm_chart/templates/fljob-rights.yaml"
    resources = prepared / "local/resources.json.default"
    assert "configmaps" in rights.read_text()
    assert "storage_driver" not in resources.read_text()
    assert fljob("kit", "adopt", "--kit", "kit", "--driver", "secret")[0] == 0
    assert "configmaps" not in rights.read_text()
    assert '"storage_driver": "secret"' in resources.read_text()
    assert "nothing to change" in fljob("kit", "adopt", "--kit", "kit")[1]


def test_a_driver_that_there_is_not_is_refused(fljob):
    code, _, err = fljob("kit", "adopt", "--kit", "kit", "--driver", "sql")
    assert code == 2
    assert "'secret', 'configmap'" in err


# logs


def known_as(fake, pod):
    (known,) = fake.pods.items.values()
    return replace(pod, name=known.name, labels=known.labels, annotations=known.annotations)


def test_logs_of_a_pod_that_waits_say_why_there_are_none(fake, fljob, release):
    show(fake, unscheduled())
    code, out, err = fljob("logs", release, "-n", "fl", "--kubeconfig", "k")
    assert (code, out) == (3, "")
    assert err.startswith("error: not started: InsufficientResources: ")
    assert f"cure: `fljob logs {release} -n fl --kubeconfig k -f` waits for it" in err


def test_following_waits_for_the_container(fake, fljob, release):
    show(fake, unscheduled())
    fake.pods.script = [known_as(fake, scheduled()), known_as(fake, running())]
    code, out, err = fljob("logs", release, "-n", "fl", "-f")
    assert (code, out) == (0, "line 1\nline 2\n")
    assert "InsufficientResources" in err


def test_following_ends_with_the_verdict_and_takes_nothing_away(fake, fljob, release):
    show(fake, scheduled(main("waiting", "InvalidImageName", 'couldn\'t parse image name "a:b:c"')))
    code, out, err = fljob("logs", release, "-n", "fl", "-f")
    assert (code, out) == (3, "")
    assert "not started: ImageNameInvalid" in err
    assert "fljob diagnose" in err
    assert not fake.is_empty


# waiting


def test_a_timeout_prints_the_job_and_the_command_that_goes_on(fake, fljob, release):
    show(fake, running())
    where = ("-n", "fl", "--context", "my c", "--kubeconfig", "k")
    code, out, err = fljob("wait", release, *where, "--timeout", "1", "-o", "json")
    row = json.loads(out)
    assert (code, row["release"], row["state"], row["outcome"]) == (10, release, "RUNNING", None)
    wanted = (
        f"has not ended after 1 s; wait on with: fljob wait {release} -n fl --kubeconfig k --context 'my c'"
    )
    assert err.splitlines()[-1] == f"{release} {wanted}"


def test_a_failure_ends_with_the_last_lines_of_the_log(fake, fljob, release):
    show(fake, exited(7))
    code, out, err = fljob("wait", release, "-n", "fl")
    assert (code, len(out.splitlines())) == (9, 2)
    assert err.endswith("  | line 1\n  | line 2\n")
    (pod,) = fake.pods.items
    assert ("logs", pod, "fl", "False", "5") in fake.pods.log


@pytest.mark.parametrize("pod", [exited(0, "Completed"), scheduled(main("waiting", "InvalidImageName", "x"))])
def test_no_log_lines_of_a_success_or_of_what_never_ran(fake, fljob, release, pod):
    show(fake, pod)
    fljob("wait", release, "-n", "fl")
    assert [entry for entry in fake.pods.log if entry[0] == "logs"] == []


@pytest.mark.parametrize(("kind", "expected"), [(KeyboardInterrupt, 130), (Stopped, 143)])
def test_both_signals_leave_the_job_and_say_how_to_go_on(fake, fljob, release, monkeypatch, kind, expected):
    show(fake, running())

    def stop(*_):
        raise kind

    monkeypatch.setattr(type(fake.pods.watch("fl")), "wait", stop)
    code, _, err = fljob("wait", release, "-n", "fl", "--context", "c")
    assert code == expected
    assert f"the job goes on; wait for it again: fljob wait {release} -n fl --context c" in err
    assert f"or end it: fljob terminate {release} -n fl --context c" in err


def test_following_events_is_interrupted_with_130(fake, fljob, release, monkeypatch):
    show(fake, running())

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(fake.pods.watch("fl")), "wait", stop)
    assert fljob("events", release, "-n", "fl", "-f")[0] == 130


def test_a_cause_is_printed_once_however_its_words_change(fake, fljob, release):
    shown = [scheduled(main("waiting", "ErrImagePull", f"dial tcp: i/o timeout {n}")) for n in range(3)]
    show(fake, shown[0])
    fake.pods.script = [known_as(fake, pod) for pod in (*shown[1:], exited(0, "Completed"))]
    _, _, err = fljob("wait", release, "-n", "fl")
    assert len(re.findall("i/o timeout", err)) == 1


def test_a_signal_during_the_imports_is_no_traceback(tmp_path):
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = subprocess.run(
        [sys.executable, "-m", "launcher", "list"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": ""},
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


# small things


def test_the_version_is_an_option_too(fljob):
    assert fljob("--version") == fljob("version")
    assert fljob("--version")[0] == 0


def test_gc_says_when_there_is_nothing(fljob):
    assert fljob("gc", "-n", "fl") == (0, "", "nothing to remove in namespace fl\n")


def test_gc_says_what_it_removed_before_what_it_could_not(fake, fljob):
    fake.secrets.items = {"nvflare-cred-1": {}, "nvflare-cred-2": {}}
    fake.secrets.delete_errors = [Denied("no right to delete secrets")]
    fake.clock.time = 61
    code, out, err = fljob("gc", "-n", "fl", "--older-than", "0s")
    assert (code, out) == (6, "removed secret nvflare-cred-2\n")
    assert err.endswith("error: no right to delete secrets\n")


@pytest.mark.parametrize(
    ("options", "role"),
    [(("server",), "server_runner"), (("server", "--role", "client"), "client"), (("site-1",), "client")],
)
def test_the_site_server_is_the_server(fljob, options, role):
    _, out, _ = fljob("render", "meta.json", "--site", *options, "-o", "json")
    assert ("runner_process" in out) == (role == "server_runner")


def test_list_and_status_agree_about_a_request_that_no_node_can_meet(fake, fljob, release):
    fake.pods.node_list = (NodeView("n", {"cpu": "2", "memory": "4Gi"}),)
    asks = replace(main("none"), requests={"cpu": "64"})
    show(fake, unscheduled(containers=(asks,)))
    listed = json.loads(fljob("list", "-n", "fl", "-o", "json")[1])[0]["pending"]["code"]
    status = json.loads(fljob("status", release, "-n", "fl", "-o", "json")[1])["pending"]["code"]
    assert (listed, status) == ("ImpossibleRequest", "ImpossibleRequest")


def test_a_key_of_the_meta_that_nobody_reads_is_a_warning(fljob, folder):
    meta = {"launcher_spec": {"default": {"k8s": {"image": "i", "memroy": "1Gi"}}}}
    (folder / "meta.json").write_text(json.dumps(meta))
    code, _, err = fljob("render", "meta.json", "--site", "a")
    assert code == 0
    assert err.startswith("warning: meta.json: launcher_spec['default']['k8s']['memroy']")


@pytest.mark.parametrize("name", ["chart", "values_dir", "study_data_file: x\nstudy_runtime_file"])
def test_a_missing_file_is_an_input_error(fljob, folder, name):
    (folder / "fljob.yaml").write_text(f"{name}: nowhere\n")
    code, out, err = fljob("template", "meta.json", "--site", "a", "--study", "s")
    assert (code, out) == (2, "")
    assert "nowhere" in err
