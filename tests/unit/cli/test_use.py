"""The first hour with the command line: README's words work, and every sentence can be acted on."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import launcher.cli
import launcher.composition
from tests.fakes import FakeWorld, exited

ROOT = Path(__file__).parents[3]
META = {"name": "x", "launcher_spec": {"default": {"k8s": {"image": "img:1"}}}}
LAUNCH = ("launch", "meta.json", "--site", "site-1", "-n", "fl", "--job-id", "a1")


@pytest.fixture
def fake():
    return FakeWorld()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLJOB_CONFIG", raising=False)
    (tmp_path / "meta.json").write_text(json.dumps(META))
    return tmp_path


@pytest.fixture
def fljob(fake, folder, capsys):
    """Return a function that runs a command and returns (exit code, stdout, stderr)."""

    def run(*args):
        with pytest.raises(SystemExit) as done:
            launcher.cli.main(list(args), world=fake.world)
        return (done.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def release(fake, fljob):
    """The release of a job that was launched."""
    fljob(*LAUNCH, "--", "x")
    (name,) = fake.releases.items
    return name


def show(fake, pod):
    (known,) = fake.pods.items.values()
    fake.pods.show(replace(pod, name=known.name, labels=known.labels, annotations=known.annotations))


# README


def test_the_python_of_the_readme_runs(fake, monkeypatch):
    (text,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    real = launcher.composition.make_service
    monkeypatch.setattr(launcher.composition, "make_service", lambda site: real(site, fake.world))
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


def test_adopting_a_kit_says_what_makes_it_take_effect(fljob, folder):
    for name in ("local", "helm_chart/templates"):
        (folder / "kit" / name).mkdir(parents=True)
    path = "nvflare.app_opt.job_launcher.k8s_launcher.ClientK8sJobLauncher"
    component = {"id": "k8s_launcher", "path": path, "args": {"namespace": "of-kit"}}
    (folder / "kit/local/resources.json.default").write_text(json.dumps({"components": [component]}))
    (folder / "kit/helm_chart/templates/role.yaml").write_text('{{ include "nvflare-client.name" . }}')
    (folder / "kit/helm_chart/values.yaml").write_text("name: site-1\n")
    code, out, _ = fljob("kit", "adopt", "--kit", "kit")
    assert code == 0
    assert "  kubectl rollout restart deployment/site-1 -n of-kit" in out.splitlines()
    assert "next" not in fljob("kit", "adopt", "--kit", "kit", "--undo", "--dry-run")[1]
