"""Whoever may only create pods, or labels an object of a chart of their own, takes nothing away from others."""

from __future__ import annotations

import base64
import gzip
import json
import random
import shutil
import subprocess
import uuid

import pytest
import yaml

from launcher.core import names
from launcher.core.jobref import RELEASE_ANNOTATION
from launcher.core.pending.clocks import WaitPolicy
from launcher.errors import Conflict
from launcher.usecases.service import Service
from tests.cluster.conftest import CHART, SITE, kubectl

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


def forged_record(namespace, release, name):
    """Create Helm's record of another release with the content of one: whoever may create Secrets can."""
    found = json.loads(
        kubectl("get", "secret", f"sh.helm.release.v1.{release}.v1", "-n", namespace, "-o", "json")
    )
    stored = base64.b64decode(base64.b64decode(found["data"]["release"]))
    record = json.loads(gzip.decompress(stored)) | {"name": name}
    again = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(record).encode()))).decode()
    labels = {**found["metadata"]["labels"], "name": name}
    metadata = {"name": f"sh.helm.release.v1.{name}.v1", "labels": labels}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": found["type"], "metadata": metadata}
    kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps({**secret, "data": {"release": again}}))


def test_a_forged_record_that_names_the_pod_of_another_takes_nothing(launch, fljob, world, namespace, gone):
    handle = launch("sleep 600", secret={"TOKEN": b"x"})
    for number in range(5):
        forged_record(namespace, handle.job.release, f"fj-evil-{number}")
    refused = fljob("terminate", "fj-evil-0", "-n", namespace)
    assert refused.returncode != 0
    assert "is that of release" in refused.stderr
    fljob("gc", "-n", namespace, "--older-than", "0s", check=0)
    service = Service(world, WaitPolicy(), lambda _: {})
    assert not {handle.job.release, handle.job.pod_name} & set(
        service.reap(namespace, SITE, "fed", lambda _: False)
    )
    kubectl("get", f"pod/{handle.job.pod_name}", f"secret/{handle.job.credential_secret}", "-n", namespace)
    assert (
        json.loads(fljob("status", handle.job.release, "-n", namespace, "-o", "json", check=0).stdout)[
            "foreign"
        ]
        is None
    )
    kubectl(
        "delete",
        "secret",
        "-n",
        namespace,
        *(f"sh.helm.release.v1.fj-evil-{number}.v1" for number in range(5)),
    )
    handle.terminate()
    gone(handle)


@pytest.fixture
def launched(fljob, job_folder, namespace):
    """A job of another shell: its release and its pod as the API server shows it."""
    words = ("--site", SITE, "-n", namespace, "-o", "json", "--", "sleep", "600")
    release = json.loads(fljob("launch", str(job_folder()), *words, check=0).stdout)["release"]
    (made,) = json.loads(kubectl("get", "pod", "-n", namespace, "-o", "json"))["items"]
    return release, made


def plant(attacker, namespace, made, name=""):
    """Delete a job's pod, and have a stranger create one with all that is to be written on it."""
    kubectl("delete", "pod", made["metadata"]["name"], "-n", namespace, "--grace-period=1")
    told = {key: made["metadata"][key] for key in ("labels", "annotations")}
    spec = {key: value for key, value in made["spec"].items() if key not in ("nodeName", "priority")}
    metadata = {"name": name or made["metadata"]["name"], **told}
    attacker({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def test_a_pod_planted_after_the_jobs_is_gone_is_nobodys(fljob, launched, namespace, attacker):
    (release, made), pod_name = launched, launched[1]["metadata"]["name"]
    plant(attacker, namespace, made)
    rows = json.loads(fljob("list", "-n", namespace, "-o", "json", check=0).stdout)
    assert {(row["release"], row["state"], bool(row["foreign"])) for row in rows if not row["foreign"]} == {
        (release, "FAILED", False)
    }
    (foreign,) = [row for row in rows if row["foreign"]]
    assert (foreign["release"], foreign["foreign"]["kind"]) == ("", "ForeignPod")
    status = json.loads(fljob("status", release, "-n", namespace, "-o", "json", check=0).stdout)
    assert "another than the one that release" in status["foreign"]["detail"]
    for words in (("terminate", release), ("wait", release), ("logs", "-f", release)):
        refused = fljob(*words, "-n", namespace)
        assert refused.returncode not in (0, 1)
        assert f"`kubectl delete pod {pod_name} -n {namespace}`" in refused.stderr
    assert "removed" not in fljob("gc", "-n", namespace, "--older-than", "0s").stdout
    assert kubectl("get", "pod", "-n", namespace, "-o", "name") == f"pod/{pod_name}\n"
    kubectl("delete", "pod", pod_name, "-n", namespace, "--grace-period=1")
    fljob("terminate", release, "-n", namespace, check=0)


def test_a_pod_named_like_the_job_is_not_what_its_id_means(fljob, launched, namespace, attacker):
    _, made = launched
    job_id = made["metadata"]["annotations"][names.ANNOTATION_JOB_ID]
    plant(attacker, namespace, made, name=job_id)
    fljob("terminate", job_id, "-n", namespace, check=0)
    assert helm("list", "-n", namespace, "-q") == ""
    assert kubectl("get", "pod", "-n", namespace, "-o", "name") == f"pod/{job_id}\n"
    kubectl("delete", "pod", job_id, "-n", namespace, "--grace-period=1")


def test_whoever_upgrades_or_rolls_back_by_hand_keeps_the_job(fljob, launched, namespace, tmp_path):
    release, made = launched
    refused = subprocess.run(
        ["helm", "upgrade", release, str(CHART), "--reuse-values", "-n", namespace],
        capture_output=True,
        text=True,
    )
    assert refused.returncode != 0
    assert f"release {release}: a job is never upgraded" in refused.stderr
    # A chart of a site's own, or an earlier one, does not refuse it.
    chart = shutil.copytree(CHART, tmp_path / "fljob")
    checks = chart / "templates" / "_checks.tpl"
    checks.write_text(checks.read_text().replace('{{- include "fljob.refuseUpgrade" . -}}\n', ""))
    for words in (("upgrade", release, str(chart), "--reuse-values"), ("rollback", release, "1")):
        helm(*words, "-n", namespace)
        (row,) = json.loads(fljob("list", "-n", namespace, "-o", "json", check=0).stdout)
        assert (row["pod"]["uid"], row["foreign"]) == (made["metadata"]["uid"], None)
        status = json.loads(fljob("status", release, "-n", namespace, "-o", "json", check=0).stdout)
        assert (status["state"], status["foreign"]) == ("RUNNING", None)
    fljob("terminate", release, "-n", namespace, check=0)


def old_waiter(launch, world):
    """Launch a job, take it away behind its handle's back, and launch it again; return both handles."""
    job_id = str(uuid.uuid4())
    old = launch("sleep 600", job_id=job_id, secret={"TOKEN": b"old"})
    Service(world, WaitPolicy(), lambda _: {}).terminate(old.job.release, old.job.namespace)
    new = launch("sleep 600", job_id=job_id, secret={"TOKEN": b"new"})
    assert (old.job.release, old.job.credential_secret) == (new.job.release, new.job.credential_secret)
    assert old.job.uid != new.job.uid
    return old, new


def is_whole(world, handle):
    job = handle.job
    seen = world.pods.get(job.pod_name, job.namespace).value
    held = world.secrets.credentials(job.credential_secret, job.namespace)
    record = world.releases.status(job.release, job.namespace).value
    return (seen and seen.uid, seen and seen.deleted, held, record and record.status) == (
        job.uid,
        None,
        {"TOKEN": "new"},
        "deployed",
    )


@pytest.mark.parametrize("ends", ["terminate", "wait"])
def test_an_old_waiter_takes_nothing_from_a_new_launch(launch, world, gone, ends):
    old, new = old_waiter(launch, world)
    old.terminate() if ends == "terminate" else old.wait(60)
    assert old.close(60)
    assert is_whole(world, new)
    new.terminate()
    gone(new)


def test_an_old_waiter_takes_no_secret_that_no_pod_owns_yet(launch, world, namespace, gone):
    old, new = old_waiter(launch, world)
    new.terminate()
    labels = {names.LABEL_JOB_ID: names.label_value(old.job.job_id), names.LABEL_SITE: SITE}
    name = old.job.credential_secret
    assert world.secrets.put(name, namespace, {"TOKEN": b"next"}, labels)  # as a launch begins
    old.terminate()
    assert world.secrets.credentials(name, namespace) == {"TOKEN": "next"}
    assert world.secrets.delete(name, namespace)
    gone(new)
