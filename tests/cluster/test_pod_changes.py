"""What a cluster's own rules do to the pod of a job: forbid a field, put a container before it, change it later."""

from __future__ import annotations

import json
import time

import pytest

from tests.cluster.conftest import kubectl

pytestmark = pytest.mark.cluster

# As OpenShift's older constraints and some Kyverno policies: the field may not be there, whatever it says.
FORBIDS = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: NAME}
spec:
  failurePolicy: Fail
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAME}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations:
    - expression: "!has(object.spec.securityContext) || !has(object.spec.securityContext.seccompProfile)"
      message: seccomp may not be set
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: NAME}
spec: {policyName: NAME, validationActions: [Deny]}
"""
# As a mesh that puts its proxy first and makes it the container that kubectl takes.
INJECTS = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: NAME}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAME}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  failurePolicy: Fail
  reinvocationPolicy: Never
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: >-
          [JSONPatch{op: "add", path: "/spec/containers/0", value: Object.spec.containers{
             name: "mesh-proxy", image: "IMAGE", command: ["sh", "-c", "echo I am the proxy; sleep 3600"]}},
           JSONPatch{op: "add", path: "/metadata/annotations/kubectl.kubernetes.io~1default-container",
             value: "mesh-proxy"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: NAME}
spec: {policyName: NAME}
"""


@pytest.fixture
def rule(namespace, image):
    """Return a function that makes a rule for the test's namespace."""
    made = []

    def make(text):
        made.append(text.replace("NAME", namespace).replace("IMAGE", image))
        kubectl("apply", "-f", "-", stdin=made[-1])

    yield make
    for text in made:
        kubectl("delete", "-f", "-", "--wait=false", stdin=text)


@pytest.fixture
def run(fljob, job_folder, namespace, tmp_path):
    """Return a function that launches a job with this fljob.yaml, waits for its end, and returns the process."""

    def launch(config, *command, wait=True, **k8s):
        (tmp_path / "fljob.yaml").write_text(json.dumps(config))
        options = ("--site", "site-1", "-n", namespace, "--config", str(tmp_path / "fljob.yaml"))
        words = ("launch", str(job_folder(**k8s)), *options, *(("--wait",) if wait else ("-o", "json")))
        return fljob(*words, "--", *(command or ("true",)))

    return launch


def template(tmp_path):
    folder = tmp_path / "values"
    folder.mkdir()
    (folder / "site.yaml.j2").write_text("pod: {spec: {securityContext: {seccompProfile: null}}}\n")
    return {"values_dir": str(folder)}


WAYS = {
    "values": lambda _: {"values": {"pod": {"spec": {"securityContext": {"seccompProfile": None}}}}},
    "all of it": lambda _: {"values": {"pod": {"spec": {"securityContext": None}}}},
    "security_context": lambda _: {"security_context": {"runAsUser": 0, "seccompProfile": None}},
    "template": template,
    "pod_security": lambda _: {"pod_security": None},
}


def test_a_field_that_the_cluster_forbids_can_be_left_out(run, rule, namespace, fljob, tmp_path):
    rule(FORBIDS)
    end = time.monotonic() + 30
    while (
        refused := run({})
    ).returncode == 0 and time.monotonic() < end:  # until the API server knows the rule
        time.sleep(1)
    assert "seccomp may not be set" in refused.stdout + refused.stderr
    for way, config in WAYS.items():
        done = run(config(tmp_path))
        assert done.returncode == 0, (way, done.stdout, done.stderr)
        assert "SUCCEEDED" in done.stdout


def test_a_webhooks_sidecar_is_not_the_job(run, rule, namespace, fljob):
    rule(INJECTS)
    end = time.monotonic() + 30
    while True:
        done = run({}, "sh", "-c", "echo I am the job; sleep 2; exit 5", wait=False)
        job = json.loads(done.stdout)
        names = kubectl(
            "get", "pod", job["pod"], "-n", namespace, "-o", "jsonpath={.spec.containers[*].name}"
        )
        if names.startswith("mesh-proxy") or time.monotonic() > end:
            break
        fljob("terminate", job["release"], "-n", namespace, check=0)
        time.sleep(1)
    assert names.split()[0] == "mesh-proxy"
    assert fljob("logs", job["release"], "-n", namespace, "-f", check=0).stdout == "I am the job\n"
    ended = fljob("wait", job["release"], "-n", namespace)
    assert (ended.returncode, "exit code 5" in ended.stdout) == (9, True), ended.stdout
    fljob("terminate", job["release"], "-n", namespace)


def test_a_command_runs_as_it_is_written(run):
    script = "test '$$' = \\$\\$ && test '$(SITE)' = \\$\\(SITE\\) && test \"$(echo a)\" = a"
    config = {"values": {"env": [{"name": "SITE", "value": "wrong"}]}}
    done = run(config, "sh", "-c", script)
    assert done.returncode == 0, done.stdout + done.stderr
