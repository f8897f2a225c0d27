"""The chart as others consume it: installed from a registry by digest and signature, and tested by helm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster.conftest import ROOT, happens, kubectl, meta

pytestmark = pytest.mark.cluster

PASSWORD = "of-the-test"


@pytest.fixture
def published(namespace, tmp_path) -> tuple[str, Path]:
    """The reference of the chart in the cluster's registry, where this test has put it, and the key."""
    if not os.environ.get("FLJOB_REGISTRY") or shutil.which("cosign") is None:
        pytest.fail(
            'no registry or no cosign: `scripts/test cluster`, or eval "$(scripts/cluster env)" and "$(scripts/tools cosign)"'
        )
    env = {**os.environ, "COSIGN_PASSWORD": PASSWORD}
    subprocess.run(["cosign", "generate-key-pair"], cwd=tmp_path, env=env, check=True, capture_output=True)
    target = f"oci://{os.environ['FLJOB_REGISTRY']}/{namespace}"
    done = subprocess.run(
        [ROOT / "scripts" / "publish", target, "--key", tmp_path / "cosign.key"],
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[1].removeprefix("chart: "), tmp_path / "cosign.pub"


@pytest.fixture
def site(tmp_path, image, namespace):
    """Return a function that writes the files of a site and returns the options of a command there."""

    def write(**settings: object) -> tuple[str, ...]:
        folder = tmp_path / "site"
        folder.mkdir(exist_ok=True)
        given = {"site": "site-1", "namespace": namespace, "chart_cache": "cache", **settings}
        (folder / "fljob.yaml").write_text(json.dumps(given))
        (folder / "meta.json").write_text(json.dumps(meta(image)))
        return str(folder / "meta.json"), "--config", str(folder / "fljob.yaml")

    return write


def test_a_job_of_a_signed_chart_by_digest(fljob, site, published, namespace):
    chart, key = published
    given = site(chart=chart, chart_key=str(key))
    launched = fljob("launch", *given, "-o", "json", "--", "sh", "-c", "sleep 2", check=0)
    release = json.loads(launched.stdout)["release"]
    listed = subprocess.run(["helm", "list", "-n", namespace, "-o", "json"], capture_output=True, text=True)
    assert [(one["name"], one["status"]) for one in json.loads(listed.stdout)] == [(release, "deployed")]
    done = fljob("wait", release, "-n", namespace, "-o", "json", check=0)
    assert json.loads(done.stdout)["state"] == "SUCCEEDED"
    doctor = fljob("doctor", given[1], given[2]).stdout
    digest = chart.rpartition("@")[2]
    assert f"has {digest}, which is what tag" in doctor
    assert f"lines; {chart}" in doctor
    assert "signed with" in doctor


def test_a_chart_that_must_not_be_used_installs_nothing(fljob, site, published, namespace, tmp_path):
    chart, _ = published
    other = chart.rpartition("@")[0] + "@sha256:" + "0" * 64
    subprocess.run(
        ["cosign", "generate-key-pair", "--output-key-prefix", "another"],
        cwd=tmp_path,
        env={**os.environ, "COSIGN_PASSWORD": PASSWORD},
        check=True,
        capture_output=True,
    )
    for settings, word in (
        ({"chart": other}, "now, and not sha256:000"),
        ({"chart": chart, "chart_key": str(tmp_path / "another.pub")}, "not with `chart_key`"),
        ({"chart": chart.replace(os.environ["FLJOB_REGISTRY"], "localhost:1")}, "does not answer"),
    ):
        done = fljob("launch", *site(**settings), "--", "true")
        assert done.returncode != 0
        assert word in done.stderr
        assert "cure: " in done.stderr
    assert kubectl("get", "pod,secret,configmap", "-n", namespace, "-o", "name").split() == [
        "configmap/kube-root-ca.crt"
    ]
    assert not list((tmp_path / "site").rglob("chart.tgz"))


@pytest.fixture
def reader(namespace) -> str:
    """An account that may get pods."""
    kubectl("create", "serviceaccount", "reader", "-n", namespace)
    kubectl("create", "role", "reader", "--verb=get", "--resource=pods", "-n", namespace)
    account = f"--serviceaccount={namespace}:reader"
    kubectl("create", "rolebinding", "reader", "--role=reader", account, "-n", namespace)
    return "reader"


@pytest.fixture(scope="session")
def kubectl_image(cluster_env) -> str:
    done = subprocess.run(
        [ROOT / "scripts/demo.d/images", "kubectl"],
        env=cluster_env,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("command", "phase", "is_well", "words"),
    [
        ("true", "Succeeded", True, "is Succeeded"),
        ("sleep 600", "Running", True, "is Running"),
        ("exit 3", "Failed", False, "is Failed"),
        (None, "Pending", False, "is Pending"),
    ],
)
def test_helm_test_says_whether_the_pod_is_well(
    fljob, site, reader, kubectl_image, namespace, command, phase, is_well, words
):
    values = {"test": {"image": kubectl_image, "serviceAccountName": reader}}
    if command is None:
        values["pod"] = {"spec": {"nodeSelector": {"no.such/node": "x"}}}
    script = command or "true"
    launched = fljob("launch", *site(values=values), "-o", "json", "--", "sh", "-c", script, check=0)
    release = json.loads(launched.stdout)["release"]

    def found() -> str:
        ours = ("-l", "fljob.internal/job-id", "-o", "jsonpath={.items[*].status.phase}")
        return kubectl("get", "pod", "-n", namespace, *ours)

    assert happens(lambda: found() == phase, 120), found()
    done = subprocess.run(
        ["helm", "test", release, "--namespace", namespace, "--timeout", "120s"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) is is_well, done.stdout + done.stderr
    assert words in done.stdout + done.stderr
    assert len(json.loads(fljob("list", "-n", namespace, "-o", "json", check=0).stdout)) == 1
    fljob("terminate", release, "-n", namespace, check=0)
    assert happens(lambda: not kubectl("get", "pod", "-n", namespace, "-o", "name"), 60)
