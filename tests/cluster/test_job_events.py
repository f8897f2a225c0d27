"""Events on the pods of jobs, as `kubectl get events` and `kubectl describe pod` show them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from launcher.composition import make_service
from launcher.core.catalogue import Code
from launcher.core.rights import WRITE_EVENTS, needed
from launcher.core.spec.jobspec import Resources
from launcher.core.spec.site import SiteConfig
from tests.cluster.accounts import account
from tests.cluster.conftest import happens, kubectl, meta
from tests.jobs import make_spec

pytestmark = pytest.mark.cluster

CURE = "Cure: lower the request in launcher_spec"


def ours(namespace):
    """Return what `kubectl get events` shows of ours: reason, type, message."""
    shown = kubectl("get", "events", "-n", namespace, "-o", "json", "--field-selector", "source=fljob")
    return [(one["reason"], one["type"], one["message"]) for one in json.loads(shown)["items"]]


@pytest.fixture
def too_large(tmp_path, namespace, image):
    """Return a function that waits, in a shell of its own, for a job that no node has the CPU for."""
    (tmp_path / "meta.json").write_text(json.dumps(meta(image, cpu="500")))
    started = []

    def start(cluster_env, *options):
        command = [
            sys.executable,
            "-m",
            "launcher",
            "launch",
            str(tmp_path / "meta.json"),
            "--site",
            "site-1",
        ]
        command += ["--job-id", "big", "--wait", "-n", namespace, *options, "--", "true"]
        with (tmp_path / "log").open("wb") as log:
            started.append(subprocess.Popen(command, env=cluster_env, stdout=log, stderr=log))
        return tmp_path / "log"

    yield start
    for one in started:
        one.terminate()
        one.wait(60)


def test_a_pod_short_of_cpu_says_so_once_and_that_it_is_removed(too_large, fljob, namespace, cluster_env):
    log = too_large(cluster_env)
    assert happens(lambda: ours(namespace), 60), log.read_text()
    ((reason, kind, message),) = ours(namespace)
    assert (reason, kind) == ("FljobPending", "Warning")
    assert message.startswith("NodesTooSmall (pending_timeout runs out at 20")
    assert "Insufficient cpu" in message
    assert CURE in message
    (pod,) = kubectl("get", "pod", "-n", namespace, "-o", "name").split()
    described = kubectl("describe", pod, "-n", namespace)
    assert "FljobPending" in described
    assert CURE in described
    # Another shell that waits for the same job writes the same event.
    waiting = fljob("wait", "big", "-n", namespace, "--timeout", "5")
    assert waiting.returncode != 0
    assert [reason for reason, *_ in ours(namespace)] == ["FljobPending"]
    assert "FljobPending" not in fljob("events", "big", "-n", namespace, check=0).stdout
    fljob("terminate", "big", "-n", namespace, check=0)
    assert happens(lambda: "FljobRemoved" in [reason for reason, *_ in ours(namespace)], 60)
    time.sleep(5)  # the shell that waited sees that the release is gone, and has not removed it
    (removed,) = (one for one in ours(namespace) if one[0] == "FljobRemoved")
    assert removed[1] == "Normal"
    assert removed[2].startswith("Release, pod and per-job Secret are removed. Terminated (return code 9)")


def saw(site, image, caplog, seen):
    """Wait for a job that no node has the CPU for until ``seen()``; return the log's words of events, and its code."""
    caplog.set_level("INFO", "launcher")
    service = make_service(site)
    spec = replace(make_spec(), namespace=site.namespace, image=image, command=("true",), args=(), env=())
    handle = service.launch(replace(spec, resources=Resources(requests={"cpu": "500"})))
    end = time.monotonic() + 60
    for track in handle.follow(60, every=0.2):
        if track.verdict is not None and (seen() or time.monotonic() > end):
            break
    code = track.verdict.code
    handle.terminate()
    service.world.pods.stop()
    said = [one.getMessage() for one in caplog.records if "no events on pods" in one.getMessage()]
    return said, code


@pytest.fixture
def site(namespace, tmp_path):
    return SiteConfig(
        site="site-1", namespace=namespace, kubeconfig=str(tmp_path / "kubeconfig"), ephemeral_storage="32Mi"
    )


def test_without_the_right_the_job_is_as_ever_and_the_log_says_so_once(site, namespace, image, caplog):
    account(namespace, needed(), Path(site.kubeconfig))
    told, code = saw(site, image, caplog, lambda: "no events on pods" in caplog.text)
    (said,) = told
    assert "`fljob rbac`" in said
    assert code is Code.INSUFFICIENT_RESOURCES  # who may not list nodes knows no more
    assert ours(namespace) == []


def test_the_right_of_rbac_is_enough(site, namespace, image, caplog):
    account(namespace, needed() | WRITE_EVENTS, Path(site.kubeconfig))
    told, _ = saw(site, image, caplog, lambda: ours(namespace))
    assert told == []
    assert happens(lambda: {reason for reason, *_ in ours(namespace)} == {"FljobPending", "FljobRemoved"}, 30)


def test_a_site_that_wants_no_events_has_none(site, namespace, image, caplog):
    account(namespace, needed() | WRITE_EVENTS, Path(site.kubeconfig))
    begun = time.monotonic()
    told, _ = saw(replace(site, events=False), image, caplog, lambda: time.monotonic() > begun + 5)
    assert (told, ours(namespace)) == ([], [])
