"""Our launcher, driven through ``launch_job``; and many values through one run of helm."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from launcher.composition import render_values
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.spec.jobspec import Role
from launcher.core.spec.site import SiteConfig
from launcher.edges.disk.chart_files import chart_path
from launcher.edges.helm.parsing import values_json
from launcher.flare import ClientHelmJobLauncher
from launcher.flare.handle import FlareJobHandle
from launcher.usecases.service import Service
from tests.contract.flare import flare_side
from tests.contract.flare.case import Case
from tests.fakes import FakeWorld

__all__ = ["OurLaunch", "launch", "make_launcher", "render", "render_one", "values"]

_BATCH = 100
_UMBRELLA = "umbrella"


class _Client(ClientHelmJobLauncher):
    fake: FakeWorld

    def _service(self, site: SiteConfig, *parent: str) -> Service:
        self.fake.pods.namespace = site.namespace
        return Service(self.fake.world, WaitPolicy(), partial(render_values, site=site))


class _Server(_Client):
    role = Role.SERVER


@dataclass(frozen=True)
class OurLaunch:
    """What ours installed, and how long it would wait for resources."""

    namespace: str
    values: dict[str, Any]
    secrets: dict[str, dict[str, bytes]]
    pending_timeout: float | None


def make_launcher(case: Case, root: Path, **more: Any) -> ClientHelmJobLauncher:
    """Return our launcher of the case's role with the arguments of FLARE's, on fake ports."""
    kind = _Client if case.role is Role.CLIENT else _Server
    # FLARE lets a job wait for ever.
    given = {
        "config_file_path": None,
        "max_pending_timeout": None,
        **flare_side.arguments(case, root),
        **more,
    }
    launcher = kind(**given)
    launcher.fake = FakeWorld()
    return launcher


def launch(case: Case, root: Path, **more: Any) -> OurLaunch:
    """Launch the case with our launcher; ``root`` is the workspace of the case.

    Raises whatever our launcher raises.
    """
    launcher = make_launcher(case, root, **more)
    handle = launcher.launch_job(dict(case.meta), flare_side.context(case, root))
    assert isinstance(handle, FlareJobHandle), handle.why
    (values,) = launcher.fake.releases.values.values()
    (release,) = launcher.fake.releases.items.values()
    return OurLaunch(
        release.namespace,
        dict(values),
        {name: dict(content) for name, content in launcher.fake.secrets.items.items()},
        handle.handle._policy.pending_timeout,
    )


def values(case: Case, root: Path, study_job_spec_file: str = "") -> dict[str, Any]:
    """Return the chart values of the case; ``study_job_spec_file`` is a path below its workspace."""
    more = {"study_job_spec_file_path": str(root / study_job_spec_file)} if study_job_spec_file else {}
    return launch(case, root, **more).values


def render_one(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pod that the chart prints for one values dict, as a release of its own."""
    text = _helm(
        "template", "fj-test", str(chart_path(SiteConfig())), "--values", "-", stdin=values_json(one)
    )
    return _pods(text)[0][1]


def render(many: Sequence[Mapping[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Return the pods of many values dicts: a hundred at a time, as dependencies of one chart.

    Starting helm costs more than rendering a pod; an umbrella chart with the chart under a hundred aliases
    costs one start. ``test_parity`` shows that a pod does not depend on how it was rendered.
    """
    umbrella = folder / _UMBRELLA
    if not umbrella.exists():
        shutil.copytree(chart_path(SiteConfig()), umbrella / "charts" / "fljob")
    found: list[dict[str, Any]] = []
    for start in range(0, len(many), _BATCH):
        batch = {f"c{index}": one for index, one in enumerate(many[start : start + _BATCH])}
        dependencies = [
            {"name": "fljob", "version": "*", "repository": "", "alias": alias} for alias in batch
        ]
        chart = {"apiVersion": "v2", "name": _UMBRELLA, "version": "0.1.0", "dependencies": dependencies}
        (umbrella / "Chart.yaml").write_text(json.dumps(chart))
        pods = dict(
            _pods(_helm("template", "fj-test", str(umbrella), "--values", "-", stdin=values_json(batch)))
        )
        found += [pods[alias] for alias in batch]
    return found


def _helm(*args: str, stdin: bytes) -> str:
    if shutil.which("helm") is None:
        pytest.fail("helm is not on PATH: run `scripts/test`, which brings one")
    done = subprocess.run(["helm", *args], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def _pods(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Return (folder of the chart, pod) of what helm printed; helm names the template above each object."""
    found = []
    for part in text.split("\n---\n# Source: "):
        name, _, body = part.removeprefix("---\n# Source: ").partition("\n")
        if name.endswith("/templates/pod.yaml"):
            found.append((name.split("/")[-3], yaml.load(body, Loader=_FAST)))
    return found


_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
