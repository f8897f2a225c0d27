"""A gateway on a fake helm that records its calls."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from launcher.edges.helm import HelmReleases
from tests.contract.helm.fake_helm import FakeHelm

KUBECONFIG = str(Path(__file__).parents[2] / "data" / "kubeconfig")
ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/home/nobody", "KUBECONFIG": KUBECONFIG}


@pytest.fixture
def fake(tmp_path: Path) -> FakeHelm:
    return FakeHelm(tmp_path / "bin")


@pytest.fixture
def releases(fake: FakeHelm) -> Callable[..., HelmReleases]:
    """Make a gateway; keyword arguments as of HelmReleases."""

    def make(**options: Any) -> HelmReleases:
        settings: dict[str, Any] = {"environ": ENVIRON, "sleep": lambda _seconds: None, **options}
        return HelmReleases(chart=Path("/charts/fljob"), helm=str(fake.path), **settings)

    return make
