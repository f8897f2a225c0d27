"""No thread of a watch runs when the interpreter shuts down: one that wakes up then aborts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.contract.kube.test_watch import Server, pod, serving

ROOT = Path(__file__).parents[3]
# The handler registered first is called last: after the watches were stopped.
PROGRAM = """
import atexit, sys, threading
atexit.register(lambda: print(sorted(thread.name for thread in threading.enumerate())))
from launcher.composition import make_service
from launcher.core.spec.site import SiteConfig
service = make_service(SiteConfig(namespace="fl", kubeconfig=sys.argv[1]))
print(service.world.pods.watch("fl").pod("a").presence.name)
print(service.world.pods.events("fl", "u-a"))
print(len(threading.enumerate()))
"""


def test_no_thread_outlives_the_program(tmp_path):
    server = Server()
    server.items = [pod("a", 1)]
    with serving(server) as url:
        config = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {}}],
        }
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "kubeconfig")]
        done = subprocess.run(
            command, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["FOUND", "()", "3", "['MainThread']"]
