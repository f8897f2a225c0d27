"""A registry with the chart in it, as scripts/publish puts it there, and the command line of a site that names it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import launcher.cli
from tests.registries import Registry, serve

ROOT = Path(__file__).parents[3]
META = {"name": "x", "launcher_spec": {"default": {"k8s": {"image": "img:1"}}}}
VERSION = re.findall(r"^version: (\S+)$", (ROOT / "charts/fljob/Chart.yaml").read_text(), re.MULTILINE)[0]
WHEN = "1700000000"


def publish(*words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "publish", *words], env={**os.environ, **env}, capture_output=True, text=True
    )


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    env = {**os.environ, "SOURCE_DATE_EPOCH": WHEN}
    done = subprocess.run(
        [ROOT / "scripts/package", "--output", folder], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture
def registry(tmp_path):
    with serve(tmp_path / "registry") as started:
        yield started


@pytest.fixture
def digest(registry, package) -> str:
    """The digest of the chart in the registry."""
    done = publish(f"oci://{registry.host}/charts", "--package", package)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    found = first.removeprefix("digest: ")
    assert second == f"chart: oci://{registry.host}/charts/fljob:{VERSION}@{found}"
    return found


@pytest.fixture
def site(tmp_path, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Return a function that renders a job at a site with these settings: exit code, stdout, stderr."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "DOCKER_CONFIG", "HELM_REGISTRY_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    (folder / "meta.json").write_text(json.dumps(META))

    def render(chart: str = "", *words: str, **settings: str) -> tuple[int, str, str]:
        settings = {"site": "site-1", "chart": chart, "chart_cache": "cache", **settings}
        given = {name: value for name, value in settings.items() if value}
        (folder / "fljob.yaml").write_text(json.dumps(given))
        with pytest.raises(SystemExit) as done:
            launcher.cli.main([*(words or ("template",)), "meta.json", "--config", "fljob.yaml"])
        return (done.value.code, *capsys.readouterr())

    return render


@pytest.fixture
def cached(tmp_path) -> Callable[[], list[str]]:
    """Return a function that lists what is in the cache of the site, and of helm: no file of a refused chart."""

    def names() -> list[str]:
        folders = (tmp_path / "site" / "cache", tmp_path / "home")
        return sorted(
            path.relative_to(folder).as_posix()
            for folder in folders
            for path in folder.rglob("*")
            if path.is_file()
        )

    return names


@pytest.fixture
def by_digest(registry: Registry, digest: str) -> str:
    return f"oci://{registry.host}/charts/fljob@{digest}"


@pytest.fixture
def by_tag(registry: Registry, digest: str) -> str:
    return f"oci://{registry.host}/charts/fljob:{VERSION}@{digest}"
