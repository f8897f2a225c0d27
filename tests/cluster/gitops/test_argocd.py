"""Argo CD shows the examples Synced and Healthy, and keeps showing it; self-heal restarts no pod that has run."""

from __future__ import annotations

import time

import pytest
import yaml

from tests.cluster.conftest import happens, kubectl
from tests.cluster.gitops.examples import eventually, found
from tests.cluster.gitops.parent import SMALL, WORKSPACE, pack, settings_of, settle

pytestmark = pytest.mark.usefixtures("argocd")
POD = "train-1-site-1-f505dccd"
# Two rounds of Argo CD (timeout.reconciliation of scripts/gitops.d/argocd.yaml), and some.
ROUNDS = 40.0


def state(names, name):
    """Return sync and health of an Application as it shows them now."""
    status = (found("application", f"{name}-{names.namespace}", "argocd") or {}).get("status", {})
    return status.get("sync", {}).get("status", ""), status.get("health", {}).get("status", "")


def shown(names, name):
    return lambda: found("application", f"{name}-{names.namespace}", "argocd")


def reaches(names, name, *wanted, seconds=180.0):
    eventually(lambda: state(names, name) == wanted, shown(names, name), seconds)


def refresh(names, name):
    """Have Argo CD render and compare anew, whatever it has cached, and wait until it has."""
    words = ["annotate", "application", f"{name}-{names.namespace}", "-n", "argocd", "--overwrite"]
    kubectl(*words, "argocd.argoproj.io/refresh=hard")

    def handled():
        notes = shown(names, name)()["metadata"].get("annotations", {})
        return "argocd.argoproj.io/refresh" not in notes

    eventually(handled, shown(names, name))


def stays(names, name, *wanted):
    """Argo CD compares anew, at once and by itself, and shows the same each time."""
    refresh(names, name)
    assert not happens(lambda: state(names, name) != wanted, ROUNDS, pause=1), shown(names, name)()


def patch(names, name, spec):
    text = yaml.safe_dump({"spec": spec})
    words = ["patch", "application", f"{name}-{names.namespace}", "-n", "argocd", "--type", "merge"]
    kubectl(*words, "--patch", text)


def sources(names):
    """Make the project of the example, and say of the test's registry that it has no certificate."""
    names.apply("argocd/project.yaml")
    for path in ("charts/fljob", "sites/site-1"):
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": f"{path.replace('/', '-')}-{names.namespace}",
                "namespace": "argocd",
                "labels": {"argocd.argoproj.io/secret-type": "repository"},
            },
            "stringData": {
                "type": "oci",
                "url": f"oci://{names.registry.pods}/{path}",
                "insecureOCIForceHttp": "true",
            },
        }
        names.put(secret)


def uid(names):
    return (names.get("pod", POD) or {}).get("metadata", {}).get("uid")


@pytest.fixture
def ended(job, chart):
    """A job of the example that Argo CD has made and that has ended well."""
    sources(job)
    job.command = "sleep 5; echo ran"
    job.apply("argocd/job.yaml", chart("0.1.0", signed=False))
    reaches(job, "train-1", "Synced", "Progressing")
    reaches(job, "train-1", "Synced", "Healthy")
    job.uid = uid(job)
    return job


def test_a_job_is_synced_and_healthy_and_stays_so(ended):
    stays(ended, "train-1", "Synced", "Healthy")
    assert uid(ended) == ended.uid


def test_self_heal_does_not_restart_a_pod_that_has_run(ended):
    patch(ended, "train-1", {"syncPolicy": {"automated": {"selfHeal": True}}})
    stays(ended, "train-1", "Synced", "Healthy")
    assert uid(ended) == ended.uid


def test_a_pod_that_is_removed_is_not_made_again(ended):
    kubectl("delete", "pod", POD, "-n", ended.namespace)
    refresh(ended, "train-1")
    reaches(ended, "train-1", "OutOfSync", "Missing")
    time.sleep(ROUNDS)
    assert uid(ended) is None


def test_a_pod_is_never_changed(ended):
    application = shown(ended, "train-1")()
    values = application["spec"]["source"]["helm"]["valuesObject"]
    patch(ended, "train-1", {"source": {"helm": {"valuesObject": {"command": ["sh", "-c", "echo again"]}}}})
    eventually(
        lambda: (
            "pod updates may not change fields"
            in str(shown(ended, "train-1")()["status"].get("operationState"))
        ),
        shown(ended, "train-1"),
    )
    assert uid(ended) == ended.uid
    patch(ended, "train-1", {"source": {"helm": {"valuesObject": values}}})
    reaches(ended, "train-1", "Synced", "Healthy")


def test_another_digest_is_seen_and_runs_nothing(ended, chart):
    digest = chart("0.1.1", signed=False)
    patch(ended, "train-1", {"source": {"targetRevision": digest}})
    eventually(
        lambda: shown(ended, "train-1")()["status"]["sync"].get("revision") == digest, shown(ended, "train-1")
    )
    reaches(ended, "train-1", "Synced", "Healthy")
    assert uid(ended) == ended.uid


def test_a_job_that_leaves_git_goes_with_its_pod(ended):
    name = f"train-1-{ended.namespace}"
    kubectl("delete", "application", name, "-n", "argocd", "--timeout=60s")
    eventually(lambda: uid(ended) is None, lambda: ended.get("pod", POD))


def test_a_job_that_failed_is_degraded_and_not_tried_again(job, chart):
    sources(job)
    job.command = "exit 3"
    job.apply("argocd/job.yaml", chart("0.1.0", signed=False))
    reaches(job, "train-1", "Synced", "Degraded")
    before = uid(job)
    stays(job, "train-1", "Synced", "Degraded")
    assert uid(job) == before


def test_a_gate_that_a_queue_takes_away_is_no_difference(job, chart):
    sources(job)

    def gated(document):
        values = document["spec"]["source"]["helm"]["valuesObject"]
        values["pod"]["spec"]["schedulingGates"] = [{"name": "example.com/queue"}]

    job.apply("argocd/job.yaml", chart("0.1.0", signed=False), change=gated)
    reaches(job, "train-1", "Synced", "Progressing")
    taken = '[{"op": "remove", "path": "/spec/schedulingGates"}]'
    kubectl("patch", "pod", POD, "-n", job.namespace, "--type", "json", "--patch", taken)
    reaches(job, "train-1", "Synced", "Healthy")
    stays(job, "train-1", "Synced", "Healthy")


def test_a_digest_that_is_not_there_makes_nothing(job):
    sources(job)
    digest = "sha256:" + "1" * 64
    job.apply("argocd/job.yaml", digest)
    eventually(lambda: digest in str(shown(job, "train-1")().get("status")), shown(job, "train-1"))
    assert uid(job) is None


def small(document):
    document["spec"]["source"]["helm"]["valuesObject"] = SMALL


def test_a_parent_is_installed_with_its_kit_and_follows_the_digest(site, registry, tmp_path):
    names, kit = site
    sources(names)
    first = registry.push(pack(kit, tmp_path / "dist"), "sites", signed=False)
    names.apply("argocd/parent.yaml", first, change=small)
    reaches(names, "site-1", "Synced", "Healthy", seconds=300)
    assert settings_of(names) == (kit / "fljob/fljob.yaml").read_text()
    doctor = ["fljob", "doctor", "-n", names.namespace, "--kit", WORKSPACE]
    said = kubectl("exec", "-n", names.namespace, "deployment/site-1", "--", *doctor)
    assert "ok    rights: all" in said

    kubectl("scale", "deployment/site-1", "-n", names.namespace, "--replicas=2")
    eventually(lambda: names.get("deployment", "site-1")["spec"]["replicas"] == 1, shown(names, "site-1"))

    text = settle(kit, pending_timeout=601)
    second = registry.push(pack(kit, tmp_path / "dist"), "sites", signed=False)
    patch(names, "site-1", {"source": {"targetRevision": second}})
    eventually(
        lambda: shown(names, "site-1")()["status"]["sync"].get("revision") == second, shown(names, "site-1")
    )
    reaches(names, "site-1", "Synced", "Healthy", seconds=300)
    assert settings_of(names) == text
    stays(names, "site-1", "Synced", "Healthy")
