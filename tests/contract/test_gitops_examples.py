"""The files of examples/gitops: the engines' own schemas take them, and they install what fljob would."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from launcher.core.spec.site import SETTINGS
from tests.chart.test_policy import findings
from tests.cluster.kits import prepared_kit

ROOT = Path(__file__).parents[2]
GITOPS = ROOT / "examples/gitops"
CHART = ROOT / "charts/fljob"
SCHEMAS = {path.stem: json.loads(path.read_text()) for path in (ROOT / "tests/data/crds").iterdir()}
MANIFESTS = sorted(path for name in ("site", "flux", "argocd") for path in (GITOPS / name).glob("*.yaml"))
# Its controller is not built here, so there is no schema.
SHAPED = {"Kustomization"}
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def documents(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


ALL = [pytest.param(one, id=f"{path.stem}-{one['kind']}") for path in MANIFESTS for one in documents(path)]
OF_KIND = {(path.parent.name, path.stem, one["kind"]): one for path in MANIFESTS for one in documents(path)}
FLUX_JOB = OF_KIND["flux", "job", "HelmRelease"]["spec"]
ARGO_JOB = OF_KIND["argocd", "job", "Application"]["spec"]


@pytest.mark.parametrize("document", ALL)
def test_the_schema_of_its_kind_takes_it(document):
    kind = document["kind"]
    if kind in SHAPED:
        assert document["apiVersion"].startswith("kustomize.toolkit.fluxcd.io/")
    elif kind.lower() in SCHEMAS:
        jsonschema.validate(document, SCHEMAS[kind.lower()])
    else:
        kubernetes_validate.validate(document, "1.36", strict=True)


def test_a_field_that_an_engine_does_not_know_is_found():
    document = json.loads(json.dumps(OF_KIND["flux", "job", "HelmRelease"]))
    document["spec"]["driftDetecton"] = {}
    with pytest.raises(jsonschema.ValidationError, match="driftDetecton"):
        jsonschema.validate(document, SCHEMAS["helmrelease"])


@pytest.mark.parametrize("document", ALL)
def test_charts_are_named_by_digest(document):
    spec = document.get("spec") or {}
    if document["kind"] == "OCIRepository":
        assert list(spec["ref"]) == ["digest"]
        assert DIGEST.fullmatch(spec["ref"]["digest"])
        assert spec["verify"]["provider"] == "cosign"
    source = spec.get("source", {})
    if document["kind"] == "Application" and source["repoURL"].startswith("oci://"):
        assert DIGEST.fullmatch(source["targetRevision"])


def test_nothing_makes_a_job_run_twice():
    assert FLUX_JOB["driftDetection"] == {"mode": "disabled"}
    for action in ("install", "upgrade"):
        assert FLUX_JOB[action]["disableWait"] is True
        assert FLUX_JOB[action]["remediation"]["retries"] == 0
    assert ARGO_JOB["syncPolicy"]["automated"] == {"prune": False, "selfHeal": False}
    assert ARGO_JOB["source"]["helm"]["valuesObject"]["pod"]["annotations"][
        "argocd.argoproj.io/sync-options"
    ] == ("Prune=false")


JOB = ["jobs/train-1.json", "--config", "jobs/fljob.yaml", "--job-id", "train-1"]
PROCESS = ["--", "python3", "/opt/train.py"]


def fljob(command: str) -> str:
    words = [sys.executable, "-m", "launcher", command, *JOB, *PROCESS]
    done = subprocess.run(words, cwd=GITOPS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_values_of_both_engines_are_those_that_fljob_renders():
    values = yaml.safe_load(fljob("render"))
    assert FLUX_JOB["values"] == values
    assert ARGO_JOB["source"]["helm"]["valuesObject"] == values


def test_the_chart_makes_of_them_what_fljob_would_install():
    words = ["helm", "template", "train-1", str(CHART), "--namespace", "fl-jobs", "--values", "-"]
    values = json.dumps(FLUX_JOB["values"])
    made = subprocess.run(words, input=values, capture_output=True, text=True, check=True).stdout
    named = made.replace("app.kubernetes.io/instance: train-1", "app.kubernetes.io/instance: NAME")
    ours = re.sub("(app.kubernetes.io/instance: ).*", r"\1NAME", fljob("template"))
    assert list(yaml.safe_load_all(named)) == list(yaml.safe_load_all(ours))
    assert findings("deny", [one for one in yaml.safe_load_all(made) if one]) == []


def test_the_settings_of_the_site_are_settings():
    given = yaml.safe_load((GITOPS / "site/kit/fljob/fljob.yaml").read_text())
    assert set(given) <= set(SETTINGS) | {"retention", "timeouts"}
    assert DIGEST.search(given["chart"])


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """Return a kit of FLARE's own tools, adopted, with the files of the example and without keys."""
    made = prepared_kit(tmp_path_factory.mktemp("kit"), "registry.example/fljob-parent:0.1.0", "fl")
    shutil.copytree(GITOPS / "site/kit", made, dirs_exist_ok=True)
    templates = made / "fljob/values/studies"
    templates.mkdir(parents=True)
    (templates / "penguins.yaml.j2").write_text("resources: {limits: {cpu: {{ job.study | emit }}}}\n")
    adopt = [sys.executable, "-m", "launcher", "kit", "adopt", "--kit", str(made)]
    # Its chart lies in a registry, so adopt cannot tell which rights it needs, and says so.
    subprocess.run(adopt, cwd=ROOT, check=True, capture_output=True)
    for key in (made / "startup").glob("*.key"):
        key.unlink()
    return made


def pack(kit: Path, output: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(GITOPS / "pack-site"), str(kit), "--output", str(output)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def packed(kit, tmp_path_factory):
    """Return the objects of the packed parent, kind and name -> object."""
    done = pack(kit, tmp_path_factory.mktemp("dist"))
    assert done.returncode == 0, done.stderr
    words = ["helm", "template", "site-1", done.stdout.strip(), "--namespace", "fl"]
    made = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found = [one for one in yaml.safe_load_all(made) if one]
    for one in found:
        kubernetes_validate.validate(one, "1.36", strict=True)
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def test_the_packed_parent_finds_its_files_where_it_looks(kit, packed):
    pod = packed["Deployment", "site-1"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    workspace = "/var/tmp/nvflare/workspace"
    mounts = {one["mountPath"]: one for one in container["volumeMounts"]}
    files = packed["ConfigMap", "site-1-fljob"]["binaryData"]
    for name in ("fljob.yaml", "values/studies/penguins.yaml.j2"):
        key = mounts[f"{workspace}/fljob/{name}"]["subPath"]
        assert base64.b64decode(files[key]) == (kit / "fljob" / name).read_bytes()
    volumes = {one["name"]: one for one in pod["volumes"]}
    local = packed["ConfigMap", "site-1-local"]["binaryData"]
    for item in volumes["workspace-local"]["configMap"]["items"]:
        assert base64.b64decode(local[item["key"]]) == (kit / "local" / item["path"]).read_bytes()
    assert volumes["workspace-startup"]["secret"] == {"secretName": "site-1-startup-kit"}


def test_the_packed_parent_has_no_secret(packed):
    assert [name for kind, name in packed if kind == "Secret"] == []


def test_the_engine_may_install_what_the_packed_parent_has(packed):
    role = OF_KIND["site", "namespace", "Role"]
    granted = {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    for (kind, _), document in packed.items():
        group = document["apiVersion"].rpartition("/")[0]
        assert (group, f"{kind.lower()}s", "create") in granted
        for rule in document.get("rules", ()):
            for resource in rule["resources"]:
                wanted = {(rule["apiGroups"][0], resource, verb) for verb in rule["verbs"]}
                assert wanted <= granted


def test_the_same_kit_is_the_same_version_and_another_one_is_not(kit, tmp_path):
    first = pack(kit, tmp_path).stdout
    assert pack(kit, tmp_path).stdout == first
    changed = tmp_path / "changed"
    shutil.copytree(kit, changed)
    (changed / "fljob/fljob.yaml").write_text("pod_security: baseline\n")
    assert pack(changed, tmp_path).stdout != first


def test_what_cannot_be_packed_is_an_error(kit, tmp_path):
    changed = tmp_path / "changed"
    shutil.copytree(kit, changed)
    (changed / "local/custom").mkdir()
    (changed / "local/custom/site.key").write_text("a key\n")
    done = pack(changed, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "custom/site.key looks like a key" in done.stderr
    assert "helm_chart/Chart.yaml is missing" in pack(tmp_path, tmp_path).stderr
