"""The subtle behaviours of FLARE's handle, as literal sequences; the numbers group them by what they are about.

Behaviours of a launch are tested elsewhere: a failed creation, the transfer record and threads in test_launcher.py and
test_handle.py, studies and templates in test_parity.py, test_hard_cases.py and test_rules.py, refusals in
test_refusals.py and test_context.py.
"""

from __future__ import annotations

from tests.contract.flare.strict_case import CONTAINER, Case, Snapshot, condition, event, pod, stamp, status

__all__ = ["AFFINITY", "BY_HAND", "DIFFERENT", "bare", "case", "running", "scheduling", "short", "unread"]

SHORTAGE = "0/1 nodes are available: 1 Insufficient cpu."
AFFINITY = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
CREATING = status(CONTAINER, "waiting", reason="ContainerCreating")


def short(at, **snapshot):
    return Snapshot(at, pod("Pending", condition("False", "Unschedulable", SHORTAGE)), **snapshot)


def refused(at, message, reason="Unschedulable", **snapshot):
    return Snapshot(at, pod("Pending", condition("False", reason, message)), **snapshot)


def bare(at, *events, **snapshot):
    return Snapshot(at, pod("Pending"), events=events, **snapshot)


def creating(at, *events, main=CREATING, inits=(), **snapshot):
    here = pod("Pending", condition("True"), main=main, inits=inits, spec={"nodeName": "node-1"})
    return Snapshot(at, here, events=events, **snapshot)


def waiting(at, reason, *events, **snapshot):
    return creating(at, *events, main=status(CONTAINER, "waiting", reason=reason), **snapshot)


def phase(at, name, main=None, **more):
    return Snapshot(at, pod(name, condition("True"), main=main, **more))


def running(at):
    return phase(at, "Running", status(CONTAINER, "running"))


def failed(at, code, *sidecars):
    return phase(at, "Failed", status(CONTAINER, "terminated", exitCode=code), sidecars=sidecars)


def unread(at, error=500):
    return Snapshot(at, error=error)


def scheduling(message, at=0.0, **more):
    return event("FailedScheduling", message, at, **more)


def case(*snapshots, pending_timeout=120, timeout=None):
    return Case(snapshots, pending_timeout, timeout)


WAITS, RUNS, GIVEN_UP = (127, False), (127, False), (101, True)
# name -> (recording, snapshots until the end or all of them, (return code, whether the pod is removed))
BY_HAND: dict[str, tuple[Case, int, tuple[int, bool]]] = {
    # 1: pending timeout
    "shortage until its time is up": (
        case(short(0), short(1), short(2), short(3), pending_timeout=2),
        3,
        GIVEN_UP,
    ),
    "shortage that is not waited for": (case(short(0), running(1), pending_timeout=0), 1, GIVEN_UP),
    "shortage of one second": (case(short(0), short(1), running(2), pending_timeout=1), 2, GIVEN_UP),
    "the pod starts as its time is up": (case(short(0), running(2), pending_timeout=2), 2, RUNS),
    # 2: what counts as pending
    "just in time": (case(short(0), short(4.5), running(5), pending_timeout=5), 3, RUNS),
    "just too late": (case(short(0), short(4.5), short(5), pending_timeout=5), 3, GIVEN_UP),
    "shortage for ever": (case(short(0), short(1e4), short(1e6), pending_timeout=None), 3, WAITS),
    "another phase forgets the clock": (
        case(short(0), running(1), short(2), short(3), short(4), pending_timeout=2),
        5,
        GIVEN_UP,
    ),
    "an unknown phase word waits": (case(phase(0, "Odd"), phase(1e6, "Odd"), pending_timeout=0), 2, WAITS),
    "a pod without phase stops the clock": (
        case(short(0), phase(1, None), phase(9, ""), short(10), short(11), short(12), pending_timeout=2),
        5,
        GIVEN_UP,
    ),
    # 3, 4: reads that fail
    "a failed read is not pending": (case(short(0), unread(1), running(2), pending_timeout=2), 3, RUNS),
    "a failed read stops the clock": (
        case(short(0), unread(1), short(2), short(3), pending_timeout=2),
        4,
        GIVEN_UP,
    ),
    "an outage is charged up to its first snapshot": (
        case(short(0), unread(3, 0), unread(100, 503), short(101), pending_timeout=2),
        4,
        GIVEN_UP,
    ),
    # 5: events that cannot be read
    "failed events stop the clock": (
        case(
            bare(0, scheduling(SHORTAGE)),
            bare(1, events_error=500),
            bare(5, events_error=0),
            bare(10, scheduling(SHORTAGE)),
            running(11),
            pending_timeout=2,
        ),
        5,
        RUNS,
    ),
    "failed events stop the clock, they do not forget it": (
        case(
            bare(0, scheduling(SHORTAGE)),
            bare(1, events_error=500),
            bare(5, events_error=500),
            bare(10, scheduling(SHORTAGE)),
            bare(11, scheduling(SHORTAGE)),
            pending_timeout=2,
        ),
        5,
        GIVEN_UP,
    ),
    # 6: a node is found
    "a scheduled pod forgets the clock, even without events": (
        case(short(0), creating(5, events_error=500), short(6), short(7), running(8), pending_timeout=6),
        5,
        RUNS,
    ),
    "anything else forgets the clock": (
        case(short(0), bare(1), short(2), running(3), pending_timeout=2),
        4,
        RUNS,
    ),
    # 7: events of a scheduled pod
    "a new mount failure": (case(creating(100, event("FailedMount", "no", 99)), running(101)), 1, GIVEN_UP),
    "a mount failure of 20 seconds": (
        case(creating(100, event("FailedMount", "no", 80)), running(101)),
        1,
        GIVEN_UP,
    ),
    "a mount failure of 60 seconds": (
        case(creating(100, event("FailedMount", "no", 40)), running(101)),
        1,
        GIVEN_UP,
    ),
    "a mount failure of 61 seconds": (
        case(creating(100, event("FailedMount", "no", 39)), running(101)),
        2,
        RUNS,
    ),
    "an old mount failure": (case(creating(119, event("FailedMount", "no", 0)), running(120)), 2, RUNS),
    "an old failure behind a new one": (
        case(creating(100, event("FailedMount", "no", 0), event("BackOff", "no", 99)), running(101)),
        1,
        GIVEN_UP,
    ),
    "a failure without a time": (case(creating(0, event("FailedMount", "no", None)), running(1)), 2, RUNS),
    "the last of the times": (
        case(creating(9, event("FailedMount", "no", None, firstTimestamp=stamp(8))), running(10)),
        1,
        GIVEN_UP,
    ),
    "a normal event": (case(creating(0, event("Failed", "no", 0, kind="Normal")), running(1)), 2, RUNS),
    "scheduling is over": (case(creating(0, scheduling(AFFINITY)), running(1), pending_timeout=0), 2, RUNS),
    "events of a scheduled pod that cannot be read": (
        case(creating(0, events_error=500), running(1), pending_timeout=0),
        2,
        RUNS,
    ),
    # 8: unscheduled
    "another refusal of the scheduler": (
        case(refused(0, "pod has unbound immediate PersistentVolumeClaims")),
        1,
        GIVEN_UP,
    ),
    "shortage behind a refusal": (
        case(refused(0, f"{AFFINITY} preemption: 1 Insufficient cpu."), running(1)),
        2,
        RUNS,
    ),
    "shortage of something else": (case(refused(0, "1 Insufficient hugepages-2Mi.")), 1, GIVEN_UP),
    "a MIG slice is no gpu": (case(refused(0, "1 Insufficient nvidia.com/mig-1g.5gb.")), 1, GIVEN_UP),
    "held back by a gate": (
        case(refused(0, "", "SchedulingGated"), refused(1e6, "", "SchedulingGated"), pending_timeout=0),
        2,
        WAITS,
    ),
    "an error of the scheduler is no refusal": (
        case(refused(0, "boom", "SchedulerError"), refused(1e6, "boom", "SchedulerError"), pending_timeout=0),
        2,
        WAITS,
    ),
    "nobody has looked at the pod": (case(bare(0), bare(1e6), pending_timeout=0), 2, WAITS),
    "a node name is no condition": (
        case(Snapshot(0, pod("Pending", spec={"nodeName": "n"}), events=(scheduling(AFFINITY),))),
        1,
        GIVEN_UP,
    ),
    "shortage in an event": (
        case(bare(0, scheduling("1 Insufficient nvidia.com/gpu.")), running(1), pending_timeout=2),
        2,
        RUNS,
    ),
    "shortage in an event, not waited for": (
        case(bare(0, scheduling(SHORTAGE)), pending_timeout=0),
        1,
        GIVEN_UP,
    ),
    "another refusal in an event": (case(bare(0, scheduling(AFFINITY))), 1, GIVEN_UP),
    "the newest event decides": (
        case(bare(100, scheduling(SHORTAGE, 98), scheduling(AFFINITY, 99)), pending_timeout=None),
        1,
        GIVEN_UP,
    ),
    "the newest event decides, for the better": (
        case(bare(100, scheduling(SHORTAGE, 99), scheduling(AFFINITY, 98)), running(101)),
        2,
        RUNS,
    ),
    "events of an unscheduled pod do not grow old": (case(bare(1e4, scheduling(AFFINITY, 0))), 1, GIVEN_UP),
    "an event without a time is the oldest": (
        case(bare(100, scheduling(SHORTAGE, 0), scheduling(AFFINITY, None)), running(101)),
        2,
        RUNS,
    ),
    "a normal event refuses nothing": (
        case(bare(0, scheduling(AFFINITY, kind="Normal")), running(1)),
        2,
        RUNS,
    ),
    # 9: waiting reasons
    "a reason that FLARE does not know": (
        case(waiting(0, "ContainerStatusUnknown"), running(1), pending_timeout=0),
        2,
        RUNS,
    ),
    "a reason that FLARE does not know, and an event": (
        case(waiting(1, "ImageInspectError", event("InspectFailed", "no", 0)), running(2)),
        1,
        GIVEN_UP,
    ),
    "an image that cannot be pulled": (case(waiting(0, "ImagePullBackOff"), running(1)), 1, GIVEN_UP),
    "a crash, the first one": (
        case(creating(0, inits=[status("init", "waiting", reason="CrashLoopBackOff")]), running(1)),
        1,
        GIVEN_UP,
    ),
    "a sidecar without image while the job runs": (
        case(
            Snapshot(
                0,
                pod(
                    "Pending",
                    condition("True"),
                    main=status(CONTAINER, "running"),
                    sidecars=[status("a-sidecar", "waiting", reason="ErrImagePull")],
                ),
            )
        ),
        1,
        GIVEN_UP,
    ),
    # 10: phases
    "phase Unknown at once": (case(phase(0, "Unknown"), running(1)), 1, GIVEN_UP),
    "phase Unknown of a running job": (case(running(0), phase(1, "Unknown")), 2, GIVEN_UP),
    "failed before it ran": (case(creating(0), failed(1, 1)), 2, (9, False)),
    # 11: wall clock
    "no time to start": (case(creating(0), running(1), timeout=0), 1, GIVEN_UP),
    "too late to start": (case(creating(100), running(101), timeout=10), 1, GIVEN_UP),
    "started as the time is up": (case(creating(0), running(10), timeout=10), 2, RUNS),
    "at the very second": (case(creating(0), creating(9.5), creating(10), timeout=10), 3, GIVEN_UP),
    "the time runs while nothing can be read": (
        case(creating(0), unread(9), unread(10), timeout=10),
        3,
        GIVEN_UP,
    ),
    "no time limit": (case(creating(0), creating(1e6), running(1e6 + 1)), 3, RUNS),
    "ended as the time is up": (case(creating(0.5), failed(1, 9), timeout=1), 2, (9, False)),
    "no time limit once it has run": (case(running(0), unread(5), creating(100), timeout=10), 3, RUNS),
    # 12: terminate
    "terminated while pending": (case(short(0), Snapshot(1, terminate=True)), 2, (9, True)),
    "terminated while running": (case(running(0), Snapshot(1, terminate=True)), 2, (9, True)),
    "terminated while nothing can be read": (case(unread(0), Snapshot(1, terminate=True)), 2, (9, True)),
    # 13: exit codes
    **{
        f"exit code {code}": (case(running(0), failed(1, code)), 2, (results, False))
        for code, results in {1: 9, 2: 9, 9: 9, 101: 101, 102: 102, 103: 103, 104: 9, 137: 9, 143: 9}.items()
    },
    "the exit code of a sidecar": (
        case(running(0), failed(1, 1, status("a-sidecar", "terminated", exitCode=101))),
        2,
        (9, False),
    ),
    "only the sidecar failed": (
        case(running(0), failed(1, 0, status("a-sidecar", "terminated", exitCode=1))),
        2,
        (9, False),
    ),
    "evicted": (case(running(0), phase(1, "Failed", more_status={"reason": "Evicted"})), 2, (9, False)),
    "out of memory": (
        case(
            running(0), phase(1, "Failed", status(CONTAINER, "terminated", exitCode=137, reason="OOMKilled"))
        ),
        2,
        (9, False),
    ),
    "the phase decides, not the container": (
        case(phase(0, "Running", status(CONTAINER, "terminated", exitCode=1)), running(1)),
        2,
        RUNS,
    ),
    "a dead node": (
        case(
            running(0),
            phase(9000, "Running", status(CONTAINER, "running"), metadata={"deletionTimestamp": stamp(1)}),
        ),
        2,
        RUNS,
    ),
}
GONE, ENDED = unread(1, 404), phase(1, "Succeeded", status(CONTAINER, "terminated", exitCode=0))
# name of the difference -> recordings, FLARE's (return code, removes), ours
DIFFERENT: dict[str, tuple[Case, tuple[int, bool], tuple[int, bool]]] = {
    "a pod is known by its uid": (
        case(running(0), phase(1, "Failed", metadata={"uid": "uid-2"})),
        (9, False),
        RUNS,
    ),
    "an absence has to last five seconds": (case(running(0), GONE, unread(5.5, 404)), (9, False), WAITS),
    "events are read by uid": (
        case(bare(0, scheduling(AFFINITY, uid="uid-0"))),
        GIVEN_UP,
        WAITS,
    ),
    "events that may not be read stop no clock": (
        case(short(0), bare(1, events_error=403), short(2), short(3), pending_timeout=2),
        GIVEN_UP,
        WAITS,
    ),
    "the newest time of an event counts": (
        case(creating(100, event("FailedMount", "no", 99, eventTime=stamp(1)))),
        WAITS,
        GIVEN_UP,
    ),
    "the release of a job that succeeded is removed": (case(running(0), ENDED), (0, False), (0, True)),
    "the first end stays": (
        case(running(0), failed(1, 101), Snapshot(2, terminate=True)),
        (101, True),
        (101, False),
    ),
}
