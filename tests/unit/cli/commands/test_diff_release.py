"""``fljob diff JOB``: exit codes and forms; what is drift is tried in the tests of the core."""

from __future__ import annotations

import copy
import json

import pytest

from launcher.errors import Denied
from tests.kits import write_kit
from tests.unit.cli.conftest import installed

SET = {
    "manager": "kubectl-set",
    "operation": "Update",
    "time": "2030-01-01T00:00:00Z",
    "fieldsV1": {"f:spec": {"f:containers": {'k:{"name":"job"}': {"f:image": {}}}}},
}
STUDIES = {"format_version": 2, "studies": {"heart": {}}}


@pytest.fixture
def live(fake, release):
    """The pod of the one release there is, which is as it was installed."""
    _, pod = installed(fake)
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod.name, "labels": {"a": "b"}},
        "spec": {"containers": [{"name": "job", "image": "img:1"}]},
    }
    fake.installed.records[release] = [manifest]
    fake.installed.objects[pod.name] = copy.deepcopy(manifest)
    return fake.installed.objects[pod.name]


def set_image(live, image="b:2"):
    live["spec"]["containers"][0]["image"] = image
    live["metadata"]["managedFields"] = [SET]


def test_a_job_that_nobody_has_touched(fljob, release, live):
    code, out, _ = fljob("diff", release, "-n", "fl")
    assert (code, out) == (0, f"fl/{release}: as it was installed\n")
    found = json.loads(fljob("diff", release, "-n", "fl", "-o", "json")[1])
    assert (found["same"], found["drifted"], found["now"], found["notAsked"]) == (True, False, None, {})
    assert [one["state"] for one in found["objects"]] == ["same"]
    assert fljob("diff", release, "-n", "fl", "-o", "markdown")[1] == "### fljob diff: as it was installed\n"


def test_a_job_may_be_named_by_its_id(fljob, live):
    assert fljob("diff", "a1", "-n", "fl")[0] == 0


def test_an_image_that_somebody_has_set(fake, fljob, release, live):
    set_image(live)
    code, out, _ = fljob("diff", release, "-n", "fl")
    assert code == 1
    assert "changed by kubectl-set (Update) at 2030-01-01T00:00:00Z" in out
    assert '-spec.containers[job].image: "img:1"\n+spec.containers[job].image: "b:2"\n' in out
    (thing,) = json.loads(fljob("diff", release, "-n", "fl", "-o", "json")[1])["objects"]
    (change,) = thing["changes"]
    assert change["by"] == [
        {
            "manager": "kubectl-set",
            "operation": "Update",
            "subresource": "",
            "time": "2030-01-01T00:00:00+00:00",
        }
    ]
    assert [one["sign"] for one in change["lines"]] == ["-", "+"]
    status = json.loads(fljob("status", release, "-n", "fl", "-o", "json")[1])["drift"]
    assert status["drifted"]
    assert status["changes"][0].startswith("Pod spec.containers[job].image: changed by kubectl-set")
    assert "drift:    Pod spec.containers[job].image: changed by" in fljob("status", release, "-n", "fl")[1]


def test_what_somebody_has_added_is_told_and_is_the_same(fljob, release, live):
    live["metadata"]["annotations"] = {"someone.example/note": "hello"}
    code, out, _ = fljob("diff", release, "-n", "fl")
    assert code == 0
    assert "no drift:\nPod/" in out
    assert '+metadata.annotations["someone.example/note"]: "hello"' in out
    assert "note:     Pod metadata.annotations" in fljob("status", release, "-n", "fl")[1]


def test_a_pod_that_is_gone(fake, fljob, release, live):
    _, pod = installed(fake)
    fake.installed.objects.clear()
    code, out, _ = fljob("diff", release, "-n", "fl")
    assert (code, f"Pod/{pod.name} is gone" in out) == (1, True)
    assert "is gone" in fljob("diff", release, "-n", "fl", "-o", "markdown")[1]


def test_text_of_others_ends_no_block_and_no_line(fljob, release, live):
    set_image(live, "x\n```\n<script>\x1b[31m")
    live["metadata"]["managedFields"][0]["manager"] = "evil\n```\x1b[31m"
    for form in ("text", "json", "markdown"):
        code, out, _ = fljob("diff", release, "-n", "fl", "-o", form)
        assert code == 1
        assert "\x1b" not in out
    lines = out.splitlines()
    fences = [line for line in lines if line.startswith("````")]
    assert len(fences) == 2


def test_what_cannot_be_asked_is_an_error(fake, fljob, release, live):
    _, pod = installed(fake)
    fake.installed.objects[pod.name] = Denied("cannot get pod")
    code, out, err = fljob("diff", release, "-n", "fl")
    assert (code, out) == (6, "")
    assert "cannot get pod" in err
    assert "drift:    not known: cannot get pod" in fljob("status", release, "-n", "fl")[1]


def test_a_job_that_is_not_there(fljob, folder):
    assert fljob("diff", "nothing", "-n", "fl")[0] == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing to compare with: name JOB"),
        (("JOB", "--study", "x"), "--study: the release of JOB decides that"),
        (("JOB", "--site", "x"), "--site: the release of JOB decides that"),
        (("JOB", "--chart", "x"), "--chart needs META or --kit"),
        (("a", "b", "--to-job", "c"), "there are two METAs"),
    ],
)
def test_what_cannot_be_meant(fljob, folder, words, said):
    code, _, err = fljob("diff", *words)
    assert code == 2
    assert said in " ".join(err.split())


@pytest.mark.usefixtures("printing_helm")
def test_what_would_be_installed_now(fake, fljob, release, live, folder):
    code, out, _ = fljob("diff", release, "meta.json", "-n", "fl")
    assert code == 1  # helm prints the values here, and no pod of the record
    head, now = out.split("what was installed, and what would be installed now:\n")
    assert "as it was installed" in head
    assert '+spec.image.reference: "img:1"' in now
    assert '+spec.command[]: "x"' in now  # what it was launched with stands in no file
    found = json.loads(fljob("diff", release, "meta.json", "-n", "fl", "-o", "json")[1])
    assert (found["drifted"], found["same"], found["now"]["same"]) == (False, False, False)
    comment = fljob("diff", release, "meta.json", "-n", "fl", "-o", "markdown")[1]
    assert "### What would be installed now: 1 of 1 study change" in comment


@pytest.mark.usefixtures("printing_helm")
def test_the_same_would_be_installed_now(fake, fljob, release, live, folder):
    found = json.loads(
        fljob("template", "meta.json", "--site", "site-1", "-n", "fl", "--job-id", "a1", "--", "x")[
            1
        ].partition("\n# Source: fljob/templates/pod.yaml\n")[2]
    )
    fake.installed.records[release] = [found]
    fake.installed.objects[found["metadata"]["name"]] = found
    assert fljob("diff", release, "meta.json", "-n", "fl")[0] == 0


@pytest.mark.usefixtures("printing_helm")
def test_a_kit_says_where_the_release_is(fake, fljob, release, live, folder):
    write_kit(folder / "kit", workspace="/mnt/ws", files={"local/study_runtime.yaml": STUDIES})
    code, out, err = fljob("diff", release, "--kit", "kit", "-n", "fl")
    assert code == 1, err
    assert "what would be installed now" in out
