"""`fljob doctor` on a real cluster: each thing that can be wrong is named with a cure; nothing of it is left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
import yaml

from launcher.core.rights import PREPARED, needed
from tests.cluster.accounts import account
from tests.cluster.conftest import ROOT, kubectl
from tests.cluster.kits import prepared_kit

pytestmark = pytest.mark.cluster

MISSING = "localhost:5001/fljob-no-such-image:1"


def made(*command: str) -> str:
    """Run a script of the repository that makes an image and return its reference."""
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()[-1]


@pytest.fixture(scope="session")
def images(cluster_env, image):
    """Images by what is in them."""
    del cluster_env
    return {
        "job": made("scripts/image", "job"),
        "parent": made("scripts/image", "parent"),
        "python": made("scripts/demo.d/images", "demo"),
        "shell": image,
    }


@pytest.fixture(scope="session")
def kit(tmp_path_factory, images):
    """A kit of one site as FLARE's own tools make it, with the parent image in it."""
    made_kit = prepared_kit(tmp_path_factory.mktemp("kit"), images["parent"], "of-the-kit")
    (made_kit / "local/study_runtime.yaml").write_text(
        "format_version: 2\nstudies: {s: {datasets: {d: {source: birds, mode: ro}}}}\n"
    )
    return made_kit


def claim(name: str, namespace: str) -> None:
    """Make a claim; nothing provides a volume, so it stays Pending."""
    spec = {
        "storageClassName": "",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Mi"}},
    }
    made_of = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}
    kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(made_of))


@pytest.fixture
def doctor(fljob, namespace):
    """Return a function that runs the doctor and returns its lines."""

    def run(*args, code=0):
        return fljob("doctor", "-n", namespace, *args, check=code).stdout.splitlines()

    return run


def line(lines, start):
    """Return the only line that starts so, and the cure below it."""
    (found,) = [number for number, text in enumerate(lines) if text.startswith(start)]
    after = lines[found + 1] if found + 1 < len(lines) else ""
    return lines[found], after.strip() if after.startswith("  cure: ") else ""


@pytest.mark.smoke
def test_where_everything_is_fine_every_line_says_so(doctor, images):
    lines = doctor("--image", images["job"])
    assert {text[:4] for text in lines} == {"ok  "}
    subjects = [text[6:].split(": ")[0] for text in lines]
    site = ["helm", "chart", "cluster", "namespace", "rights", "nodes", "leases", "events"]
    assert subjects == [*site, f"image {images['job']}"]
    assert "helm: v" in lines[0]
    said, _ = line(lines, f"ok    image {images['job']}: ")
    assert "fljob 0." in said
    assert "nvflare 2.9" in said


@pytest.mark.parametrize(
    ("name", "word", "cure"),
    [
        ("shell", "BadCommand", "default_python_path"),
        ("python", "No module named 'launcher'", "images/Dockerfile"),
        (MISSING, "ImageNotFound", "push the image"),
        ("UPPER:1", "ImageNameInvalid", "correct the image's name"),
    ],
)
def test_an_image_that_cannot_run_jobs(doctor, images, name, word, cure):
    image = images.get(name, name)
    said, found = line(doctor("--image", image, code=1), f"FAIL  image {image}: ")
    assert word in said
    assert cure in found


# Both on one worker, which makes the kit once.
@pytest.mark.xdist_group("kit")
def test_a_kit_before_and_after_it_is_adopted(doctor, fljob, kit, images, namespace):
    """The claims are made between the two; the job image without helm is no image for a parent."""
    lines = doctor("--kit", str(kit), code=1)
    assert "FLARE's own launcher" in line(lines, f"FAIL  kit {kit}: ")[0]
    assert "create it" in line(lines, "FAIL  claim birds: ")[1]
    assert "create it" in line(lines, "FAIL  claim ws-site-1: ")[1]
    said, _ = line(lines, f"ok    parent image {images['parent']}: ")
    assert "helm v" in said
    fljob("kit", "adopt", "--kit", str(kit), check=0)
    for name in ("birds", "ws-site-1"):
        claim(name, namespace)
    values = kit / "helm_chart/values.yaml"
    before = values.read_text()
    repository, _, tag = images["job"].rpartition(":")
    parsed = yaml.safe_load(before)
    parsed["image"] |= {"repository": repository, "tag": tag}
    values.write_text(yaml.safe_dump(parsed))
    lines = doctor("--kit", str(kit), code=1)
    values.write_text(before)
    said, cure = line(lines, f"FAIL  parent image {images['job']}: ")
    assert "helm is not on PATH" in said
    assert "target parent" in cure
    assert [text for text in lines if text.startswith("FAIL")] == [said]


def test_the_rights_of_a_prepared_kit_are_not_enough_and_nothing_is_tried(
    doctor, namespace, images, tmp_path
):
    path = tmp_path / "kubeconfig"
    account(namespace, PREPARED, path)
    lines = doctor("--kubeconfig", str(path), "--image", images["job"], code=1)
    missing = [one.split(" is not granted")[0] for one in lines if one.startswith("FAIL  right: ")]
    assert missing == [f"FAIL  right: {right.verb} {right.resource}" for right in sorted(needed() - PREPARED)]
    assert "fljob rbac" in line(lines, missing[0])[1]
    assert line(lines, f"skip  image {images['job']}: not tried")


def test_a_namespace_that_is_missing_is_told_though_every_right_in_it_is_granted(doctor):
    """The later -n wins."""
    lines = doctor("-n", "t-none", code=1)
    assert line(lines, "FAIL  namespace: there is no namespace t-none")[1].startswith("cure: `kubectl create")
    assert [text for text in lines if "rights" in text] == []


@pytest.mark.xdist_group("kit")
def test_the_rights_that_fljob_rbac_prints_are_enough(doctor, namespace, images, kit, tmp_path):
    """A parent need not look at claims: that is no failure."""
    path = tmp_path / "kubeconfig"
    account(namespace, needed(), path)
    lines = doctor("--kubeconfig", str(path), "--image", images["job"], "--kit", str(kit), code=None)
    assert line(lines, f"ok    image {images['job']}: ")
    assert line(lines, "skip  claim birds: ")


def test_no_cluster_is_a_line_not_a_traceback(fljob, tmp_path):
    nowhere = tmp_path / "kubeconfig"
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    nowhere.write_text(json.dumps(config))
    done = fljob("doctor", "--kubeconfig", str(nowhere), check=1)
    assert line(done.stdout.splitlines(), "FAIL  cluster: ")
    assert {text[6:].split(": ")[0] for text in done.stdout.splitlines() if text.startswith("ok  ")} == {
        "helm",
        "chart",
    }
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["pod", "secret"])
def test_an_interrupt_takes_everything_back(cluster_env, namespace, image, number, moment):
    """With its first look at the pod, or while helm still installs; the namespace looks for what is left."""
    words = ["doctor", "-n", namespace, "--image", image.replace("busybox", "no-such-image")]
    command = [sys.executable, "-m", "launcher", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started = subprocess.Popen(command, env=cluster_env, text=True, **pipes)
    while not kubectl("get", moment, "-n", namespace, "-o", "name"):
        assert started.poll() is None, started.communicate()
    started.send_signal(number)
    out, err = started.communicate(timeout=180)
    assert started.returncode == 130, out + err
    assert "interrupted" in err
    # A pod whose install was interrupted is deleted, not waited for.
    kubectl("wait", "--for=delete", "pod", "--all", "-n", namespace, "--timeout=120s")
