"""What FLARE refuses, ours refuses and names the place; what only ours refuses is a list with reasons."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from launcher.edges.disk.config import load_config
from launcher.errors import InvalidInput
from tests.contract.flare import flare_side, our_side
from tests.contract.flare.case import JOB, V1, V2, Case, write_workspace


def k8s(**block):
    """Return the launch of a job whose block for the site is ``block``."""
    return {"meta": {"job_id": JOB, "launcher_spec": {"site-1": {"k8s": {"image": "a", **block}}}}}


def portable(**amounts):
    return {"meta": {**k8s()["meta"], "resource_spec": {"site-1": amounts}}}


def v1(content):
    return {
        "meta": {**k8s()["meta"], "study": "cancer"},
        "files": {V1: content},
        "arguments": {"study_data_pvc_file_path": V1},
    }


def v2(content):
    return {"meta": {**k8s()["meta"], "study": "cancer"}, "files": {V2: content}}


def study(**parts):
    return v2({"format_version": 2, "studies": {"cancer": parts}})


POD_OF_TWO = {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}
# name -> (launch, where ours finds the mistake)
BOTH: dict[str, tuple[dict[str, Any], str]] = {
    "no image": ({"meta": {"job_id": JOB}}, "meta.json: no image"),
    "launcher_spec is an empty list": (
        {"meta": {"job_id": JOB, "launcher_spec": []}},
        "no image for the job at site 'site-1'; meta.json: launcher_spec must be a mapping, not []",
    ),
    "empty image": (k8s(image=""), "meta.json: no image"),
    "empty python path": (k8s(python_path=""), "launcher_spec['site-1']['k8s']['python_path']"),
    "python path is no text": (k8s(python_path=3), "launcher_spec['site-1']['k8s']['python_path']"),
    "null python path": (k8s(python_path=None), "launcher_spec['site-1']['k8s']['python_path']"),
    "storage is a number": (k8s(ephemeral_storage=1), "launcher_spec['site-1']['k8s']['ephemeral_storage']"),
    "storage is empty": (k8s(ephemeral_storage=""), "launcher_spec['site-1']['k8s']['ephemeral_storage']"),
    "negative timeout": (k8s(pending_timeout=-1), "launcher_spec['site-1']['k8s']['pending_timeout']"),
    "timeout is text": (k8s(pending_timeout="1"), "launcher_spec['site-1']['k8s']['pending_timeout']"),
    "timeout is true": (k8s(pending_timeout=True), "launcher_spec['site-1']['k8s']['pending_timeout']"),
    "timeout is a list": (k8s(pending_timeout=[1]), "launcher_spec['site-1']['k8s']['pending_timeout']"),
    "block is text": ({"meta": {"job_id": JOB, "launcher_spec": {"site-1": {"k8s": "x"}}}}, "['k8s']"),
    "site block is text": ({"meta": {"job_id": JOB, "launcher_spec": {"site-1": "x"}}}, "['site-1']"),
    "launcher_spec is a list": ({"meta": {"job_id": JOB, "launcher_spec": ["x"]}}, "launcher_spec"),
    "portable cpu 0": (portable(num_of_cpus=0), "resource_spec['site-1']['num_of_cpus']"),
    "portable cpu true": (portable(num_of_cpus=True), "resource_spec['site-1']['num_of_cpus']"),
    "portable gpu negative": (portable(num_of_gpus=-1), "resource_spec['site-1']['num_of_gpus']"),
    "portable memory in Ki": (portable(memory="1Ki"), "resource_spec['site-1']['memory']"),
    "portable memory fraction": (portable(memory="1.5Gi"), "resource_spec['site-1']['memory']"),
    "portable memory null": (portable(memory=None), "resource_spec['site-1']['memory']"),
    "v1 is a list": (v1(["x"]), "study_data.yaml"),
    "v1 is flat": (v1({"cancer": "pvc"}), "study_data.yaml: cancer"),
    "v1 dataset is text": (v1({"cancer": {"a": "pvc"}}), "study_data.yaml: cancer.a"),
    "v1 study name": (v1({"Cancer!": {}}), "study_data.yaml: Cancer!"),
    "v1 dataset name": (v1({"cancer": {"a/b": {"source": "p", "mode": "ro"}}}), "cancer.a/b"),
    "v1 mode": (v1({"cancer": {"a": {"source": "p", "mode": "rx"}}}), "cancer.a.mode"),
    "v1 no source": (v1({"cancer": {"a": {"mode": "ro"}}}), "cancer.a.source"),
    "v1 mistake in another study": (v1({"other": {"a": {"mode": "ro"}}}), "other.a.source"),
    "v1 broken": (v1("a: [b"), "study_data.yaml:1:"),
    "v2 broken": (v2("a: [b"), "study_runtime.yaml:1:"),
    "v2 empty": (v2(""), "study_runtime.yaml"),
    "v2 version": (v2({"format_version": 1, "studies": {}}), "format_version"),
    "v2 no version": (v2({"studies": {}}), "format_version"),
    "v2 key": (v2({"format_version": 2, "study": {}}), "study_runtime.yaml"),
    "v2 studies is a list": (v2({"format_version": 2, "studies": [1]}), "studies"),
    "v2 study name": (v2({"format_version": 2, "studies": {"-x": {}}}), "studies.-x"),
    "v2 study is null": (v2({"format_version": 2, "studies": {"x": None}}), "studies.x"),
    "v2 unknown key": (study(images="x"), "studies.cancer"),
    "v2 docker": (study(docker_kwargs={}), "studies.cancer.docker_kwargs"),
    "v2 slurm": (study(slurm={}), "studies.cancer.slurm"),
    "v2 container": (study(container={"image": ""}), "studies.cancer.container.image"),
    "v2 container key": (study(container={"image": "a", "tag": "b"}), "studies.cancer.container"),
    "v2 dataset type": (
        study(datasets={"a": {"type": "s3", "source": "p", "mode": "ro"}}),
        "datasets.a.type",
    ),
    "v2 dataset reserved type": (study(datasets={"a": {"type": "databricks"}}), "datasets.a.type"),
    "v2 dataset mode": (study(datasets={"a": {"source": "p", "mode": "r"}}), "datasets.a.mode"),
    "v2 dataset no mode": (study(datasets={"a": {"source": "p"}}), "datasets.a.mode"),
    "v2 env reserved": (study(env={"PYTHONPATH": "/x"}), "env.PYTHONPATH"),
    "v2 env empty": (study(env={"A": ""}), "env.A"),
    "v2 env null": (study(env={"A": None}), "env.A"),
    "v2 env list": (study(env={"A": [1]}), "env.A"),
    "v2 env is a list": (study(env=["A"]), "studies.cancer.env"),
    "v2 secret env reserved": (
        study(secret_env={"NVFLARE_JOB_SSID": {"source": "s", "key": "k"}}),
        "secret_env.NVFLARE_JOB_SSID",
    ),
    "v2 secret env key": (study(secret_env={"A": {"source": "s"}}), "secret_env.A.key"),
    "v2 twice": (study(env={"A": "1"}, secret_env={"A": {"source": "s", "key": "k"}}), "env.A"),
    "v2 secret mount path": (study(secret_mounts={"m": {"source": "s", "mount_path": "x"}}), "m.mount_path"),
    "v2 secret mount mode": (
        study(secret_mounts={"m": {"source": "s", "mount_path": "/x", "mode": "rw"}}),
        "secret_mounts.m.mode",
    ),
    "v2 secret mount items": (
        study(secret_mounts={"m": {"source": "s", "mount_path": "/x", "items": {}}}),
        "secret_mounts.m.items",
    ),
    "template outside": (study(pod_template="../a.yaml"), "studies.cancer.pod_template"),
    "template absolute": (study(pod_template="/etc/a.yaml"), "studies.cancer.pod_template"),
    "template missing": (study(pod_template="a.yaml"), "names the pod template"),
    "template is a list": (study(pod_template=[1]), "studies.cancer.pod_template"),
    "template kind": (study(pod_template={"kind": "Deployment"}), "studies.cancer.pod_template.kind"),
    "template metadata": (study(pod_template={"metadata": "x"}), "pod_template.metadata"),
    "template spec": (study(pod_template={"spec": [1]}), "pod_template.spec"),
    "template containers": (study(pod_template={"spec": {"containers": {"a": 1}}}), "spec.containers"),
    "template container": (study(pod_template={"spec": {"containers": ["a"]}}), "spec.containers[0]"),
    "template volumes": (study(pod_template={"spec": {"volumes": "x"}}), "spec.volumes"),
    "template unmarked": (study(pod_template=POD_OF_TWO), "spec.containers"),
    "both formats": ({**v1({}), "files": {V1: {}, V2: {"format_version": 2}}}, "cannot be combined"),
    "v1 of FLARE's name beside v2": (
        {**v2({"format_version": 2}), "files": {V2: {"format_version": 2}, "local/study_data.yaml": {}}},
        "cannot be combined",
    ),
}


def refusals(fields, root):
    case = Case(**fields)
    write_workspace(root, case)
    refused: list[Exception | None] = []
    for act in (flare_side.launch, our_side.launch):
        try:
            act(case, root)
        except Exception as error:  # noqa: BLE001 - FLARE has no root of its errors
            refused.append(error)
        else:
            refused.append(None)
    return refused


@pytest.mark.parametrize("name", BOTH)
def test_ours_refuses_what_flare_refuses_and_names_the_place(tmp_path, name):
    fields, where = BOTH[name]
    flare, ours = refusals(fields, tmp_path / "workspace")
    assert flare is not None
    assert (type(ours) is type(flare)) or type(flare) not in {RuntimeError, ValueError}, repr(flare)
    assert isinstance(ours, (RuntimeError, ValueError))
    assert where in str(ours)
    assert "\n  cure: " in str(ours)


# FLARE sends these to the API server, which refuses them, or which give a pod that was not meant.
ONLY_OURS: dict[str, tuple[dict[str, Any], str, str]] = {
    "cpu that is none": (k8s(cpu="two"), "['cpu']", "the API server refuses the pod"),
    "cpu is a list": (k8s(cpu=[1]), "['cpu']", "the API server refuses the pod"),
    "cpu is true": (k8s(cpu=True), "['cpu']", "the API server refuses the pod"),
    "cpu is negative": (k8s(cpu=-1), "['cpu']", "the API server refuses the pod"),
    "half a GPU": (k8s(num_of_gpus=0.5), "['num_of_gpus']", "the API server refuses the pod"),
    "GPUs beyond an int64": (k8s(num_of_gpus="1e99"), "['num_of_gpus']", "no node ever has so many"),
    "as many by the portable key": (
        portable(num_of_gpus=10**30),
        "resource_spec['site-1']['num_of_gpus']",
        "no node ever has so many",
    ),
    "storage that is none": (
        k8s(ephemeral_storage="2GB"),
        "['ephemeral_storage']",
        "the API refuses the pod",
    ),
    "image is a number": (k8s(image=7), "['image']", "the API server refuses the pod"),
    "image with a space": (k8s(image="a b"), "['image']", "the kubelet says InvalidImageName"),
    "blank image": (k8s(image=" "), "['image']", "the API server refuses the pod"),
    "endless timeout": (k8s(pending_timeout=float("inf")), "['pending_timeout']", "null says it"),
    "template label is a number": (
        study(pod_template={"metadata": {"labels": {"a": 1}}}),
        "metadata.labels.a",
        "the API server refuses the pod",
    ),
    "template variable without a name": (
        study(pod_template={"spec": {"containers": [{"env": [{"value": "x"}]}]}}),
        "env[0]",
        "the API server refuses the pod",
    ),
    "template key twice": (
        {
            **study(pod_template="a.yaml"),
            "files": {**study(pod_template="a.yaml")["files"], "local/a.yaml": "a: 1\na: 2"},
        },
        "occurs twice",
        "YAML keeps the last one silently",
    ),
}


@pytest.mark.parametrize("name", ONLY_OURS)
def test_refused_by_ours_only(tmp_path, name):
    fields, where, reason = ONLY_OURS[name]
    flare, ours = refusals(fields, tmp_path / "workspace")
    assert flare is None, reason
    assert isinstance(ours, (RuntimeError, ValueError))
    assert where in str(ours)
    assert "\n  cure: " in str(ours)


# --- constructor arguments, and the same mistakes in fljob.yaml ------------------------------------------

# (argument of FLARE's constructor, key of fljob.yaml, value)
ARGUMENTS: tuple[tuple[str, str, Any], ...] = (
    *(("pending_timeout", "pending_timeout", value) for value in (-1, "1", True, [1])),
    *(("ephemeral_storage", "ephemeral_storage", value) for value in ("", None, 1)),
    *(("workspace_mount_path", "workspace_mount_path", value) for value in ("", None, 7)),
    *(("image_pull_secrets", "image_pull_secrets", value) for value in ("x", [""], ["  "], [7], {"a": "b"})),
    *(("study_data_pvc_file_path", "study_data_file", value) for value in ("", 1, False)),
    *(("default_python_path", "default_python_path", value) for value in ("", 1)),
    ("study_job_spec", "study_job_spec", "an argument that does not exist"),
)


@pytest.mark.parametrize(("argument", "key", "value"), ARGUMENTS)
def test_bad_argument_is_a_bad_key_of_the_site_file(tmp_path, argument, key, value):
    with pytest.raises((ValueError, TypeError)):
        flare_side.make_launcher(Case(meta={}, arguments={argument: value}), tmp_path)
    (tmp_path / "fljob.yaml").write_text(yaml.safe_dump({key: value}))
    with pytest.raises(InvalidInput, match=rf"fljob\.yaml: {key}.*: (?:must be |is no known key)") as raised:
        load_config(tmp_path / "fljob.yaml")
    assert raised.value.cure
