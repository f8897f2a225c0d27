"""Rows of the ways in which a job ends."""

from __future__ import annotations

from collections.abc import Mapping

from launcher.core.catalogue.codes import Code, Entry
from launcher.core.catalogue.returncodes import ReturnCode

__all__ = ["ENDS"]

_JOB = ReturnCode.EXECUTION_EXCEPTION
_INFRA = ReturnCode.INFRASTRUCTURE_ERROR
_DESCRIBE = "read the detail; `kubectl describe pod` shows the same"


def _infra(summary: str, cure: str) -> Entry:
    return Entry(summary, cure, _INFRA, relaunchable=True)


ENDS: Mapping[Code, Entry] = {
    Code.SUCCESS: Entry("The job process ended with exit code 0.", "nothing to do", ReturnCode.OK),
    Code.APP_ERROR: Entry("The job process failed.", "read the job's log", ReturnCode.ABORTED),
    Code.APP_CODE: Entry(
        "The job process ended with one of FLARE's own codes (101 to 104).",
        "read the job's log; where its files did not reach its parent, the detail says why",
        _JOB,
        returns_own=True,
    ),
    Code.OOM_KILLED: Entry(
        "The job used more memory than its limit.", "raise memory in launcher_spec, or use less", _INFRA
    ),
    Code.KILLED: _infra(
        "The job process was killed from outside.",
        "look at the node, at who may exec into the pod, and at the memory limit: the container "
        "runtime sometimes misses an out-of-memory kill",
    ),
    Code.PROBE_FAILED: Entry(
        "A probe failed and the kubelet killed the job.",
        "correct the liveness or startup probe of the pod template, or give it more time",
        _JOB,
    ),
    Code.SIDECAR_OOM: Entry(
        "A sidecar used more memory than its limit.", "raise its limit in the pod template", _INFRA
    ),
    Code.INIT_OOM: Entry(
        "An init container used more memory than its limit.", "raise its limit in the pod template", _INFRA
    ),
    Code.INIT_FAILED: Entry("An init container failed.", "look at its log", _JOB),
    Code.EVICTED: _infra(
        "The node evicted the pod under pressure.", "request what the job really needs, or free the node"
    ),
    Code.STORAGE_LIMIT: Entry(
        "The job used more local storage than its limit.",
        "raise ephemeral_storage in launcher_spec, or write less",
        _JOB,
    ),
    Code.DEADLINE_EXCEEDED: Entry(
        "The pod ran longer than activeDeadlineSeconds.", "raise the deadline in the pod template", _INFRA
    ),
    Code.NODE_SHUTDOWN: _infra("The node was shut down.", "launch the job again"),
    Code.ADMISSION: _infra("The node refused the pod on arrival; it never started.", "launch the job again"),
    Code.NODE_REJECTED: Entry(
        "The node refused what the pod asks for; it never started.",
        "correct in the pod template what the detail names, or have the nodes prepared for it",
        _JOB,
    ),
    Code.DEVICE_TAINTED: _infra(
        "A device of the job was tainted, and the pod evicted for it.",
        "launch the job again; look at the device's driver",
    ),
    Code.PREEMPTED: _infra(
        "A pod of higher priority took the job's place.", "launch again, or give the job a priority class"
    ),
    Code.QUEUE_PREEMPTED: _infra(
        "The queue took the pod's quota back for another job.",
        "launch the job again: a bare pod is not requeued",
    ),
    Code.DRAINED: _infra(
        "The pod was evicted through the API, as a drain does.",
        "launch the job again; `protect: budget` in fljob.yaml has drains wait for running jobs",
    ),
    Code.NODE_LOST: _infra("The node was lost.", "launch the job again"),
    Code.DELETED_EXTERNALLY: _infra("Somebody else deleted the pod.", "launch the job again"),
    # Not 9 (ABORTED): a new parent uninstalls the jobs of its predecessor, and both report to FLARE's server,
    # in any order.
    Code.RELEASE_UNINSTALLED: Entry(
        "Somebody else uninstalled the release, as `fljob terminate` in another shell does.",
        "nothing to do, if that was meant",
        _INFRA,
    ),
    Code.POD_FAILED: _infra("The pod failed and Kubernetes does not say why.", _DESCRIBE),
    Code.TERMINATED: Entry("The job was terminated as asked.", "nothing to do", ReturnCode.ABORTED),
}
