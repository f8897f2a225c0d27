"""Our road for the same launch: meta, study and site to values, and many values through one run of helm."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from launcher.core.assemble import Request, build_jobspec
from launcher.core.jobspec import EnvVar, JobSpec, Role, SecretKey
from launcher.core.meta import parse_meta
from launcher.core.names import credential_secret_name, pod_name, startup_secret_name
from launcher.core.site import SiteConfig
from launcher.core.values import build_values
from launcher.edges.files import chart_dir, load_study, values_templates
from launcher.edges.helm.parsing import values_json
from tests.contract.flare.case import CLIENT_FLAGS, SERVER_FLAGS, V2, Case

__all__ = ["render", "render_one", "site_config", "spec", "values"]

_PROCESS = {
    Role.CLIENT: ("nvflare.private.fed.app.client.worker_process", CLIENT_FLAGS),
    Role.SERVER: ("nvflare.private.fed.app.server.runner_process", SERVER_FLAGS),
}
_CREDENTIALS = ("NVFLARE_JOB_AUTH_TOKEN", "NVFLARE_JOB_TOKEN_SIGNATURE", "NVFLARE_JOB_SSID")
_BATCH = 100
_UMBRELLA = "umbrella"
# FLARE's default; that of SiteConfig is the one `nvflare deploy prepare` writes into every site.
_PYTHON_PATH = "/usr/local/bin/python"


def site_config(case: Case, root: Path) -> SiteConfig:
    """Return the configuration of a site whose FLARE launcher has the case's arguments."""
    given = case.arguments
    default = SiteConfig()
    runtime = root / V2
    data = given.get("study_data_pvc_file_path")
    return SiteConfig(
        site=case.site,
        role=case.role,
        namespace=given.get("namespace", default.namespace),
        default_python_path=given.get("default_python_path") or given.get("python_path") or _PYTHON_PATH,
        pending_timeout=given.get("pending_timeout", default.pending_timeout),
        workspace_mount_path=given.get("workspace_mount_path", default.workspace_mount_path),
        ephemeral_storage=given.get("ephemeral_storage", default.ephemeral_storage),
        image_pull_secrets=tuple(given.get("image_pull_secrets") or ()),
        security_context=given.get("security_context") or {},
        study_data_file=str(root / data) if data else "",
        study_runtime_file=str(runtime) if runtime.exists() else "",
    )


def spec(case: Case, root: Path, site: SiteConfig | None = None) -> JobSpec:
    """Return the JobSpec of the case.

    Raises:
        LauncherError: the case is refused.
    """
    site = site or site_config(case, root)
    meta = parse_meta(case.meta, case.site)
    return build_jobspec(_request(case, site), meta, load_study(site, case.study), site)


def _request(case: Case, site: SiteConfig) -> Request:
    module, order = _PROCESS[case.role]
    words = [
        word for flag in order if case.flags.get(flag) is not None for word in (flag, str(case.flags[flag]))
    ]
    secret = credential_secret_name(pod_name(case.job_id, case.site))
    names = [name for name, value in zip(_CREDENTIALS, case.credentials, strict=True) if value]
    custom = f"{site.workspace_mount_path.rstrip('/')}/{case.job_id}/app_{case.site}/custom"
    return Request(
        job_id=case.job_id,
        site=case.site,
        role=case.role,
        study=case.study,
        args=("-u", "-m", module, *words, *(("--set", *case.options) if case.options else ())),
        env=(EnvVar("PYTHONPATH", custom), EnvVar("NVFL_WORKSPACE_OWNER_FQCN", case.site)),
        secret_env=tuple(
            EnvVar(name, secret=SecretKey(secret, name)) for name in (*names, "NVFL_WORKSPACE_TRANSFER_TOKEN")
        ),
        startup_secret=startup_secret_name(case.site),
    )


def values(case: Case, root: Path, study_job_spec_file: str = "") -> dict[str, Any]:
    """Return the chart values of the case; ``study_job_spec_file`` is a path below its workspace.

    Raises:
        LauncherError: the case is refused.
    """
    site = site_config(case, root)
    if study_job_spec_file:
        site = replace(site, study_job_spec_file=str(root / study_job_spec_file))
    return build_values(spec(case, root, site), site, _templates())


@lru_cache(maxsize=1)
def _templates() -> dict[str, str]:
    return values_templates(SiteConfig())


def render_one(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pod that the chart prints for one values dict, as a release of its own."""
    text = _helm("template", "fj-test", str(chart_dir(SiteConfig())), "--values", "-", stdin=values_json(one))
    return _pods(text)[0][1]


def render(many: Sequence[Mapping[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Return the pods of many values dicts: a hundred at a time, as dependencies of one chart.

    Starting helm costs more than rendering a pod; an umbrella chart with the chart under a hundred aliases
    costs one start. ``test_parity`` shows that a pod does not depend on how it was rendered.
    """
    umbrella = folder / _UMBRELLA
    if not umbrella.exists():
        shutil.copytree(chart_dir(SiteConfig()), umbrella / "charts" / "fljob")
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
