"""Cancel, deadline, Ctrl-C and a killed launcher stop helm; no process stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from launcher.edges.helm import HelmReleases, child
from launcher.errors import Cancelled, LauncherError, Unavailable
from tests.contract.helm.conftest import ENVIRON
from tests.contract.helm.fake_helm import is_alive, is_gone_within
from tests.said import said_by

LABELS = {"fljob.internal/job-id": "j1"}
# An idle machine needs half a second, a busy one several; a helm that is not stopped runs for half a minute.
SOON = 10.0

SLOW = [
    pytest.param({"sleep": 30}, id="obedient"),
    pytest.param({"sleep": 30, "ignore_term": True}, id="ignores SIGTERM"),
    pytest.param({"sleep": 30, "grandchild": True}, id="grandchild holds the pipes"),
    pytest.param({"sleep": 30, "grandchild": "quiet"}, id="grandchild without pipes"),
]


@pytest.mark.parametrize("answer", SLOW)
def test_cancel_stops_helm_and_its_children(fake, releases, answer):
    fake.answer("install", answer)
    cancel, failure = threading.Event(), []

    def install() -> None:
        try:
            releases().install("r1", "ns", {}, LABELS, cancel)
        except Cancelled as error:
            failure.append(error)

    thread = threading.Thread(target=install)
    thread.start()
    call = fake.wait_for("install")
    cancel.set()
    assert is_gone_within(call.pid, SOON)
    thread.join(SOON)
    assert not call.grandchild or is_gone_within(call.grandchild, SOON)
    assert [str(error) for error in failure] == ["release ns/r1: helm install was cancelled"]


def test_cancel_before_start_starts_nothing(fake, releases):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        releases().install("r1", "ns", {}, LABELS, cancel)
    assert fake.verbs == []


def test_the_deadline_stops_helm(fake, releases):
    fake.answer("list", {"sleep": 30, "grandchild": True})
    start = time.monotonic()
    # Long enough for the fake, a Python, to start and to record its process id.
    with pytest.raises(Unavailable, match=r"helm list did not end within 3 s and was stopped"):
        releases(timeout_seconds=3.0).list("ns")
    assert time.monotonic() - start < 3 + SOON
    assert is_gone_within(fake.calls[0].pid, SOON)
    assert is_gone_within(fake.calls[0].grandchild, SOON)


@pytest.fixture
def logging_in(tmp_path):
    """The path of a kubeconfig with a credential program."""
    program = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "my-login",
        "interactiveMode": "Never",
    }
    config = {
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"exec": program}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    (tmp_path / "k").write_text(json.dumps(config))
    return str(tmp_path / "k")


def test_a_deadline_names_the_credential_program_that_helm_may_wait_for(fake, releases, logging_in):
    fake.answer("list", {"sleep": 30})
    with pytest.raises(Unavailable, match="the credential program my-login ends"):
        releases(timeout_seconds=1.0, kubeconfig=logging_in).list("ns")


@pytest.mark.parametrize("most", [300.0, 2.0])
def test_the_time_of_a_credential_program_is_not_helms(fake, releases, logging_in, monkeypatch, caplog, most):
    """Somebody logs in with a browser; kubectl waits for ever."""
    monkeypatch.setattr(child, "_NOTICE_SECONDS", 0.5)
    monkeypatch.setattr(child, "_PROGRAM_SECONDS", most)
    fake.answer("list", {"sleep": 5, "stdout": "[]", "grandchild": "quiet"})
    gateway = releases(timeout_seconds=1.0, kubeconfig=logging_in)
    if most > 5:
        assert gateway.list("ns") == ()
    else:
        with pytest.raises(Unavailable, match="the credential program my-login ends"):
            gateway.list("ns")
    assert said_by(caplog, "launcher.edges.helm") == ["helm waits for the credential program my-login"]


def test_helm_runs_in_its_own_session(fake, releases):
    """Ctrl-C on a terminal goes to the launcher alone, which then decides."""
    releases().list("ns")
    assert fake.calls[0].session == fake.calls[0].pid != os.getsid(0)


def test_grandchild_holding_pipes_does_not_delay_the_result(fake, releases):
    fake.answer("list", {"stdout": "[]", "grandchild": True})
    start = time.monotonic()
    assert releases(timeout_seconds=40.0).list("ns") == ()
    assert time.monotonic() - start < 20
    assert is_gone_within(fake.calls[0].grandchild, SOON)


_INSTALL = """
import sys
from pathlib import Path
from launcher.edges.helm import HelmReleases
gateway = HelmReleases(chart=Path("/c"), helm=sys.argv[1], environ={environ!r})
gateway.{verb}
"""


# An image without a shell has no setpriv either.
NO_SETPRIV = {**ENVIRON, "PATH": "/nonexistent"}


def _launcher(fake, verb: str, environ=ENVIRON) -> subprocess.Popen[bytes]:
    code = _INSTALL.format(environ=environ, verb=verb)
    return subprocess.Popen([sys.executable, "-c", code, str(fake.path)], stderr=subprocess.PIPE)


@pytest.mark.parametrize("environ", [ENVIRON, NO_SETPRIV], ids=["setpriv", "no setpriv"])
def test_helm_is_stopped_when_the_launcher_is_killed(fake, environ):
    fake.answer("install", {"sleep": 30})
    launcher = _launcher(fake, "install('r1', 'ns', {}, {})", environ)
    call = fake.wait_for("install")
    launcher.kill()
    launcher.communicate()
    assert is_gone_within(call.pid, SOON)


@pytest.mark.parametrize("environ", [ENVIRON, NO_SETPRIV], ids=["setpriv", "no setpriv"])
def test_a_helm_that_cannot_be_run_is_named(tmp_path, environ):
    program = tmp_path / "helm"
    program.write_bytes(b"\x7fELF for another machine")
    program.chmod(0o755)
    with pytest.raises(LauncherError, match=f"{program} cannot be run"):
        HelmReleases(chart=tmp_path, helm=str(program), environ=environ).install("r1", "ns", {}, {})


def test_an_uninstall_outlives_a_killed_launcher(fake):
    fake.answer("uninstall", {"sleep": 4})
    launcher = _launcher(fake, "uninstall('r1', 'ns')")
    call = fake.wait_for("uninstall")
    launcher.kill()
    launcher.communicate()
    time.sleep(0.2)
    assert is_alive(call.pid)
    assert is_gone_within(call.pid, 4 + SOON)


def test_ctrl_c_stops_helm_and_undoes_the_install(fake):
    fake.answer("install", {"sleep": 30})
    fake.answer("list", {"stdout": '[{"name": "r1"}]'})
    launcher = _launcher(fake, "install('r1', 'ns', {}, {})")
    call = fake.wait_for("install")
    launcher.send_signal(signal.SIGINT)
    _, stderr = launcher.communicate(timeout=60)
    assert b"KeyboardInterrupt" in stderr
    assert is_gone_within(call.pid, SOON)
    assert fake.verbs == ["install", "list", "uninstall", "status"]
