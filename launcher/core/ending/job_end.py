"""How a job ended: a pod's last state -> outcome.

The job container decides, as soon as its status is terminated: the kubelet reports that about a second before
the pod's phase, and a sidecar that still runs does not matter. A reason on the pod itself (Evicted,
DeadlineExceeded) comes first: the kubelet then kills the containers, and their exit codes only show that. A
disruption of the pod comes next (:mod:`launcher.core.ending.disruption`), the exit code last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import PASS_THROUGH, ReturnCode
from launcher.core.ending.disruption import (
    SIGKILL,
    SIGNALS,
    SIGTERM,
    deleted_externally,
    outcome_by_conditions,
    outcome_by_events,
    outcome_if_disrupted,
    was_deleted,
)
from launcher.core.ending.outcome import Outcome, make_outcome
from launcher.core.ending.restart import restarts
from launcher.core.pending.containers import waiting_code
from launcher.core.pending.events import failed_probe
from launcher.core.views import ContainerKind, ContainerState, ContainerView, PodEvent, PodView

__all__ = ["ended", "lost", "was_signalled"]

# Nobody saw the process end, and its exit code (137, 255) is not its own. kubelet: 'The container could not
# be located when the pod was terminated'; containerd, once it has been started again: 255, "Unknown".
_LOST = frozenset({"ContainerStatusUnknown", "Unknown", "RestartingAllContainers"})
_START_FAILED = frozenset({"StartError", "ContainerCannotRun"})
# runc, of a limit that its own first process does not fit in: 'container init was OOM-killed (memory limit
# too low?)', 'unable to set memory limit to 1048576 (current usage: 2686976, peak usage: 2695168)'
_TOO_SMALL_TO_START = re.compile(r"container init was OOM-killed|unable to set memory limit to \d")
# kubelet: 'Pod ephemeral local storage usage exceeds the total limit of containers 10Mi.',
# 'Usage of EmptyDir volume "workspace-job" exceeds the limit "1Gi".'
_OWN_STORAGE = re.compile(r"exceeds the (?:total )?limit|exceeded its local ephemeral storage limit")

_POD_REASONS: Mapping[str, Code] = {
    "Evicted": Code.EVICTED,
    "DeadlineExceeded": Code.DEADLINE_EXCEEDED,
    "NodeShutdown": Code.NODE_SHUTDOWN,
    "Shutdown": Code.NODE_SHUTDOWN,
    "Terminated": Code.NODE_SHUTDOWN,
    "NodeLost": Code.NODE_LOST,
    "ContainerStatusUnknown": Code.NODE_LOST,
    "Preempting": Code.PREEMPTED,
    "NodeAffinity": Code.ADMISSION,
    "UnexpectedAdmissionError": Code.ADMISSION,
}
_ADMISSION_PREFIX = "OutOf"  # OutOfcpu, OutOfmemory, OutOfpods, OutOfnvidia.com/gpu
# The kubelet refused the pod on arrival: 'Pod was rejected: Resources cannot be allocated with Topology
# locality'. Most may end otherwise on another day or node, but not what the pod itself asks for: '... Cannot
# enforce AppArmor: AppArmor is not enabled on the host'.
_REJECTED = "Pod was rejected: "
_ASKS_TOO_MUCH: Mapping[str, re.Pattern[str]] = {
    "SysctlForbidden": re.compile(""),
    "AppArmor": re.compile(""),
    "PodOSNotSupported": re.compile(""),
    "PodOSSelectorNodeLabelDoesNotMatch": re.compile(""),
    "SupplementalGroupsPolicyNotSupported": re.compile(""),
    "PodLevelResourcesNotSupported": re.compile(""),
    "PodFeatureUnsupported": re.compile("Pod requires node features that are not available"),
    # 'SMT Alignment Error: requested 3 cpus not multiple cpus per core = 2'
    "SMTAlignmentError": re.compile("not multiple"),
}


def ended(pod: PodView, events: Iterable[PodEvent] = ()) -> Outcome | None:
    """Return how the job ended, or None while it has not.

    Args:
        pod: the pod as last seen.
        events: its events as far as they are known; only they show that a postStart hook failed.
    """
    main = pod.main
    code = _pod_reason(pod)
    if code is not None:
        return make_outcome(code, pod.message, exit_code=main.exit_code if main else None)
    if main is not None and main.state is ContainerState.TERMINATED and not restarts(pod, main):
        return _main_ended(pod, main, events)
    if pod.phase == "Succeeded":
        return make_outcome(Code.SUCCESS, exit_code=0)
    if pod.phase == "Failed":
        return _failed_without_main(pod)
    return None


def was_signalled(pod: PodView) -> bool:
    """Return whether somebody may have killed the job container and the pod does not say who; its events may.

    A process that handles SIGTERM exits with any code, so one with probes may have been killed for them.
    """
    main = pod.main
    if main is None or main.reason == "OOMKilled":
        return False
    by_probe = main.has_probes and main.exit_code and main.exit_code not in PASS_THROUGH
    if main.exit_code not in SIGNALS and not by_probe:
        return False
    return pod.deleted is None and not pod.reason and outcome_by_conditions(pod) is None


def lost(last: PodView | None, events: Iterable[PodEvent] = ()) -> Outcome:
    """Return the outcome of a job whose pod certainly does not exist any more.

    Args:
        last: the pod as last seen, None when it never was.
        events: its last events, oldest first; they may show a disruption that the pod does not.
    """
    if last is None:
        return make_outcome(Code.DELETED_EXTERNALLY, "the pod was deleted before it was ever seen")
    events = tuple(events)
    finished = ended(last, events)
    if finished is not None:
        return finished
    disruption = outcome_by_conditions(last)
    if disruption is not None:
        return disruption
    return outcome_by_events(events) or deleted_externally(last)


def _pod_reason(pod: PodView) -> Code | None:
    if pod.phase != "Failed":
        return None
    too_much = _ASKS_TOO_MUCH.get(pod.reason)
    if too_much is not None and too_much.search(pod.message):
        return Code.NODE_REJECTED
    if pod.reason.startswith(_ADMISSION_PREFIX) or pod.message.startswith(_REJECTED):
        return Code.ADMISSION
    code = _POD_REASONS.get(pod.reason)
    if code is Code.EVICTED and _OWN_STORAGE.search(pod.message):
        return Code.STORAGE_LIMIT
    return code


def _main_ended(pod: PodView, main: ContainerView, events: Iterable[PodEvent]) -> Outcome:
    oom = next((c.name for c in pod.containers if "OOMKilled" in (c.reason, c.last_reason)), "")
    if main.exit_code == 0:
        note = f"exit code 0, although container {oom} was killed for lack of memory" if oom else ""
        return make_outcome(Code.SUCCESS, note, exit_code=0)
    known = (
        _by_container_status(main)
        or outcome_if_disrupted(pod, main)
        or _lost_by_node(main)
        or _by_probe(main, events)
    )
    if known is not None:
        return known
    if main.exit_code in SIGNALS:
        return _killed(main, events)
    note = f"; container {oom} was killed for lack of memory" if oom else ""
    detail = f"exit code {main.exit_code}{note}"
    return make_outcome(Code.APP_ERROR, detail, exit_code=main.exit_code)


def _by_container_status(main: ContainerView) -> Outcome | None:
    """Return the outcome if the container's own status is enough for it."""
    exit_code = main.exit_code
    # kubernetes#140716: a child that was killed long before gives this reason, too. The OOM killer never
    # sends SIGTERM.
    if main.reason == "OOMKilled" and exit_code != SIGTERM:
        limit = f" (limit {main.memory_limit})" if main.memory_limit else ""
        detail = f"container {main.name} ran out of memory{limit}"
        return make_outcome(Code.OOM_KILLED, detail, exit_code=exit_code)
    if exit_code in PASS_THROUGH:
        detail = f"the job process ended with FLARE's code {exit_code}"
        return Outcome(Code.APP_CODE, ReturnCode(exit_code), detail, exit_code)
    if main.reason in _START_FAILED:
        is_small = _TOO_SMALL_TO_START.search(main.message)
        code = Code.OOM_KILLED if is_small else waiting_code(main.reason, main.message)
        return make_outcome(code, f"container {main.name}: {main.message}", exit_code=exit_code)
    return None


def _lost_by_node(container: ContainerView) -> Outcome | None:
    if container.reason not in _LOST:
        return None
    detail = f"node lost track of container {container.name}: {container.reason}: {container.message}"
    exit_code = container.exit_code if container.kind is ContainerKind.MAIN else None
    return make_outcome(Code.NODE_LOST, detail.rstrip(": "), exit_code=exit_code)


def _killed(main: ContainerView, events: Iterable[PodEvent]) -> Outcome:
    # kubelet: a failed hook is an event and nothing else; the container just ends with 137, "Error".
    hook = next((event for event in events if event.reason == "FailedPostStartHook"), None)
    if hook is not None:
        return make_outcome(Code.POST_START_HOOK, f"{hook.reason}: {hook.message}", exit_code=main.exit_code)
    return make_outcome(
        Code.KILLED, f"the job process was killed ({_signal(main)})", exit_code=main.exit_code
    )


def _by_probe(main: ContainerView, events: Iterable[PodEvent]) -> Outcome | None:
    # 'Container job failed liveness probe', and before it 'Liveness probe failed: HTTP probe failed ...'
    probe = failed_probe(events, main.name)
    if not probe:
        return None
    detail = f"{probe}; the job process then ended with exit code {main.exit_code}"
    return make_outcome(Code.PROBE_FAILED, detail, exit_code=main.exit_code)


def _signal(main: ContainerView) -> str:
    # containerd#8180: out of memory may appear as 137, "Error", without "OOMKilled": in bursts one in ten.
    if main.exit_code != SIGKILL:
        return "SIGTERM"
    if not main.memory_limit:
        return "SIGKILL"
    return f"SIGKILL; by whom is not recorded: a lack of memory (limit {main.memory_limit}) may look so"


def _init_failed(container: ContainerView, *, not_started: bool) -> Outcome:
    """Return the outcome of an init container that failed, or that the node could not start."""
    how = f"ended with exit code {container.exit_code}: {container.reason}: {container.message}"
    detail = f"init container {container.name} {how}".rstrip(": ")
    # A hook of the GPU runtime fails before the first container that has a GPU, which may be this one.
    is_of_node = not_started and waiting_code(container.reason, container.message) is Code.RUNTIME_ERROR
    return make_outcome(Code.RUNTIME_ERROR if is_of_node else Code.INIT_FAILED, detail)


def _failed_without_main(pod: PodView) -> Outcome:
    # A drain or a deletion kills init containers, too; their exit codes are no fault of the job.
    disruption = outcome_by_conditions(pod)
    if disruption is not None:
        return disruption
    for container in pod.containers:
        if container.state is not ContainerState.TERMINATED or not container.exit_code:
            continue
        lost_by_node = _lost_by_node(container)
        if lost_by_node is not None:
            return lost_by_node
        init = container.kind is ContainerKind.INIT
        not_started = init and container.reason in _START_FAILED
        if container.reason == "OOMKilled" or (not_started and _TOO_SMALL_TO_START.search(container.message)):
            code = Code.INIT_OOM if init else Code.SIDECAR_OOM
            limit = f" (limit {container.memory_limit})" if container.memory_limit else ""
            return make_outcome(code, f"container {container.name} ran out of memory{limit}")
        if init and was_deleted(pod, container):
            return deleted_externally(pod)
        if init:
            return _init_failed(container, not_started=not_started)
    return make_outcome(Code.POD_FAILED, ": ".join(filter(None, (pod.reason, pod.message))))
