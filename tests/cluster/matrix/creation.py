"""Rows of jobs whose pod the API server refuses to create."""

from __future__ import annotations

import time
from functools import partial

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import Action
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import Scene
from tests.cluster.matrix.webhook import Webhook

__all__ = ["CREATION"]

denied = partial(Row, action=Action.FAIL, code=Code.ADMISSION_DENIED, return_code=101)

_QUOTA = """---
apiVersion: v1
kind: ResourceQuota
metadata: {name: quota, namespace: $ns}
spec: {hard: {%s}}
"""
_FULL = _QUOTA % 'pods: "0"'
_TENANT = """---
apiVersion: v1
kind: Pod
metadata: {name: tenant, namespace: $ns}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: $image
    command: [sleep, "600"]
    resources: {requests: {cpu: "1", memory: 16Mi}}
"""


def raise_quota(scene: Scene) -> None:
    """Let one pod in."""
    scene.kubectl("patch", "quota", "quota", "-p", '{"spec": {"hard": {"pods": "1"}}}')


def end_tenant(scene: Scene) -> None:
    """End the other pod."""
    scene.kubectl("delete", "pod", "tenant", "--wait=false")


def quota_counts(scene: Scene) -> None:
    """Wait until the controller has counted what the quota covers; before that nothing is refused."""
    scene.wait("jsonpath={.status.hard}", "quota/quota")


_QUOTAS = (
    Row(
        name="quota",
        how="a ResourceQuota that is exhausted",
        objects=_FULL,
        before=quota_counts,
        k8s={"pending_timeout": 2},
        says="quota 'quota' is exhausted: requested: pods=1",
        code=Code.QUOTA_EXCEEDED,
        action=Action.WAIT_FOR_RESOURCES,
        return_code=104,
    ),
    Row(
        name="quota-heals",
        how="a ResourceQuota that is raised",
        objects=_FULL,
        before=quota_counts,
        code=Code.QUOTA_EXCEEDED,
        action=Action.WAIT_FOR_RESOURCES,
        return_code=104,
        heal=raise_quota,
        fixture=False,
    ),
    denied(
        name="quota-too-small",
        how="a ResourceQuota below what the job asks for",
        objects=_QUOTA % "requests.cpu: 500m, requests.memory: 1Gi",
        before=quota_counts,
        k8s={"cpu": "1", "cpu_request": "1"},
        code=Code.QUOTA_TOO_SMALL,
        says="requests.cpu: 1 asked, 500m is the most",
    ),
    Row(
        name="quota-taken",
        how="a ResourceQuota that another pod has used up, until that ends",
        objects=_QUOTA % "requests.cpu: 1500m, requests.memory: 1Gi" + _TENANT,
        before=quota_counts,
        k8s={"cpu": "1", "cpu_request": "1", "pending_timeout": 60},
        code=Code.QUOTA_EXCEEDED,
        action=Action.WAIT_FOR_RESOURCES,
        return_code=104,
        says="requested: requests.cpu=1, used: requests.cpu=1, limited: requests.cpu=1500m",
        heal=end_tenant,
        fixture=False,
    ),
    denied(
        name="quota-needs-more",
        how="a ResourceQuota for something that the job does not say",
        objects=_QUOTA % 'limits.cpu: "8"',
        before=quota_counts,
    ),
)

_HOOK = """---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: $ns}
webhooks:
- name: hook.example.com
  clientConfig: {url: "https://127.0.0.1:1/x"}
  failurePolicy: Fail
  sideEffects: None
  timeoutSeconds: 2
  admissionReviewVersions: [v1]
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $ns}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
"""
_POLICY = """---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: $ns}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}
  validations: [{expression: "false", message: no pods on Tuesdays}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: $ns}
spec:
  policyName: $ns
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $ns}}}
"""
_MUTATION = """---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: $ns}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}
  failurePolicy: Fail
  reinvocationPolicy: Never
  mutations:
  - patchType: JSONPatch
    jsonPatch: {expression: '[JSONPatch{op: "replace", path: "/metadata/labels/team", value: object.metadata.labels["cost-center"]}]'}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: $ns}
spec:
  policyName: $ns
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $ns}}}
"""
_PROBE = """
apiVersion: v1
kind: Pod
metadata: {name: probe, namespace: $ns}
spec: {containers: [{name: main, image: none.invalid/none, resources: {limits: {memory: 64Mi}}}]}
"""


_ENV = "{env: [{name: WORD, valueFrom: {secretKeyRef: {name: other, key: word}}}]}"


def refuses_pods(scene: Scene, probe: str = _PROBE) -> None:
    """Wait until the API server has heard of the rule."""
    create = ("create", "--dry-run=server", "-f", "-", "-o", "name")
    for _ in range(100):
        if not scene.kubectl(*create, stdin=scene.fill(probe), check=False):
            return
        time.sleep(0.2)
    raise AssertionError("pods are still accepted")


def gives_limits(scene: Scene) -> None:
    """Wait until the API server has heard of the LimitRange."""
    probe = _PROBE.replace("limits: {memory: 64Mi}", "requests: {cpu: 500m}")
    refuses_pods(scene, probe)


def gives_ratio(scene: Scene) -> None:
    """Wait until the API server has heard of the ratio."""
    refuses_pods(scene, _PROBE.replace("limits: {memory: 64Mi}", "requests: {cpu: 10m}, limits: {cpu: 1}"))


def remove_hook(scene: Scene) -> None:
    """Take the webhook away."""
    scene.kubectl("delete", "validatingwebhookconfiguration", "$ns")


def restrict(scene: Scene) -> None:
    """Demand the restricted standard of the namespace."""
    scene.kubectl("label", "namespace", "$ns", "pod-security.kubernetes.io/enforce=restricted")
    refuses_pods(scene)


def allow_no_secrets(scene: Scene) -> None:
    """Let pods of the account refer to its own Secrets only; it has none."""
    scene.kubectl("annotate", "serviceaccount", "default", "kubernetes.io/enforce-mountable-secrets=true")
    refuses_pods(scene, _PROBE.replace("{name: main,", f"{{name: main, {_ENV[1:-1]},"))


def answer_no(scene: Scene) -> None:
    """Let a webhook refuse all pods of the namespace."""
    webhook = Webhook(scene.words["address"], "no pods on Wednesdays")
    scene.undo.append(webhook.stop)
    scene.apply(_HOOK.replace('{url: "https://127.0.0.1:1/x"}', webhook.client_config))
    refuses_pods(scene)


_ADMISSION = (
    denied(
        name="limit-range",
        how="a LimitRange below the job's memory",
        objects="{apiVersion: v1, kind: LimitRange, metadata: {name: limits, namespace: $ns}, "
        "spec: {limits: [{type: Container, max: {memory: 32Mi}}]}}",
        before=refuses_pods,
        code=Code.LIMIT_RANGE,
    ),
    denied(
        name="limit-range-default",
        how="a request above the limit that a LimitRange gives to containers without one",
        objects="{apiVersion: v1, kind: LimitRange, metadata: {name: defaults, namespace: $ns}, "
        "spec: {limits: [{type: Container, default: {cpu: 100m}}]}}",
        before=gives_limits,
        k8s={"cpu_request": "500m"},
        code=Code.LIMIT_RANGE,
        says="must be less than or equal to cpu limit of 100m; that limit is a default of LimitRange 'defaults'",
        fixture=False,
    ),
    denied(
        name="limit-range-ratio",
        how="a LimitRange that allows limits of twice the request",
        objects="{apiVersion: v1, kind: LimitRange, metadata: {name: ratio, namespace: $ns}, "
        "spec: {limits: [{type: Container, maxLimitRequestRatio: {cpu: 2}}]}}",
        before=gives_ratio,
        k8s={"cpu": "1", "cpu_request": "250m"},
        code=Code.LIMIT_RANGE,
        says="cpu max limit to request ratio per Container is 2, but provided ratio is 4",
        fixture=False,
    ),
    denied(
        name="policy-fails",
        how="a ValidatingAdmissionPolicy whose expression fails",
        objects=_POLICY.replace('"false"', "object.metadata.labels.nope == 'x'"),
        before=refuses_pods,
        says="the admission policy '$ns' of the cluster does not work: expression",
        fixture=False,
    ),
    denied(
        name="policy-without-parameters",
        how="a ValidatingAdmissionPolicy whose binding names parameters that are not there",
        objects=_POLICY.replace(
            "spec:\n  match", "spec:\n  paramKind: {apiVersion: v1, kind: ConfigMap}\n  match"
        ).replace(
            "policyName: $ns",
            "policyName: $ns\n  paramRef: {name: none, namespace: $ns, parameterNotFoundAction: Deny}",
        ),
        before=refuses_pods,
        says="the admission policy '$ns' of the cluster does not work: failed to configure binding",
        fixture=False,
    ),
    denied(
        name="mutating-policy-fails",
        how="a MutatingAdmissionPolicy whose expression fails",
        objects=_MUTATION,
        before=refuses_pods,
        says="the admission policy '$ns' of the cluster does not work: ",
        fixture=False,
    ),
    denied(
        name="pod-security",
        how="a namespace with pod security restricted, and a job without",
        before=restrict,
    ),
    denied(
        name="admission-policy",
        how="a ValidatingAdmissionPolicy",
        objects=_POLICY,
        before=refuses_pods,
        says="no pods on Tuesdays",
    ),
    denied(
        name="webhook-denied",
        how="an admission webhook that answers no",
        before=answer_no,
        says="the admission webhook 'hook.example.com' refused an object: no pods on Wednesdays",
    ),
    denied(
        name="admission-plugin",
        how="an admission plugin with words that no row knows: a ServiceAccount that allows no Secrets",
        before=allow_no_secrets,
        values=_ENV,
        says="an admission rule of the cluster refuses an object: container",
    ),
    denied(
        name="priority-class-missing",
        how="a PriorityClass that does not exist",
        values="pod: {spec: {priorityClassName: none}}",
    ),
    denied(
        name="runtime-class-missing",
        how="a RuntimeClass that does not exist",
        values="pod: {spec: {runtimeClassName: none}}",
    ),
    denied(
        name="service-account-missing",
        how="a ServiceAccount that does not exist",
        values="pod: {spec: {serviceAccountName: none}}",
    ),
    Row(
        name="webhook-down",
        how="an admission webhook that does not answer",
        objects=_HOOK,
        before=refuses_pods,
        code=Code.WEBHOOK_FAILED,
        action=Action.WAIT,
        return_code=104,
    ),
    Row(
        name="webhook-heals",
        how="an admission webhook that is taken away",
        objects=_HOOK,
        before=refuses_pods,
        graces={"heal": 60},
        code=Code.WEBHOOK_FAILED,
        action=Action.WAIT,
        return_code=104,
        heal=remove_hook,
        fixture=False,
    ),
)


def end_namespace(scene: Scene) -> None:
    """Delete another namespace that a finalizer keeps for a while."""
    text = """---
apiVersion: v1
kind: Namespace
metadata: {name: $ns-b}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: stays, namespace: $ns-b, finalizers: [fake.fljob.internal/stay]}
"""
    other = Scene(f"{scene.namespace}-b", "", scene.words)
    other.kubectl("create", "-f", "-", stdin=scene.fill(text))
    scene.undo.append(lambda: other.free("configmap", "stays"))
    scene.kubectl("delete", "namespace", "$ns-b", "--wait=false")


_PLACES = (
    denied(
        name="namespace-missing",
        how="a namespace that does not exist",
        into="$ns-none",
        code=Code.NAMESPACE_MISSING,
        return_code=104,
    ),
    Row(
        name="namespace-terminating",
        how="a namespace that is being deleted",
        before=end_namespace,
        into="$ns-b",
        code=Code.NAMESPACE_TERMINATING,
        action=Action.WAIT,
        return_code=104,
    ),
    denied(
        name="right-missing",
        how="an account without rights",
        account="default",
        code=Code.FORBIDDEN,
        return_code=104,
    ),
    denied(
        name="api-down",
        how="an API server that does not answer",
        account="nobody-there",
        patient=False,  # test_recovery.py has one that waits, and an API server that comes back
        code=Code.API_UNAVAILABLE,
        action=Action.WAIT,
        return_code=104,
    ),
    denied(
        name="spec-invalid",
        how="a toleration that Kubernetes does not know",
        values="pod: {spec: {tolerations: [{key: a, operator: Sometimes}]}}",
        code=Code.INVALID_SPEC,
    ),
    denied(
        name="name-taken",
        how="a pod of somebody else with the name of the job's",
        objects="{apiVersion: v1, kind: Pod, metadata: {name: $pod, namespace: $ns}, spec: {containers: "
        "[{name: main, image: $image, command: [sleep, '60']}], terminationGracePeriodSeconds: 0}}",
        code=Code.NAME_CONFLICT,
        return_code=104,
    ),
)

CREATION: tuple[Row, ...] = (*_QUOTAS, *_ADMISSION, *_PLACES)
