"""What a scheduler does after it has looked at a pod and without saying so: it binds claims, or it failed.

Between the choice of a node (Reserve, Permit, PreBind) and the binding the pod has no new condition: with a
StorageClass that binds late (WaitForFirstConsumer) the scheduler waits up to ten minutes for the provisioner,
and the pod looks as if no scheduler had seen it. What is not said at all (PreEnqueue) looks the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from launcher.core.catalogue import Code
from launcher.core.views import PodEvent, PodView

__all__ = ["error_code", "is_provisioning", "unannounced"]

# Messages of reason SchedulerError: 'running PreBind plugin "VolumeBinding": binding volumes: context
# deadline exceeded', 'running PreBind plugin "DynamicResources": claim x binding timeout'.
_ERRORS: tuple[tuple[re.Pattern[str], Code], ...] = (
    (
        re.compile(
            r'"VolumeBinding"|binding volumes|provisioning failed for PVC|provisioning pvc|'
            r"selectedNode annotation|persistentvolumeclaim",
            re.IGNORECASE,
        ),
        Code.VOLUME_UNBOUND,
    ),
    (
        re.compile(
            r'"DynamicResources"|\bdevice binding |\bclaim \S+ (?:binding|got) |resource ?claim',
            re.IGNORECASE,
        ),
        Code.RESOURCE_CLAIM_PENDING,
    ),
)
# Events of a claim that somebody is making its volume, which for a claim that binds late begins when the
# scheduler has written volume.kubernetes.io/selected-node: 'Waiting for a volume to be created either by the
# external provisioner 'x' or manually by the system administrator'.
_PROVISIONING = frozenset({"ExternalProvisioning", "Provisioning", "ProvisioningFailed"})
# 'PodResourceClaim gpu: resource claim template "x": resourceclaimtemplate.resource.k8s.io "x" not found'
_TEMPLATE_MISSING = re.compile(r'resourceclaimtemplate[.a-z0-9]{0,64} "[^"]*" not found')
_CLAIM_EVENTS: Mapping[str, Code] = {
    "FailedResourceClaimCreation": Code.RESOURCE_CLAIM_PENDING,
    "FailedBinding": Code.VOLUME_UNBOUND,  # 'ephemeral volume data: create PVC ...'
}


def error_code(message: str) -> Code:
    """Return the code of a message of condition PodScheduled=False, reason SchedulerError."""
    return next((code for text, code in _ERRORS if text.search(message)), Code.SCHEDULER_ERROR)


def is_provisioning(event: PodEvent) -> bool:
    """Return whether an event of a claim shows that its volume is being made, or cannot be."""
    return event.reason in _PROVISIONING


def unannounced(pod: PodView, events: Iterable[PodEvent]) -> tuple[Code, str]:
    """Return code and detail of a pod without the condition PodScheduled.

    Args:
        pod: the pod.
        events: its events, oldest first.
    """
    for event in reversed(tuple(events)):
        if event.reason in _CLAIM_EVENTS and event.type == "Warning":
            missing = _TEMPLATE_MISSING.search(event.message)
            code = Code.RESOURCE_CLAIM_MISSING if missing else _CLAIM_EVENTS[event.reason]
            return code, f"{event.reason}: {event.message}"
    said = "the pod has no PodScheduled condition"
    if pod.nominated_node:
        return Code.BINDING, f"the scheduler has chosen node {pod.nominated_node}; {said}"
    if pod.resource_claims:
        names = ", ".join(pod.resource_claims)
        return Code.RESOURCE_CLAIM_PENDING, f"ResourceClaims of the pod: {names}; {said}"
    if pod.pod_group:
        return Code.GANG_INCOMPLETE, f"pod group {pod.pod_group}; {said}"
    return Code.NO_SCHEDULER, said
