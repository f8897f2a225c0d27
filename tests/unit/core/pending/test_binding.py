"""Pods of which the scheduler says nothing, or only that it failed: which code."""

from __future__ import annotations

from datetime import timedelta

import pytest

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.pending.classify import classify
from launcher.core.pending.hints import name_claims, refine
from launcher.core.views import PodEvent
from tests.fakes import START, make_pod, unscheduled


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (
            'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded',
            Code.VOLUME_UNBOUND,
        ),
        ('provisioning failed for PVC "data"', Code.VOLUME_UNBOUND),
        (
            'running PreBind plugin "DynamicResources": claim gpu binding timeout',
            Code.RESOURCE_CLAIM_PENDING,
        ),
        ("device binding timeout: no condition", Code.RESOURCE_CLAIM_PENDING),
        ("claim gpu got allocated elsewhere in the meantime", Code.RESOURCE_CLAIM_PENDING),
        ('running Bind plugin "DefaultBinder": Operation cannot be fulfilled', Code.SCHEDULER_ERROR),
        ("failed filter with extender at URL http://x/filter, code 500", Code.SCHEDULER_ERROR),
        ("", Code.SCHEDULER_ERROR),
    ],
)
def test_scheduler_error_is_no_missing_scheduler(message, code):
    cause = classify(unscheduled(message, "SchedulerError"))
    assert (cause.code, cause.detail, cause.scheduled) == (code, message, False)
    assert CATALOGUE[cause.code].return_code == 104


@pytest.mark.parametrize(
    ("pod", "code", "detail"),
    [
        (make_pod(), Code.NO_SCHEDULER, "the pod has no PodScheduled condition"),
        (
            make_pod(nominated_node="node-1"),
            Code.BINDING,
            "the scheduler has chosen node node-1; the pod has no PodScheduled condition",
        ),
        (
            make_pod(resource_claims=("gpu", "nic")),
            Code.RESOURCE_CLAIM_PENDING,
            "ResourceClaims of the pod: gpu, nic; the pod has no PodScheduled condition",
        ),
        (
            make_pod(pod_group="trainers"),
            Code.GANG_INCOMPLETE,
            "pod group trainers; the pod has no PodScheduled condition",
        ),
    ],
)
def test_pod_without_condition(pod, code, detail):
    cause = classify(pod)
    assert (cause.code, cause.detail) == (code, detail)
    assert refine(cause, pod, (), (), 60.0) == cause


def event(reason, message, kind="Warning"):
    return PodEvent(reason, message, kind, START + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (
            event(
                "FailedResourceClaimCreation",
                'PodResourceClaim gpu: resourceclaimtemplate.resource.k8s.io "one-gpu" not found',
            ),
            Code.RESOURCE_CLAIM_MISSING,
        ),
        (
            event("FailedResourceClaimCreation", "PodResourceClaim gpu: connection refused"),
            Code.RESOURCE_CLAIM_PENDING,
        ),
        (event("FailedBinding", "ephemeral volume data: create PVC: forbidden"), Code.VOLUME_UNBOUND),
    ],
)
def test_controller_says_why_a_claim_is_not_made(said, code):
    cause = classify(make_pod(resource_claims=("gpu",)), (said,))
    assert (cause.code, cause.detail) == (code, f"{said.reason}: {said.message}")


PROVISIONER = event(
    "ExternalProvisioning",
    "Waiting for a volume to be created either by the external provisioner 'nobody.example.com' or manually",
    "Normal",
)
CONSUMER = event("WaitForFirstConsumer", "waiting for first consumer to be created before binding", "Normal")


@pytest.mark.parametrize(
    ("claims", "said", "code"),
    [
        (("data",), {"data": PROVISIONER}, Code.VOLUME_UNBOUND),
        (("data",), {"data": event("ProvisioningFailed", "quota")}, Code.VOLUME_UNBOUND),
        # until the scheduler has chosen a node, the claim waits for the pod
        (("data",), {"data": CONSUMER}, Code.NO_SCHEDULER),
        (("data",), {"other": PROVISIONER}, Code.NO_SCHEDULER),
        ((), {"data": PROVISIONER}, Code.NO_SCHEDULER),
        (("data",), {}, Code.NO_SCHEDULER),
    ],
)
def test_claim_that_binds_late_is_the_cause(claims, said, code):
    pod = make_pod(claims=claims)
    cause = name_claims(classify(pod), pod, said)
    assert cause.code is code
    assert ("external provisioner 'nobody.example.com'" in cause.detail) == (
        code is Code.VOLUME_UNBOUND and said["data"] is PROVISIONER
    )


def test_chosen_node_does_not_hide_the_claim():
    pod = make_pod(claims=("data",), nominated_node="node-1")
    assert name_claims(classify(pod), pod, {"data": PROVISIONER}).code is Code.VOLUME_UNBOUND


def test_first_refusal_of_an_ephemeral_volume_is_followed_by_the_claims_own_words():
    waiting = 'waiting for ephemeral volume controller to create the persistentvolumeclaim "job-1-scratch"'
    pod = unscheduled(f"0/3 nodes are available: {waiting}.", claims=("job-1-scratch",))
    cause = name_claims(classify(pod), pod, {"job-1-scratch": PROVISIONER})
    assert cause.code is Code.VOLUME_UNBOUND
    assert "claim job-1-scratch (ExternalProvisioning: " in cause.detail
