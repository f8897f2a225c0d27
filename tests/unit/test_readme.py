"""What the README promises: its Python runs, its commands are accepted, and its claims hold."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

import launcher
import launcher.cli
from launcher.core.catalogue import CATALOGUE, CREATION, STARTING, UNSCHEDULED, Code, Limit
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.spec.site import SiteConfig
from tests.fakes import exited
from tests.unit.cli.conftest import show

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
META = {"launcher_spec": {"default": {"k8s": {"image": "img:1", "cpu": "500m"}}}}
JOB = ("meta.json", "--site", "site-1", "-n", "fl", "--job-id", "a1")


@pytest.fixture
def fljob(fake, tmp_path, monkeypatch, capsys):
    """Return a function that runs a command in a folder of its own and returns (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLJOB_CONFIG", raising=False)
    (tmp_path / "meta.json").write_text(json.dumps(META))

    def run(*args):
        with pytest.raises(SystemExit) as done:
            launcher.cli.main(list(args), world=fake.world)
        return (done.value.code, *capsys.readouterr())

    return run


def test_the_python_of_the_readme_runs(fake, monkeypatch):
    (text,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
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


@pytest.mark.parametrize("line", re.findall(r"^\$ (echo '\{.*)$", README, re.MULTILINE))
def test_the_meta_of_the_readme_is_accepted(fljob, tmp_path, line):
    (tmp_path / "meta.json").write_text(line.partition("'")[2].partition("'")[0])
    code, _, err = fljob("launch", *JOB, "--", "python3", "-c", "1")
    assert (code, err) == (0, "")


def test_what_is_printed_offline_is_what_a_launch_installs(fake, fljob):
    command = ("--", "python3", "-c", "1")
    code, printed, _ = fljob("render", *JOB, *command)
    assert code == 0
    assert fljob("render", *JOB, *command)[1] == printed
    fljob("launch", *JOB, *command)
    (installed,) = fake.releases.values.values()
    assert yaml.safe_load(printed) == installed


def test_only_a_pod_behind_a_gate_may_wait_for_ever_by_default():
    site = SiteConfig()
    policy = WaitPolicy(site.policy, site.pending_timeout, site.timeout, site.timeouts)
    pending = {**CREATION, **UNSCHEDULED, **STARTING}
    causes = [code for code, entry in pending.items() if not entry.ran_out]
    assert [code for code in causes if policy.seconds(CATALOGUE[code].limit) is None] == [
        Code.SCHEDULING_GATED
    ]
    assert CATALOGUE[Code.SCHEDULING_GATED].limit is Limit.QUEUE


def test_chart_and_package_have_one_version_and_the_flare_that_is_tested():
    chart = yaml.safe_load((ROOT / "charts/fljob/Chart.yaml").read_text())
    project = (ROOT / "pyproject.toml").read_text()
    assert f'\nversion = "{chart["version"]}"\n' in project
    assert f'flare = ["nvflare>={chart["appVersion"]},<2.10"]' in project
