"""What `fljob template --kit` prints is what the parent of that kit installs: field by field, of both roles."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import yaml

import launcher.cli
from launcher.core.flare import process
from launcher.core.spec.jobspec import Role
from launcher.flare import context
from tests.contract.flare import flare_side, our_side
from tests.contract.flare.case import JOB, V1, V2, Case
from tests.contract.flare.compare import leaves
from tests.contract.flare.kits import as_prepared, write_kit
from tests.contract.flare.strategies import KINDS
from tests.contract.flare.test_parity import generated

EXAMPLES = 40  # of each kind
META = {"job_id": JOB, "study": "heart", "launcher_spec": {"default": {"k8s": {"image": "a", "cpu": "1"}}}}
POD = {"spec": {"nodeSelector": {"disk": "ssd"}, "containers": [{"name": "nvflare_job"}]}}
DATA = {"heart": {"scans": {"source": "claim", "mode": "ro"}}}
SPEC = "fljob/specs.yaml"
# The study files of a site, and the arguments that name them.
FORMATS = {
    "none": ({}, {}),
    "study_data.yaml": ({V1: DATA}, {"study_data_pvc_file_path": V1}),
    "study job spec": (
        {SPEC: {"heart": "pod.yaml"}, "fljob/pod.yaml": POD},
        {"study_job_spec_file_path": SPEC},
    ),
    "both of v1": (
        {V1: DATA, SPEC: {"heart": "pod.yaml"}, "fljob/pod.yaml": POD},
        {"study_data_pvc_file_path": V1, "study_job_spec_file_path": SPEC},
    ),
    "study_runtime.yaml": (
        {V2: {"format_version": 2, "studies": {"heart": {"pod_template": POD, "datasets": DATA["heart"]}}}},
        {},
    ),
    "a template file": (
        {V2: {"format_version": 2, "studies": {"heart": {"pod_template": "p.yaml"}}}, "local/p.yaml": POD},
        {},
    ),
    "values templates": (
        {
            "fljob/fljob.yaml": {
                "values_dir": "values",
                "image_pull_secrets": ["registry"],
                "pod_security": "restricted",
            },
            "fljob/values/studies/heart.yaml.j2": "pod: {spec: {priorityClassName: high}}",
        },
        {},
    ),
}


@pytest.fixture
def printed(capsys):
    """Return a function that runs the command line and returns what it has printed."""

    def run(*words):
        with pytest.raises(SystemExit) as done:
            launcher.cli.main(list(words))
        out, err = capsys.readouterr()
        assert done.value.code == 0, err
        return out

    return run


def differences(launched, shown):
    """Return the paths at which two trees differ, with both values."""
    ours, theirs = dict(leaves(launched)), dict(leaves(shown))
    paths = sorted(ours.keys() | theirs.keys())
    return [(path, ours.get(path), theirs.get(path)) for path in paths if ours.get(path) != theirs.get(path)]


def case_of(name, role, root):
    files, arguments = FORMATS[name]
    case = as_prepared(Case(meta=META, role=role, files=files, arguments={"namespace": "fl"}), root)
    where = {key: str(root / value) for key, value in arguments.items()}
    return dataclasses.replace(case, arguments={**case.arguments, **where})


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("name", FORMATS)
def test_the_manifests_of_a_kit_are_those_that_its_parent_installs(tmp_path, printed, name, role):
    root = tmp_path / "workspace"
    case = case_of(name, role, root)
    write_kit(root, case, **case.arguments)
    (tmp_path / "meta.json").write_text(json.dumps(META))
    launched = our_side.launch(case, root)
    shown = json.loads(printed("render", str(tmp_path / "meta.json"), "--kit", str(root), "-o", "json"))
    assert differences(launched.values, shown) == []
    manifests = our_side.make_launcher(case, root).render_job(dict(META), flare_side.context(case, root))
    text = printed("template", str(tmp_path / "meta.json"), "--kit", str(root))
    assert list(yaml.safe_load_all(text)) == manifests
    assert {one["metadata"].get("namespace", "fl") for one in manifests} == {launched.namespace}


@pytest.mark.parametrize("kind", KINDS)
def test_generated_kits_print_what_their_parents_install(tmp_path, printed, kind):
    compared = 0
    for number, case in enumerate(generated(kind, EXAMPLES)):
        root = tmp_path / str(number)
        prepared = as_prepared(case, root)
        arguments = flare_side.arguments(prepared, root)
        write_kit(root, prepared, **arguments, max_pending_timeout=None)
        try:
            launched = our_side.launch(prepared, root)
        except (RuntimeError, ValueError) as error:
            assert "no image" in str(error)  # noqa: PT017
            continue
        path = tmp_path / "meta.json"
        path.write_text(json.dumps(prepared.meta))
        words = ["--study", prepared.study] if prepared.study else []
        shown = json.loads(printed("render", str(path), "--kit", str(root), "-o", "json", *words))
        # A job of no study is one that FLARE's server never makes.
        assert differences(launched.values, shown) == [] or not prepared.study, str(prepared)
        compared += bool(prepared.study)
    assert compared > EXAMPLES / 2


def test_the_names_of_credentials_are_flares(tmp_path):
    case = as_prepared(Case(meta=META), tmp_path / "workspace")
    write_kit(tmp_path / "workspace", case)
    job = context.read_job(META, flare_side.context(case, tmp_path / "workspace"), Role.CLIENT)
    assert job.secrets == (*process.CREDENTIALS, process.TRANSFER_TOKEN)


def test_a_kit_decides_about_no_program_of_this_machine(tmp_path, printed):
    root = tmp_path / "workspace"
    case = as_prepared(Case(meta=META), root)
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    evil.chmod(0o755)
    write_kit(root, case, helm=str(evil), namespace="fl")
    (root / "fljob").mkdir()
    (root / "fljob/fljob.yaml").write_text(f"helm: {evil}\nkubeconfig: {evil}\ncontext: x\n")
    assert "kind: Pod" in printed("template", "--kit", str(root))
    assert not Path(tmp_path, "ran").exists()
