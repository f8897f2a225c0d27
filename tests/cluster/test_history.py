"""The history of a real job that waits for one thing after another: each has the time in which it was waited for."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from datetime import datetime
from functools import partial

import pytest

from launcher.core.catalogue import Code
from launcher.core.lifecycle.ledger import AWAY, LAUNCHING, RUNNING
from launcher.core.names import LABEL_JOB_ID
from launcher.edges.disk import history
from tests.cluster.conftest import happens, kubectl, meta
from tests.cluster.flare_parent import Parent

pytestmark = pytest.mark.cluster

until = partial(happens, seconds=180, pause=0.05)
# Seconds for which each cause is kept up, and how far the parent may be from the clock of the test: a busy machine
# takes a while for a kubectl, a helm, a look.
LONG, ABOUT = 12.0, 7.0
SUBMITTER = {"submitter_name": "ada@example.com", "submitter_org": "heart", "submitter_role": "lead"}


@pytest.fixture
def resource(namespace, workers):
    """A resource of one worker, of which it has one; named after the namespace, so that nobody else asks for it."""
    name, node = f"example.com/{namespace}", workers[0]["metadata"]["name"]
    path = f"/status/capacity/{name.replace('/', '~1')}"

    def patch(**change):
        text = json.dumps([{"path": path, **change}])
        kubectl("patch", "node", node, "--subresource=status", "--type=json", "-p", text)

    patch(op="add", value="1")
    yield name
    patch(op="remove")


@pytest.fixture
def filler(resource, namespace, image):
    """A pod that has the resource."""
    amounts = {"requests": {resource: "1"}, "limits": {resource: "1"}}
    container = {"name": "c", "image": image, "command": ["sleep", "3600"], "resources": amounts}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "filler"}, "spec": spec}
    kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(pod))
    kubectl("wait", "--for=condition=Ready", "pod/filler", "-n", namespace, "--timeout=180s")


@pytest.fixture
def parent(tmp_path, namespace, image, resource):
    """A parent whose jobs need that resource and a ConfigMap, and which keeps a history."""
    volume, mount = {"name": "x", "configMap": {"name": "late"}}, {"name": "x", "mountPath": "/x"}
    amounts = {"requests": {resource: "1"}, "limits": {resource: "1"}}
    values = {"resources": amounts, "extra": {"volumes": [volume], "volumeMounts": [mount]}}
    made = Parent(tmp_path / "workspace", namespace, image, values=values, pending_timeout=None)
    made.launcher._reports.history.workspace = str(made.root)
    yield made
    made.close()


@pytest.mark.usefixtures("filler")
def test_each_cause_has_its_time_and_all_of_them_are_the_whole(parent, namespace, image, resource, fljob):
    def pod(path):
        return kubectl("get", "pod", "-n", namespace, "-l", LABEL_JOB_ID, "-o", f"jsonpath={path}")

    kubectl("create", "quota", "q", "-n", namespace, "--hard=pods=1")  # which the filler is
    kubectl("wait", "--for=jsonpath={.status.used.pods}=1", "quota/q", "-n", namespace, "--timeout=180s")
    marks = [time.monotonic()]
    job = {"job_id": parent.job, **meta(image, python_path="sh"), **SUBMITTER}
    handle = parent.launcher.launch_job(job, parent.context(f"sleep {LONG:.0f}"))
    waiter = threading.Thread(target=handle.wait)  # as FLARE does
    waiter.start()
    with contextlib.ExitStack() as undo:
        undo.callback(handle.terminate)
        for end, sign in (
            (("delete", "quota", "q"), "{.items[*].metadata.name}"),
            (("delete", "pod", "filler", "--force"), "{.items[*].spec.nodeName}"),
            (
                ("create", "configmap", "late"),
                "{.items[*].status.containerStatuses[0].state.running.startedAt}",
            ),
        ):
            time.sleep(max(0.0, marks[-1] + LONG - time.monotonic()))
            kubectl(*end, "-n", namespace)
            assert until(lambda sign=sign: pod(sign))
            marks.append(time.monotonic())
        image_id = pod("{.items[*].status.containerStatuses[0].imageID}")
        waiter.join(180)
        marks.append(time.monotonic())
    assert handle.poll() == 0
    file = parent.root / history.FILE
    assert until(file.exists)
    done = fljob("usage", "--kit", str(parent.root), "--by", "job", "-o", "json", check=0)
    (row,) = json.loads(done.stdout)
    (record,) = row["records"]
    seconds = record["seconds"]
    planted = (
        f"{Code.QUOTA_EXCEEDED.value}(pods)",
        f"{Code.INSUFFICIENT_RESOURCES.value}({resource})",
        Code.MISSING_REF.value,
        RUNNING,
    )
    measured = [after - before for before, after in itertools.pairwise(marks)]
    for cause, lasted in zip(planted, measured, strict=True):
        assert seconds.get(cause, 0.0) == pytest.approx(lasted, abs=ABOUT), (cause, measured, seconds)
    whole = datetime.fromisoformat(record["ended"]) - datetime.fromisoformat(record["launched"])
    assert sum(seconds.values()) == pytest.approx(whole.total_seconds(), abs=1.0 + 1.0)  # of whole seconds
    assert sum(seconds.values()) == pytest.approx(marks[-1] - marks[0], abs=ABOUT)
    assert sum(seconds.get(word, 0.0) for word in (LAUNCHING, AWAY)) < ABOUT
    assert record["digest"]
    assert record["digest"] in image_id
    assert (record["submitter"]["name"], record["code"], record["returnCode"]) == (
        "ada@example.com",
        "Success",
        0,
    )
