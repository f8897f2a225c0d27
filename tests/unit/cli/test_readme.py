"""What README shows can be done as it is written there."""

from __future__ import annotations

import re
from pathlib import Path

import launcher
from tests.fakes import exited
from tests.unit.cli.conftest import show

ROOT = Path(__file__).parents[3]


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
