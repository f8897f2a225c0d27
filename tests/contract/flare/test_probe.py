"""What `fljob doctor --image` runs in a container, run here: FLARE and the package are installed."""

from __future__ import annotations

import json

import pytest

from launcher.cli.commands.doctor import probe

LIMIT = 4096  # the kubelet cuts termination messages there


def run(tmp_path, monkeypatch, arguments, helm=""):
    monkeypatch.setattr(probe, "MESSAGE", str(tmp_path / "message"))
    code = probe.main(json.dumps(arguments), helm)
    text = (tmp_path / "message").read_text()
    assert len(text) < LIMIT
    return code, text


def test_probe_reports_versions_of_a_good_image(tmp_path, monkeypatch):
    code, text = run(tmp_path, monkeypatch, {"config_file_path": None, "pending_timeout": 60})
    assert code == 0
    assert text.startswith("fljob ")
    assert "nvflare 2.9" in text


def test_probe_fails_on_arguments_the_launcher_refuses(tmp_path, monkeypatch):
    code, text = run(tmp_path, monkeypatch, {"polcy": "strict"})
    assert (code, text[:41]) == (1, "TypeError: there is no argument 'polcy'; ")


@pytest.mark.parametrize(
    ("flare", "fits"),
    [("2.9.0", True), ("2.9.1rc5", True), ("2.9.12", True), ("2.8.3", False), ("2.10.0", False), ("(no version)", True)],
)  # fmt: skip
def test_probe_refuses_another_release_of_flare(tmp_path, monkeypatch, flare, fits):
    monkeypatch.setattr(probe, "of", lambda name: flare if name == "nvflare" else "0.1.0")
    code, text = run(tmp_path, monkeypatch, {})
    assert (code, text.startswith(f"RuntimeError: nvflare {flare} is not 2.9")) == (int(not fits), not fits)


def test_a_parent_needs_helm(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(tmp_path, monkeypatch, {}, "helm") == (1, "FileNotFoundError: helm is not on PATH")
    (tmp_path / "helm").write_text("#!/bin/sh\nprintf v4.3.0\n")
    (tmp_path / "helm").chmod(0o755)
    code, text = run(tmp_path, monkeypatch, {}, "helm")
    assert (code, text.endswith(", helm v4.3.0")) == (0, True)
