"""The engines of scripts/gitops, charts in the cluster's registry, and the examples as they stand, with names filled in."""

from __future__ import annotations

import re
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import ROOT, kubectl
from tests.cluster.gitops.examples import Names
from tests.cluster.gitops.parent import make_kit, prepare
from tests.cluster.gitops.registry import Registry, make_keys

# Of scripts/gitops: the controllers are built there, once.
BUILD_WITHIN = 3600


def script(*words: str) -> str:
    """Run a script of the repository and return what it prints."""
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=BUILD_WITHIN, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="session")
def registry(cluster_env, tmp_path_factory):
    """The registry of the cluster: where this machine pushes, and where pods pull."""
    pods = script("scripts/gitops", "registry")
    return Registry(cluster_env["FLJOB_REGISTRY"], pods, make_keys(tmp_path_factory.mktemp("keys")))


@pytest.fixture(scope="module")
def flux(cluster_env) -> Iterator[None]:
    """Flux' source and helm controller, for the tests of one file."""
    script("scripts/gitops", "up", "flux")
    yield
    script("scripts/gitops", "down", "flux")
    assert "fluxcd.io" not in kubectl("get", "crd", "-o", "name")


@pytest.fixture(scope="module")
def argocd(cluster_env) -> Iterator[None]:
    """Argo CD's application controller and repo server, for the tests of one file."""
    script("scripts/gitops", "up", "argocd")
    yield
    script("scripts/gitops", "down", "argocd")
    assert "argoproj.io" not in kubectl("get", "crd", "-o", "name")


@pytest.fixture(scope="session")
def chart(registry, tmp_path_factory) -> Callable[..., str]:
    """Return a function that pushes the chart in a version and returns its digest."""

    def push(version: str, *, signed: bool = True) -> str:
        folder = tmp_path_factory.mktemp("chart")
        shutil.copytree(ROOT / "charts/fljob", folder / "fljob")
        about = folder / "fljob/Chart.yaml"
        about.write_text(re.sub(r"(?m)^version: .*$", f"version: {version}", about.read_text()))
        package = ["helm", "package", str(folder / "fljob"), "--destination", str(folder)]
        subprocess.run(package, check=True, capture_output=True)
        return registry.push(folder / f"fljob-{version}.tgz", "charts", signed=signed)

    return push


@pytest.fixture
def names(cluster_env, registry) -> Iterator[Names]:
    """A namespace of this test, made from the example, and what else differs from the example."""
    made = Names(f"gitops-{uuid.uuid4().hex[:6]}", registry)
    yield made
    made.remove()


@pytest.fixture
def job(names, image) -> Names:
    """The same for a job: its namespace has quota and account of the example, the image has a shell."""
    names.image = image
    names.apply("site/jobs-namespace.yaml")
    names.keys()
    return names


@pytest.fixture(scope="session")
def parent_image(cluster_env) -> str:
    """An image of FLARE, the launcher and helm."""
    return script("scripts/image", "parent")


@pytest.fixture
def site(names, parent_image, tmp_path) -> tuple[Names, Path]:
    """A namespace of the example with claim and Secret, and the kit of its parent."""
    kit = make_kit(tmp_path, parent_image, names.namespace)
    prepare(names, kit)
    return names, kit


def pytest_configure() -> None:
    """Fail early where a program is missing."""
    for program in ("helm", "kubectl"):
        if shutil.which(program) is None:
            pytest.exit(f'{program} is not on PATH: eval "$(scripts/cluster env)"', 2)
