"""The command line against a recording world: what is printed, which exit code, and no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
import yaml

from launcher.cli.command_table import COMMANDS
from launcher.cli.exit_codes import EPILOG, EXIT_CODES
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.errors import Denied, LauncherError, Unavailable
from tests.fakes import exited, running, unscheduled
from tests.unit.cli.conftest import LAUNCH, show

ROOT = Path(__file__).parents[3]
CANARY = "canary-1138"


def installed(fake):
    (name,) = fake.releases.items
    (pod,) = fake.pods.items.values()
    return name, pod


def test_launch_says_what_it_made(fake, fljob):
    code, out, _ = fljob(*LAUNCH, "-o", "json", "--", "python", "-c", "1")
    name, pod = installed(fake)
    assert code == 0
    assert json.loads(out) == {"release": name, "namespace": "fl", "jobId": "a1", "pod": pod.name}
    assert fake.releases.values[name]["command"] == ["python", "-c", "1"]


def test_the_command_may_have_options_of_its_own(fake, fljob):
    fljob(*LAUNCH, "--", "sh", "-c", "x", "--wait", "-o", "y")
    name, _ = installed(fake)
    assert fake.releases.values[name]["command"] == ["sh", "-c", "x", "--wait", "-o", "y"]


def test_launch_wants_a_command(fake, fljob):
    code, _, err = fljob(*LAUNCH)
    assert (code, fake.releases.log) == (2, [])
    assert "after --" in err
    assert "command" in err


def test_launch_takes_the_command_of_the_site(fake, fljob, folder):
    (folder / "fljob.yaml").write_text("command: [python3, run.py]\n")
    assert fljob(*LAUNCH)[0] == 0
    name, _ = installed(fake)
    assert fake.releases.values[name]["command"] == ["python3", "run.py"]


def test_a_second_launch_of_a_live_job_is_refused(fake, fljob):
    fljob(*LAUNCH, "--", "x")
    show(fake, running())
    code, _, err = fljob(*LAUNCH, "--", "x")
    assert code == 4
    assert "already running" in err
    assert "fljob terminate" in err


def test_secrets_come_from_the_environment_and_go_nowhere_else(fake, fljob, monkeypatch):
    monkeypatch.setenv("TOKEN", CANARY)
    code, out, err = fljob(*LAUNCH, "--secret-env", "TOKEN", "--", "x")
    assert code == 0
    name, pod = installed(fake)
    assert fake.secrets.items == {f"nvflare-cred-{pod.name}": {"TOKEN": CANARY.encode()}}
    assert CANARY not in out + err + json.dumps(fake.releases.values[name])
    reference = {"name": f"nvflare-cred-{pod.name}", "key": "TOKEN"}
    assert {"name": "TOKEN", "valueFrom": {"secretKeyRef": reference}} in fake.releases.values[name]["env"]


def test_a_secret_may_be_any_bytes(fake, fljob, monkeypatch):
    monkeypatch.setenv("KEY", os.fsdecode(b"k\xff"))
    assert fljob(*LAUNCH, "--secret-env", "KEY", "--", "x")[0] == 0
    assert list(fake.secrets.items.values()) == [{"KEY": b"k\xff"}]


@pytest.mark.parametrize("command", [("render",), ("launch", "--secret-env", "HOME")])
def test_a_site_that_is_not_utf_8_is_refused(fljob, command):
    code, _, err = fljob(*command, "meta.json", "--site", os.fsdecode(b"s\xff"), "--", "x")
    assert code == 2
    assert "--site: must be valid Unicode" in err


def test_a_secret_that_is_not_set_is_named(fljob):
    code, _, err = fljob(*LAUNCH, "--secret-env", "NO_SUCH_TOKEN", "--", "x")
    assert code == 2
    assert "--secret-env NO_SUCH_TOKEN" in err


@pytest.mark.parametrize(("exit_code", "expected"), [(0, 0), (7, 9), (103, 103)])
def test_wait_exits_with_the_return_code(fake, fljob, exit_code, expected):
    fljob(*LAUNCH, "--", "x")
    name, _ = installed(fake)
    show(fake, exited(exit_code))
    code, out, _ = fljob("wait", name, "-n", "fl")
    assert code == expected
    assert out.startswith(name)


def test_wait_gives_up(fake, fljob):
    fljob(*LAUNCH, "--", "x")
    name, _ = installed(fake)
    show(fake, running())
    code, _, err = fljob("wait", name, "-n", "fl", "--timeout", "1")
    assert code == 10
    assert f"fljob wait {name}" in err


def test_status_has_the_documented_shape(fake, fljob):
    fljob(*LAUNCH, "--", "x")
    name, pod = installed(fake)
    show(fake, unscheduled())
    code, out, _ = fljob("status", name, "-n", "fl", "-o", "json")
    row = json.loads(out)
    assert code == 0
    assert {key: row[key] for key in ("release", "namespace", "jobId", "site", "role", "study", "state", "helm", "outcome")} == {
        "release": name, "namespace": "fl", "jobId": "a1", "site": "site-1", "role": "client", "study": "",
        "state": "STARTING", "helm": {"status": "deployed", "revision": 1, "summary": "Helm has accepted its objects"}, "outcome": None,
    }  # fmt: skip
    assert row["pod"] == {"name": pod.name, "uid": "uid-1", "node": "", "phase": "Pending", "drifted": False}
    assert (row["pending"]["action"], row["pending"]["code"]) == (
        "WAIT_FOR_RESOURCES",
        "InsufficientResources",
    )
    waited = datetime.fromisoformat(row["pending"]["deadline"]) - datetime.fromisoformat(
        row["pending"]["since"]
    )
    assert waited.total_seconds() == 120
    assert datetime.fromisoformat(row["pending"]["since"]).tzinfo == timezone.utc


def test_status_for_people_names_cause_and_cure(fake, fljob):
    fljob(*LAUNCH, "--", "x")
    name, _ = installed(fake)
    show(fake, exited(137, "OOMKilled"))
    _, out, _ = fljob("status", name, "-n", "fl")
    assert "state:    FAILED (return code 104)\ncause:    OOMKilled: The job used more memory" in out
    assert "cure:     raise memory" in out


def test_list_prints_a_table_and_json(fake, fljob):
    fljob(*LAUNCH, "--", "x")
    name, _ = installed(fake)
    assert name in fljob("list", "-n", "fl")[1]
    assert [row["release"] for row in json.loads(fljob("list", "-n", "fl", "-o", "json")[1])] == [name]


def test_an_empty_list_is_valid_json(fljob):
    assert json.loads(fljob("list", "-n", "fl", "-o", "json")[1]) == []


def test_logs(fake, fljob):
    fljob(*LAUNCH, "--", "x")
    name, pod = installed(fake)
    show(fake, running())
    assert fljob("logs", name, "-n", "fl", "-f", "--tail", "5")[1] == "line 1\nline 2\n"
    assert ("logs", pod.name, "fl", "True", "5") in fake.pods.log


def test_terminate_leaves_nothing(fake, fljob):
    fljob(*LAUNCH, "--", "x")
    name, _ = installed(fake)
    assert fljob("terminate", name, "-n", "fl")[0] == 0
    assert fake.is_empty
    assert fljob("terminate", name, "-n", "fl")[0] == 3


@pytest.mark.parametrize(
    ("options", "left"), [((), 1), (("--older-than", "0s", "--dry-run"), 1), (("--older-than", "0s"), 0)]
)
def test_gc_removes_what_ended_long_ago(fake, fljob, options, left):
    fljob(*LAUNCH, "--", "x")
    show(fake, exited(1))
    assert fljob("gc", "-n", "fl", *options)[0] == 0
    assert len(fake.releases.items) == left


def test_gc_removes_secrets_that_nobody_owns(fake, fljob):
    fake.secrets.items["nvflare-cred-gone"] = {"TOKEN": b"x"}
    code, out, _ = fljob("gc", "-n", "fl", "--older-than", "0s")
    assert (code, out, len(fake.secrets.items)) == (0, "", 1)  # a launch may be about to use it
    fake.clock.time = 61
    code, out, _ = fljob("gc", "-n", "fl", "--older-than", "0s")
    assert (code, out, fake.secrets.items) == (0, "removed secret nvflare-cred-gone\n", {})


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("nosuch",), 2, "No such command"),
        (("launch",), 2, "META"),
        (("status", "nope", "-n", "fl"), 3, "no job release 'nope'"),
        (("template", "nowhere", "--site", "a"), 2, "nowhere"),
        (("template", "meta.json"), 2, "--site"),
        (("template", "meta.json", "--site", "a", "--job-id", "bad id"), 2, "job id"),
        (("template", "meta.json", "--site", "a", "--config", "nope.yaml"), 2, "nope.yaml"),
        (("gc", "--older-than", "soon"), 2, "24h"),
        (("list", "-o", "xml"), 2, "xml"),
    ],
)
def test_a_mistake_has_one_clear_error(fljob, args, code, words):
    found, out, err = fljob(*args)
    assert (found, out) == (code, "")
    assert words in err
    assert "Traceback" not in err


def test_an_unknown_key_of_the_configuration_is_named_with_the_right_one(fljob, folder):
    (folder / "fljob.yaml").write_text("pending_timout: 3\n")
    code, _, err = fljob("list", "-n", "fl")
    assert code == 2
    assert "pending_timout" in err
    assert "pending_timeout" in err


def test_an_unavailable_cluster_is_no_absence(fake, fljob):
    fake.pods.unavailable = "connection refused"
    code, _, err = fljob(*LAUNCH, "--", "x")
    assert code == 5
    assert "connection refused" in err


@pytest.mark.parametrize("error", [Unavailable("a", cure="b"), Denied("a", cure="b")])
def test_an_error_says_what_to_do(fake, fljob, error):
    fake.releases.install_error = error
    assert fljob(*LAUNCH, "--", "x")[2] == "error: a\n  cure: b\n"


def test_no_exit_code_is_also_a_return_code():
    codes = {code for _, code in EXIT_CODES} | {10, 1}
    assert codes & {int(code) for code in ReturnCode} == set()
    assert {kind for kind, _ in EXIT_CODES} == set(LauncherError.__subclasses__())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(fljob, name):
    code, out, _ = fljob(name, "--help")
    assert code == 0
    assert "Usage: fljob" in out


def test_the_reference_names_every_command_and_exit_code():
    text = (ROOT / "docs" / "cli.md").read_text()
    assert [name for name in COMMANDS if f"`{name}" not in text] == []
    codes = [1, 10, 143, *(code for _, code in EXIT_CODES)]
    assert [code for code in codes if f"| {code} |" not in text] == []
    assert [code for code in codes if f"{code} " not in EPILOG] == []


@pytest.mark.parametrize(
    ("command", "absent"),
    [
        ("template", "kubernetes pydantic rich"),
        ("render", "kubernetes pydantic rich pyhelm3"),
        ("--help", "kubernetes jinja2 yaml"),
    ],
)
def test_a_command_imports_only_what_it_needs(command, absent, folder):
    script = (
        "import sys, launcher.cli\n"
        "try: launcher.cli.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        f"print([m for m in {absent.split()} if m in sys.modules], file=sys.stderr)"
    )
    args = [command] if command == "--help" else [command, "meta.json", "--site", "a"]
    done = subprocess.run(
        [sys.executable, "-c", script, *args],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/nonexistent"},
    )
    assert done.stderr.splitlines()[-1] == "[]", done.stderr


def test_render_prints_the_values(fljob):
    code, out, _ = fljob("render", "meta.json", "--site", "site-1", "-o", "json")
    values = json.loads(out)
    assert code == 0
    assert values["image"]["reference"] == "img:1"
    assert values["args"] == ["-u", "-m", "nvflare.private.fed.app.client.worker_process"]


def test_a_request_above_its_limit_is_a_warning_of_render(fljob, folder):
    k8s = {"image": "i", "cpu": "1", "cpu_request": "2"}
    (folder / "meta.json").write_text(json.dumps({"launcher_spec": {"default": {"k8s": k8s}}}))
    code, _, err = fljob("render", "meta.json", "--site", "a")
    assert code == 0
    assert "warning: meta.json: launcher_spec['default']['k8s']['cpu_request'] (2) is more than" in err


def test_output_is_the_same_every_time(fljob):
    assert fljob("render", "meta.json", "--site", "a") == fljob("render", "meta.json", "--site", "a")


@pytest.mark.parametrize(
    ("options", "namespace", "records"),
    [
        ((), "of-file", "configmaps"),
        (("--config", "other.yaml"), "default", "secrets"),
        (("-n", "fl", "--driver", "secret"), "fl", "secrets"),
    ],
)
def test_rbac_is_for_the_namespace_and_the_driver_of_the_site(fljob, folder, options, namespace, records):
    (folder / "fljob.yaml").write_text("namespace: of-file\nstorage_driver: configmap\n")
    (folder / "other.yaml").write_text("")
    code, out, _ = fljob("rbac", "--service-account", "a.b", *options)
    role, binding = yaml.safe_load_all(out)
    assert code == 0
    assert role["metadata"]["namespace"] == binding["subjects"][0]["namespace"] == namespace
    assert ("configmaps" in out) is (records == "configmaps")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("-n", "A_B"), '--namespace: must be the name of a namespace, not "A_B"'),
        (("-n", ""), '--namespace: must be the name of a namespace, not ""'),
        (("--service-account", "A B"), '--service-account: must be the name of a ServiceAccount, not "A B"'),
    ],
)
def test_a_name_that_kubernetes_refuses_is_refused_before(fljob, options, error):
    code, out, err = fljob("rbac", *options)
    assert (code, out) == (2, "")
    assert error in err
    assert "cure: use a-z" in err


def test_the_right_to_list_nodes_is_a_role_of_the_cluster_and_only_on_request(fljob):
    _, plain, _ = fljob("rbac", "-n", "fl", "--service-account", "site-1")
    _, more, _ = fljob("rbac", "-n", "fl", "--service-account", "site-1", "--nodes")
    assert "nodes" not in plain
    role, binding = list(yaml.safe_load_all(more))[2:]
    assert (role["kind"], role["rules"]) == (
        "ClusterRole",
        [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}],
    )
    assert binding["roleRef"]["name"] == role["metadata"]["name"] == "fljob-nodes-fl-site-1"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "site-1", "namespace": "fl"}]
