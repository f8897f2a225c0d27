"""Rows of containers that probes or restart policies hold, kill or start again, on a real node."""

from __future__ import annotations

import time
from functools import partial

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import Action
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import Scene

__all__ = ["PROBES"]

killed = partial(Row, code=Code.PROBE_FAILED, return_code=101, command="sleep 600")


def _probe(kind: str) -> str:
    says = (
        '{exec: {command: [sh, -c, "echo does not answer; exit 1"]}, periodSeconds: 2, failureThreshold: 2}'
    )
    return f"container: {{spec: {{{kind}Probe: {says}}}}}"


_HELD = """
extra:
  initContainers:
  - name: mesh-proxy
    image: $image
    restartPolicy: Always
    command: [sleep, "600"]
    startupProbe: {exec: {command: [sh, -c, "echo not ready yet; exit 1"]}, periodSeconds: 2, failureThreshold: %d}
"""
# A webhook's work: the launcher refuses such a container.
_RESTARTS = """---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: $ns}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $ns}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  failurePolicy: Fail
  reinvocationPolicy: Never
  mutations:
  - patchType: JSONPatch
    jsonPatch:
      expression: '[JSONPatch{op: "add", path: "/spec/containers/0/restartPolicy", value: "%s"}]'
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: $ns}
spec: {policyName: $ns}
"""
_PROBE_POD = """
apiVersion: v1
kind: Pod
metadata: {name: probe, namespace: $ns}
spec: {restartPolicy: Never, containers: [{name: main, image: none.invalid/none}]}
"""


def restarts_containers(scene: Scene) -> None:
    """Wait until the API server has heard of the policy."""
    create = ("create", "--dry-run=server", "-f", "-", "-o", "jsonpath={.spec.containers[0].restartPolicy}")
    for _ in range(100):
        if scene.kubectl(*create, stdin=scene.fill(_PROBE_POD), check=False):
            return
        time.sleep(0.2)
    raise AssertionError("no container of a pod is changed")


PROBES: tuple[Row, ...] = (
    killed(
        name="liveness-kills",
        how="a liveness probe that fails",
        values=_probe("liveness"),
        exit_code=137,
        says="Liveness probe failed: does not answer",
    ),
    killed(
        name="startup-kills",
        how="a startup probe that fails",
        values=_probe("startup"),
        exit_code=137,
        says="Startup probe failed: does not answer",
    ),
    killed(
        name="liveness-answered",
        how="a liveness probe that fails, and a job that ends with a code of its own on SIGTERM",
        command="trap 'exit 1' TERM; sleep 600 & wait",
        values=_probe("liveness"),
        exit_code=1,
        says="the job process then ended with exit code 1",
    ),
    Row(
        name="sidecar-not-ready",
        how="a native sidecar whose startup probe fails",
        values=_HELD % 300,
        code=Code.INITIALIZING,
        action=Action.WAIT,
        return_code=104,
        says="sidecar mesh-proxy has not started: Startup probe failed: not ready yet",
        graces={"start": 30},
        ends_as=Code.START_TIMEOUT,
    ),
    Row(
        name="sidecar-killed-by-probe",
        how="a native sidecar that its startup probe kills again and again",
        values=_HELD % 1,
        code=Code.CRASH_LOOP,
        action=Action.FAIL,
        return_code=101,
        says="Init container mesh-proxy failed startup probe: Startup probe failed: not ready yet",
        seconds=300,
    ),
    Row(
        name="restarted-by-webhook",
        how="an admission policy that gives the job container restartPolicy Always",
        objects=_RESTARTS % "Always",
        before=restarts_containers,
        command="exit 3",
        code=Code.CRASH_LOOP,
        action=Action.FAIL,
        return_code=101,
        says="its restartPolicy is Always",
        seconds=300,
    ),
    Row(
        name="restarted-and-succeeded",
        how="an admission policy that gives the job container restartPolicy OnFailure, and a second try that works",
        objects=_RESTARTS % "OnFailure",
        before=restarts_containers,
        command="[ -e tried ] || { touch tried; exit 3; }",
        code=Code.SUCCESS,
        return_code=0,
        exit_code=0,
        fixture=False,
    ),
)
