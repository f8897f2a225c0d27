"""A planted change in what a site gives to a study is seen in the comment of `fljob diff`, with the real chart."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

import launcher.cli
from launcher.core.spec.site import SiteConfig
from launcher.edges.disk.chart_files import chart_path
from tests.kits import write_kit

POD = {"kind": "Pod", "spec": {"containers": [{"name": "nvflare_job"}, {"name": "logs", "image": "logs:1"}]}}
RUNTIME = {
    "format_version": 2,
    "studies": {
        "heart": {"pod_template": "pod.yaml", "datasets": {"scans": {"source": "heart-scans", "mode": "ro"}}},
        "liver": {},
    },
}
FILES = {
    "local/study_runtime.yaml": RUNTIME,
    "local/pod.yaml": POD,
    "fljob/fljob.yaml": {"values_dir": "values", "image": "train:1"},
    "fljob/values/studies/heart.yaml.j2": 'resources: {limits: {nvidia.com/gpu: "1"}, requests: {nvidia.com/gpu: "1"}}',
    "fljob/specs.yaml": {"heart": "pod.yaml", "liver": "pod.yaml"},
}


def template(change):
    def plant(kit, name="local/pod.yaml"):
        pod = yaml.safe_load((kit / name).read_text())
        change(pod["spec"])
        (kit / name).write_text(yaml.safe_dump(pod))

    return plant


def text(name, old, new):
    def plant(kit):
        before = (kit / name).read_text()
        assert old in before
        (kit / name).write_text(before.replace(old, new))

    return plant


def host_path(spec):
    spec["volumes"] = [{"name": "host", "hostPath": {"path": "/var/lib/kubelet"}}]
    spec["containers"][1]["volumeMounts"] = [{"name": "host", "mountPath": "/host"}]


# What somebody slips into a pull request -> what the comment shows.
PLANTED = {
    "a second GPU": (
        text("fljob/values/studies/heart.yaml.j2", '"1"', '"2"'),
        ['+spec.containers[<job>].resources.limits["nvidia.com/gpu"]: "2"'],
    ),
    "a GPU of a sidecar": (
        template(lambda spec: spec["containers"][1].update(resources={"limits": {"nvidia.com/gpu": 1}})),
        ['+spec.containers[logs].resources.limits["nvidia.com/gpu"]: 1'],
    ),
    "another claim": (
        text("local/study_runtime.yaml", "heart-scans", "liver-scans"),
        ['.persistentVolumeClaim.claimName: "liver-scans"', '.persistentVolumeClaim.claimName: "heart-scans"'],
    ),
    "a claim that can be written": (
        text("local/study_runtime.yaml", "mode: ro", "mode: rw"),
        ["].readOnly: true", "+spec.containers[<job>].volumeMounts[data-heart-scans-a0c738df].readOnly: false"],
    ),
    "a hostPath": (
        template(host_path),
        ['+spec.volumes[host].hostPath.path: "/var/lib/kubelet"', "+spec.containers[logs].volumeMounts[host]"],
    ),
    "the network of the node": (template(lambda spec: spec.update(hostNetwork=True)), ["+spec.hostNetwork: true"]),
    "another account": (
        template(lambda spec: spec.update(serviceAccountName="admin", automountServiceAccountToken=True)),
        ['+spec.serviceAccountName: "admin"', "+spec.automountServiceAccountToken: true"],
    ),
    "a privileged sidecar": (
        template(lambda spec: spec["containers"][1].update(securityContext={"privileged": True})),
        ["+spec.containers[logs].securityContext.privileged: true"],
    ),
    "an image of somebody else": (
        text("fljob/fljob.yaml", "train:1", "evil/train:1"),
        ['+spec.containers[<job>].image: "evil/train:1"'],
    ),
    "no pod security": (
        text("fljob/fljob.yaml", "image:", "pod_security: null\nimage:"),
        ["-spec.containers[<job>].securityContext.allowPrivilegeEscalation: false"],
    ),
}  # fmt: skip


@pytest.fixture
def kits(tmp_path):
    """Return the old kit and the new one, which are the same."""
    return tuple(write_kit(tmp_path / name, workspace="/mnt/ws", files=FILES) for name in ("old", "new"))


@pytest.fixture
def diff(capsys):
    def run(*words):
        with pytest.raises(SystemExit) as done:
            launcher.cli.main(["diff", *map(str, words)])
        return done.value.code, capsys.readouterr().out

    return run


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_change_is_in_the_comment(kits, diff, name):
    old, new = kits
    plant, seen = PLANTED[name]
    plant(new)
    code, comment = diff("--kit", old, "--to-kit", new, "-o", "markdown")
    assert code == 1
    assert "studies change" in comment.splitlines()[0]
    for words in seen:
        assert words in comment, comment
    assert "not shown" not in comment
    assert diff("--kit", new, "--to-kit", old)[0] == 1
    assert diff("--kit", new, "--to-kit", new)[0] == 0


@pytest.mark.parametrize("name", ["a GPU of a sidecar", "a hostPath", "the network of the node"])
def test_a_planted_change_in_a_study_job_spec_is_in_the_comment(kits, diff, name):
    for kit in kits:
        (kit / "local/study_runtime.yaml").unlink()
        (kit / "fljob/pod.yaml").write_text(yaml.safe_dump(POD))
        (kit / "fljob/fljob.yaml").write_text("study_job_spec_file: specs.yaml\nimage: train:1\n")
    plant, seen = PLANTED[name]
    plant(kits[1], "fljob/pod.yaml")
    comment = diff("--kit", kits[0], "--to-kit", kits[1], "-o", "markdown")[1]
    assert comment.startswith("### fljob diff: 2 of 3 studies change\n")
    for words in seen:
        assert words in comment, comment


def test_two_versions_of_a_chart(kits, diff, tmp_path):
    shutil.copytree(chart_path(SiteConfig()), tmp_path / "chart")
    pod = tmp_path / "chart/templates/pod.yaml"
    pod.write_text(pod.read_text().replace("spec:\n", "spec:\n  hostPID: true\n", 1))
    code, out = diff("--kit", kits[0], "--to-chart", tmp_path / "chart", "-o", "json")
    found = json.loads(out)
    assert code == 1
    assert [one["studies"] for one in found["studies"]] == [["default", "heart", "liver"]]
    assert found["studies"][0]["objects"][0]["changes"] == [
        {"sign": "+", "path": "spec.hostPID", "value": "true"}
    ]
    assert diff("--kit", kits[0], "--to-chart", chart_path(SiteConfig()))[0] == 0


def test_a_policy_that_goes_away(kits, diff):
    old, new = kits
    (old / "fljob/fljob.yaml").write_text("image: a\nvalues: {networkPolicy: {enabled: true}}\n")
    (new / "fljob/fljob.yaml").write_text("image: a\n")
    code, comment = diff("--kit", old, "--to-kit", new, "-o", "markdown")
    assert code == 1
    assert "`NetworkPolicy` removed" in comment
