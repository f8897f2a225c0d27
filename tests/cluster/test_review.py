"""The comment of examples/gitops has what a real cluster would say of the jobs, where it is asked for."""

from __future__ import annotations

import subprocess

from tests.cluster.conftest import ROOT
from tests.contract.test_gitops import KIT, programs
from tests.kits import write_kit

RUNTIME = {
    "format_version": 2,
    "studies": {"heart": {"datasets": {"scans": {"source": "scans", "mode": "ro"}}}},
}


def test_the_comment_says_what_the_cluster_would(tmp_path, namespace, cluster_env, image):
    for side, timeout in (("base", 100), ("head", 200)):
        files = {
            "local/study_runtime.yaml": RUNTIME,
            "fljob/fljob.yaml": {"pending_timeout": timeout, "image": image},
        }
        write_kit(tmp_path / side / KIT, workspace="/mnt/ws", arguments={"namespace": namespace}, files=files)
    words = [ROOT / "examples/gitops/comment.sh", tmp_path / "base", tmp_path / "head"]
    env = cluster_env | {"PATH": programs(), "PLAN": "1"}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    said = done.stdout.partition("#### plan: what the cluster would say of study `heart` now")[2]
    assert "PvcMissing" in said, done.stdout
