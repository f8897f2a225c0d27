"""The wheel is enough: installed into an empty environment, away from the checkout, it renders a job."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, **options) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    return next(folder.glob("*.whl"))


def test_wheel_contains_chart_and_templates_and_no_tests(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    shared = "launcher/_share"
    expected = {
        f"{shared}/{p.relative_to(ROOT).as_posix()}" for p in (ROOT / "charts/fljob/templates").iterdir()
    }
    expected |= {f"{shared}/{p.relative_to(ROOT).as_posix()}" for p in (ROOT / "values").rglob("*.j2")}
    assert expected <= names
    assert {
        f"{shared}/charts/fljob/{name}" for name in ("Chart.yaml", "values.yaml", "values.schema.json")
    } <= names
    assert [name for name in names if name.startswith("tests")] == []


def test_installed_wheel_renders_a_job(wheel, tmp_path):
    assert shutil.which("helm"), (
        'helm is not on PATH: run `scripts/test contract`, or `eval "$(scripts/tools helm)"`'
    )
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    constraints = ROOT / "constraints.txt"
    run(
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "-q",
        "--python",
        python,
        "--constraint",
        constraints,
        wheel,
    )
    meta = tmp_path / "meta.json"
    meta.write_text(json.dumps({"launcher_spec": {"default": {"k8s": {"image": "img:1"}}}}))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    fljob = tmp_path / "env" / "bin" / "fljob"
    printed = run(fljob, "template", meta, "--site", "site-1", cwd=tmp_path, env=environment)
    (pod,) = yaml.safe_load_all(printed)
    assert pod["spec"]["containers"][0]["image"] == "img:1"
    assert run(fljob, "version", cwd=tmp_path, env=environment).strip() == "0.1.0"
