"""Whose fault FLARE is told when the site is set up wrongly: never the job's (101)."""

from __future__ import annotations

import dataclasses
import json

import pytest

from launcher.composition import helm_edge, make_service
from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.catalogue.reasons import REASONS
from launcher.core.spec.jobspec import Role
from launcher.errors import Reason
from launcher.flare import ClientHelmJobLauncher
from launcher.flare.handle import NotStartedHandle
from tests.contract.flare import flare_side
from tests.contract.flare.case import JOB, write_workspace
from tests.contract.flare.in_memory import CASE
from tests.fakes import FakeWorld

CONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}],
    "users": [{"name": "u", "user": {}}],
}


def launched(tmp_path, files, *, kind=ClientHelmJobLauncher, config=CONFIG, **arguments):
    """Launch a sound job at a site with these files; return its handle, or the error that FLARE gets."""
    case = dataclasses.replace(CASE, files={"kube/config": config, **files})
    root = write_workspace(tmp_path / "workspace", case)
    given = {"config_file_path": str(root / "kube/config"), "namespace": "fl"} | arguments
    launcher = kind(**{name: value for name, value in given.items() if value is not None})
    try:
        handle = launcher.launch_job(dict(CASE.meta), flare_side.context(case, root))
    except (RuntimeError, ValueError) as error:
        return error
    assert isinstance(handle, NotStartedHandle)
    return handle


def cause(tmp_path):
    """Return code and return code of the diagnosis, whatever FLARE was told."""
    folder = tmp_path / "workspace" / "fljob" / "diagnosis" / JOB / "site-1"
    outcome = json.loads((folder / "status.json").read_text())["outcome"]
    return outcome["code"], outcome["returnCode"]


class _OwnHelm(ClientHelmJobLauncher):
    """With the helm and the chart of the site, on a cluster that is a fake."""

    role = Role.CLIENT

    def _service(self, site, *parent):
        fake = FakeWorld().world
        return make_service(site, dataclasses.replace(fake, releases=helm_edge(site)))


class _OwnValues(_OwnHelm):
    """With the values templates of the site, on fakes."""

    def _service(self, site, *parent):
        return make_service(site, FakeWorld().world)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", "kube/config"),
        ({**CONFIG, "current-context": "other"}, "there is no context other"),
        ({**CONFIG, "contexts": 3}, "contexts must be a list"),
        ({**CONFIG, "users": [{"name": "u", "user": {"client-certificate": "/nowhere", "client-key": "/nowhere"}}]}, "/nowhere"),
        (
            {**CONFIG, "users": [{"name": "u", "user": {"exec": {"command": "/nowhere/login", "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}}}]},
            "/nowhere/login",
        ),
        ("", "kube/config"),
    ],
    ids=["syntax", "context", "shape", "certificate", "program", "empty"],
)  # fmt: skip
def test_a_kubeconfig_that_cannot_be_used_is_the_sites(tmp_path, config, words):
    found = launched(tmp_path, {}, config=config)
    told = found.why if isinstance(found, NotStartedHandle) else str(found)
    assert words in told
    assert "cure: " in told
    code, return_code = cause(tmp_path)
    assert (code in {"SiteInvalid", "Forbidden"}, return_code) == (True, 104)
    assert not isinstance(found, NotStartedHandle) or found.poll() == 104


def test_a_kubeconfig_that_breaks_under_a_parent_ends_no_job(tmp_path, caplog):
    case = dataclasses.replace(CASE, files={"kube/config": CONFIG})
    root = write_workspace(tmp_path / "workspace", case)
    launcher = ClientHelmJobLauncher(config_file_path=str(root / "kube/config"), namespace="fl")
    context = flare_side.context(case, root)
    launcher._service(launcher._check(dict(CASE.meta), context).site, "site-1", "fed")
    (root / "kube/config").write_text("{")
    handle = launcher.launch_job(dict(CASE.meta), context)
    assert handle.poll() == 127  # as it was read before, on a cluster that is not there
    handle.terminate()
    assert "the kubeconfig has changed and is not read again" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"helm": "/nowhere/helm"}, "/nowhere/helm, is not there"),
        ({"helm": "no-such-helm"}, "no program 'no-such-helm' on PATH"),
    ],
)
def test_a_helm_that_is_missing_is_the_sites(tmp_path, arguments, words):
    found = launched(tmp_path, {}, kind=_OwnHelm, **arguments)
    assert words in found.why
    assert (found.poll(), cause(tmp_path)) == (104, ("SiteInvalid", 104))


@pytest.mark.parametrize(
    "template",
    ["{{ 1 / 0 }}", "{{", "- a list", "image: {reference: x}", "a: [", "{% raise %}", "nobody: {x: 1}"],
)  # fmt: skip
def test_a_values_template_that_fails_is_the_sites(tmp_path, template):
    found = launched(
        tmp_path,
        {"fljob/fljob.yaml": {"values_dir": "values"}, "fljob/values/site.yaml.j2": template},
        kind=_OwnValues,
    )
    assert "site.yaml.j2" in found.why
    assert (found.poll(), cause(tmp_path)) == (104, ("SiteInvalid", 104))


@pytest.mark.parametrize(
    ("files", "arguments", "words"),
    [
        ({"fljob/fljob.yaml": "nmespace: x"}, {}, "did you mean namespace?"),
        ({"fljob/fljob.yaml": "chart: nowhere"}, {}, "holds no Chart.yaml"),
        ({"fljob/fljob.yaml": "values_dir: nowhere"}, {}, "is not a folder"),
        ({"local/study_runtime.yaml": "a: ["}, {}, "study_runtime.yaml:"),
        ({"fljob/fljob.yaml": "values: {image: {reference: x}}"}, {}, "image"),
    ],
)
def test_a_file_of_the_site_that_is_wrong_is_no_fault_of_the_job(tmp_path, files, arguments, words):
    kind = _OwnHelm if "chart" in str(files) else _OwnValues
    found = launched(tmp_path, files, kind=kind, **arguments)
    told = found.why if isinstance(found, NotStartedHandle) else str(found)
    assert words in told
    assert not isinstance(found, NotStartedHandle) or found.poll() == 104


OF_SITE = {
    reason for reason in Reason if reason.name.startswith(("KUBECONFIG", "CONTEXT", "CHART", "HELM_", "SCHEMA"))
}  # fmt: skip


@pytest.mark.parametrize("reason", sorted(OF_SITE))
def test_what_helm_says_of_kubeconfig_chart_and_itself_is_not_the_jobs(reason):
    code = REASONS[reason].code
    assert CATALOGUE[code].return_code == 104
    assert code in {Code.SITE_INVALID, Code.CREATE_FAILED, Code.CHART_UNAVAILABLE}
