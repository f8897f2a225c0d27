"""Whoever may only create pods, or labels an object of a chart of their own, takes nothing away from others."""

from __future__ import annotations

import json
import random
import subprocess

import pytest
import yaml

from launcher.core import names
from launcher.core.jobref import RELEASE_ANNOTATION
from launcher.core.pending.clocks import WaitPolicy
from launcher.errors import Conflict
from launcher.usecases.service import Service
from tests.cluster.conftest import SITE, kubectl

pytestmark = pytest.mark.cluster

PARENT = "decoy-parent"
FORGED = 50
AS = "system:serviceaccount:{}:attacker"


@pytest.fixture
def parent(namespace, tmp_path):
    """A release that is not a job: a chart with one ConfigMap and a Secret that carries our labels."""
    chart = tmp_path / "decoy"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: decoy\nversion: 0.1.0\n")
    labels = {names.LABEL_JOB_ID: "x", names.LABEL_SITE: SITE}
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "parent-config"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "own-secret", "labels": labels}},
    ]
    (chart / "templates" / "all.yaml").write_text(yaml.safe_dump_all(objects))
    helm("install", PARENT, str(chart), "-n", namespace)
    yield PARENT
    helm("uninstall", PARENT, "-n", namespace)
    kubectl("delete", "pod", "-n", namespace, "-l", names.LABEL_JOB_ID, "--wait=true", "--grace-period=0")


def helm(*args):
    return subprocess.run(["helm", *args], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def attacker(namespace):
    """Return a function that creates pods as an account that may do nothing else."""
    kubectl("create", "serviceaccount", "attacker", "-n", namespace)
    kubectl("create", "role", "attacker", "--verb=create", "--resource=pods", "-n", namespace)
    who = f"--serviceaccount={namespace}:attacker"
    kubectl("create", "rolebinding", "attacker", "--role=attacker", who, "-n", namespace)

    def create(*pods):
        listed = {"apiVersion": "v1", "kind": "List", "items": list(pods)}
        kubectl("create", "-n", namespace, "--as", AS.format(namespace), "-f", "-", stdin=json.dumps(listed))

    return create


def pod(name, image, claim, job="x", site=SITE):
    annotations = {RELEASE_ANNOTATION: claim, names.ANNOTATION_JOB_ID: job, names.ANNOTATION_SITE: site}
    labels = {names.LABEL_JOB_ID: names.label_value(job), names.LABEL_FEDERATION: "fed"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels, "annotations": annotations},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            # No kubelet takes it: that it is there is enough, and fifty of them start nowhere.
            "nodeSelector": {"no-such": "node"},
            "containers": [{"name": "job", "image": image, "command": ["true"]}],
        },
    }


def test_forged_pods_cost_nobody_anything(launch, fljob, namespace, image, parent, attacker):
    handle = launch("sleep 600", secret={"TOKEN": b"x"})
    release, job = handle.job.release, handle.job.job_id
    rng = random.Random(20)
    claims = [parent, release, "no-such-release", names.release_name("ghost", SITE)]
    attacker(
        *(
            pod(f"forged-{number}", image, rng.choice(claims), rng.choice([job, "x"]))
            for number in range(FORGED)
        )
    )
    rows = json.loads(fljob("list", "-n", namespace, "-o", "json", check=0).stdout)
    real = [row for row in rows if row["release"] == release]
    assert [(row["pod"]["name"], row["foreign"]) for row in real] == [(handle.job.pod_name, None)]
    assert len([row for row in rows if row["foreign"]]) == FORGED
    assert "Foreign" in fljob("list", "-n", namespace, check=0).stdout
    gc = fljob("gc", "-n", namespace, "--older-than", "0s", check=0)
    assert "removed" not in gc.stdout
    refused = fljob("terminate", parent, "-n", namespace)
    assert refused.returncode != 0
    assert "is not this launcher's job" in refused.stderr
    assert "foreign" in fljob("status", parent, "-n", namespace, check=0).stdout
    assert {parent, release} <= {
        row["name"] for row in json.loads(helm("list", "-n", namespace, "-o", "json"))
    }
    kubectl("get", "configmap/parent-config", "secret/own-secret", "-n", namespace)
    handle.terminate()
    left = kubectl("get", "pod", "-n", namespace, "-l", names.LABEL_JOB_ID, "-o", "name").split()
    assert len(left) == FORGED


def test_a_new_parent_believes_no_forged_pod(world, namespace, image, parent, attacker):
    attacker(pod("forged", image, parent, "victim"))
    lost = {}
    service = Service(world, WaitPolicy(), lambda _: {})
    reaped = service.reap(namespace, SITE, "fed", lambda _: False, lost.setdefault)
    assert (list(reaped), lost) == ([], {})
    assert parent in helm("list", "-n", namespace)


def test_two_job_ids_with_one_pod_name(launch, namespace, gone):
    first = launch("sleep 600", job_id="ab1", secret={"TOKEN": b"x"})
    with pytest.raises(Conflict, match=r"'ab1'.*'A_B\.1'"):
        launch("true", job_id="A_B.1", secret={"TOKEN": b"y"})
    assert kubectl("get", "pod", first.job.pod_name, "-n", namespace, "-o", "name")
    first.terminate()
    gone(first)


def test_an_orphan_pod_of_ours_goes_by_its_uid(launch, fljob, namespace):
    handle = launch("sleep 600")
    kubectl("delete", "secret", "-n", namespace, "-l", "owner=helm")  # somebody lost Helm's record
    fljob("terminate", handle.job.release, "-n", namespace, check=0)
    assert kubectl("get", "pod", "-n", namespace, "-o", "name") == ""
