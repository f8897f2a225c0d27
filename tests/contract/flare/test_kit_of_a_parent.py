"""The same against real parents of FLARE, a server's and two sites': what they have installed for a real job."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time

import pytest
import yaml

import launcher.cli
from launcher.edges.disk.parent import read_parent
from tests.contract.flare.compare import leaves
from tests.contract.flare.loopback.federation import SERVER, SITES, Federation

POD = {"spec": {"nodeSelector": {"disk": "ssd"}, "containers": [{"name": "nvflare_job"}]}}
# Each participant has another format of study files, and all of it is for the study of every job.
FILES = {
    SERVER: {
        "local/study_runtime.yaml": {
            "format_version": 2,
            "studies": {"default": {"pod_template": POD, "env": {"A": "b"}}},
        }
    },
    "site-1": {"fljob/specs.yaml": {"default": "pod.yaml"}, "fljob/pod.yaml": POD},
    "site-2": {"fljob/data.yaml": {"default": {"scans": {"source": "claim", "mode": "ro"}}}},
}
SETTINGS = {"site-1": {"study_job_spec_file": "specs.yaml"}, "site-2": {"study_data_file": "data.yaml"}}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Return the federation, and the values of each release of one job by site."""
    federation = Federation(tmp_path_factory.mktemp("federation"))
    for site in SITES:
        kit = federation.root / "kits" / site
        federation.configure(site, **SETTINGS.get(site, {}))
        for name, content in FILES[site].items():
            (kit / name).write_text(yaml.safe_dump(content))
    try:
        federation.start(*SITES)
        job = federation.submit()
        deadline = time.monotonic() + 60
        while len(found := releases(federation)) < len(SITES):
            assert time.monotonic() < deadline, federation.log(SERVER)[-5000:]
            time.sleep(0.2)
        yield federation, job, found
    finally:
        federation.stop()


def releases(federation):
    found = [json.loads(path.read_text()) for path in (federation.cluster / "releases").glob("*.json")]
    return {one["values"]["job"]["site"]: one["values"] for one in found}


@pytest.mark.parametrize("participant", SITES)
def test_a_real_parent_installs_what_its_workspace_says(installed, capsys, participant):
    federation, job, values = installed
    (meta,) = federation.root.glob(f"store/**/{job}/meta")
    kit = federation.root / "kits" / participant
    copy = federation.root / "meta.json"
    copy.write_text(meta.read_text())
    with pytest.raises(SystemExit) as done:
        launcher.cli.main(["render", str(copy), "--kit", str(kit), "-o", "json"])
    out, err = capsys.readouterr()
    assert done.value.code == 0, err
    shown = json.loads(out)
    sent = values["server" if participant == SERVER else participant]
    ours, theirs = dict(leaves(sent)), dict(leaves(shown))
    assert {path: (ours.get(path), theirs.get(path)) for path in ours.keys() ^ theirs.keys()} == {}
    assert {path: (ours[path], theirs[path]) for path in ours if ours[path] != theirs[path]} == {}
    assert shown["job"]["id"] == job
    assert shown["job"]["study"] == "default"


@pytest.mark.parametrize("participant", [SERVER, "site-1"])
def test_a_prepared_kit_says_the_same_with_the_chart_of_its_parent_and_without(
    installed, tmp_path, participant
):
    federation, _, _ = installed
    config = {"runtime": "k8s", "namespace": "fl", "parent": {"docker_image": "a:1", "parent_port": 8102}}
    config |= {"job_launcher": {"config_file_path": None}}
    (tmp_path / "deploy.yaml").write_text(yaml.safe_dump(config))
    words = [
        sys.executable,
        "-m",
        "nvflare.cli",
        "deploy",
        "prepare",
        "--config",
        str(tmp_path / "deploy.yaml"),
    ]
    words += [
        "--kit",
        str(federation.root / "ws/loop/prod_00" / participant),
        "--output",
        str(tmp_path / "kit"),
    ]
    subprocess.run(words, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    with_chart = read_parent(tmp_path / "kit")
    shutil.rmtree(tmp_path / "kit/helm_chart")
    without = read_parent(tmp_path / "kit")
    assert with_chart.process("a", "s") == without.process("a", "s")
    assert with_chart.workspace == "/var/tmp/nvflare/workspace"
    assert with_chart.options[:3] == ("secure_train=true", "config_folder=config", "org=acme")
    assert dict(with_chart.process("a", "s").flags)["--parent_conn_sec"] == "mtls"
