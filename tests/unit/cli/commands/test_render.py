"""``fljob render``: the values of a job, the same every time."""

from __future__ import annotations

import json


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
