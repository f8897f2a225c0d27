"""``fljob render``: the values of a job, the same every time."""

from __future__ import annotations

import json

import pytest


def test_render_prints_the_values(fljob):
    code, out, _ = fljob("render", "meta.json", "--site", "site-1", "-o", "json")
    values = json.loads(out)
    assert code == 0
    assert values["image"]["reference"] == "img:1"
    assert values["args"] == ["-u", "-m", "nvflare.private.fed.app.client.worker_process"]


def test_a_request_above_its_limit_is_a_warning(fljob, folder):
    k8s = {"image": "i", "cpu": "1", "cpu_request": "2"}
    (folder / "meta.json").write_text(json.dumps({"launcher_spec": {"default": {"k8s": k8s}}}))
    code, _, err = fljob("render", "meta.json", "--site", "a")
    assert code == 0
    assert "warning: meta.json: launcher_spec['default']['k8s']['cpu_request'] (2) is more than" in err


def test_output_is_the_same_every_time(fljob):
    assert fljob("render", "meta.json", "--site", "a") == fljob("render", "meta.json", "--site", "a")


def test_a_key_of_the_meta_that_nobody_reads_is_a_warning(fljob, folder):
    meta = {"launcher_spec": {"default": {"k8s": {"image": "i", "memroy": "1Gi"}}}}
    (folder / "meta.json").write_text(json.dumps(meta))
    code, _, err = fljob("render", "meta.json", "--site", "a")
    assert code == 0
    assert err.startswith("warning: meta.json: launcher_spec['default']['k8s']['memroy']")


POD = """
spec:
  resourceClaims: [{name: gpu, resourceClaimTemplateName: one-gpu}]
  containers: [{name: main, resources: {limits: {cpu: "9"}, claims: [{name: gpu}]}}]
"""
# Each way to say which Pod manifest the jobs of a study are merged into.
STUDIES = {
    "study_runtime_file": "{format_version: 2, studies: {cancer: {pod_template: pod.yaml}}}",
    "study_job_spec_file": "{cancer: pod.yaml}",
}


@pytest.mark.parametrize(("key", "study"), STUDIES.items())
def test_devices_of_a_study_reach_the_values(fljob, folder, key, study):
    (folder / "pod.yaml").write_text(POD)
    (folder / "study.yaml").write_text(study)
    (folder / "fljob.yaml").write_text(f"{key}: study.yaml")
    code, out, _ = fljob("render", "meta.json", "--site", "a", "--study", "cancer", "-o", "json", "--", "x")
    values = json.loads(out)
    assert code == 0
    assert values["resources"]["claims"] == [{"name": "gpu"}]
    assert "cpu" not in values["resources"]["limits"]
    claim = {"name": "gpu", "resourceClaimTemplateName": "one-gpu"}
    assert values["pod"]["spec"]["resourceClaims"] == [claim]


def test_devices_of_a_site_reach_the_values(fljob, folder):
    (folder / "fljob.yaml").write_text("values: {resources: {claims: [{name: gpu}]}}")
    code, out, _ = fljob("render", "meta.json", "--site", "a", "-o", "json")
    assert code == 0
    assert json.loads(out)["resources"]["claims"] == [{"name": "gpu"}]


@pytest.mark.parametrize(("key", "study"), STUDIES.items())
def test_a_study_that_would_restart_jobs_is_refused(fljob, folder, key, study):
    (folder / "pod.yaml").write_text("spec: {containers: [{name: main, restartPolicy: Always}]}")
    (folder / "study.yaml").write_text(study)
    (folder / "fljob.yaml").write_text(f"{key}: study.yaml")
    code, _, err = fljob("render", "meta.json", "--site", "a", "--study", "cancer", "--", "x")
    assert code != 0
    assert 'spec.containers[0].restartPolicy: must not be set, not "Always"' in err
