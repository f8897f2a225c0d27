"""Rows of jobs that ran on a real node and ended there."""

from __future__ import annotations

import json
import subprocess
from functools import partial

from launcher.core.catalogue import Code
from tests.cluster.conftest import OOM
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import Scene, fake_node, on_fake_node, priority_class

__all__ = ["ENDS"]


def _exit(code: int, meaning: Code, return_code: int) -> Row:
    return Row(
        name=f"exit-{code}",
        how=f"exit {code}",
        command=f"exit {code}",
        code=meaning,
        return_code=return_code,
        exit_code=code,
        fixture=code not in (102, 103),
    )


_EXITS = (
    _exit(0, Code.SUCCESS, 0),
    _exit(1, Code.APP_ERROR, 9),
    _exit(7, Code.APP_ERROR, 9),
    *(_exit(code, Code.APP_CODE, code) for code in (101, 102, 103, 104)),
)

killed = partial(Row, return_code=104)
_SHARED = "pod: {spec: {shareProcessNamespace: true}}"

_KILLS = (
    killed(
        name="oom",
        how="more memory than the limit, by a worker process; the job passes its exit code on",
        command=OOM,
        code=Code.OOM_KILLED,
        exit_code=137,
        says="container $container ran out of memory (limit ",
    ),
    Row(
        name="oom-of-a-child",
        how="a child is killed for lack of memory and the job goes on",
        command="sleep 2; tail /dev/zero || true",
        code=Code.SUCCESS,
        return_code=0,
        exit_code=0,
    ),
    killed(
        name="sigkill",
        how="kill -9 from inside the pod",
        command="sh -c 'kill -9 $PPID'; sleep 5",
        values=_SHARED,
        code=Code.KILLED,
        exit_code=137,
    ),
    killed(
        name="sigterm",
        how="kill -15 from inside the pod",
        command="sh -c 'kill -15 $PPID'; sleep 5",
        values=_SHARED,
        code=Code.KILLED,
        exit_code=143,
    ),
    killed(
        name="deadline",
        how="activeDeadlineSeconds: 2",
        command="sleep 60",
        values="pod: {spec: {activeDeadlineSeconds: 2}}",
        code=Code.DEADLINE_EXCEEDED,
    ),
    # The kubelet measures an emptyDir once it learns of the pod, and then again after one to two minutes
    # (volume_stat_calculator.go, JitterUntil): a first look before the file is written costs that much.
    Row(
        name="evicted-workspace",
        how="more in the workspace than its limit",
        command="head -c 64000000 /dev/zero > full; sleep 600",
        code=Code.STORAGE_LIMIT,
        return_code=101,
        seconds=420,
    ),
    Row(
        name="evicted-container",
        how="more in the container's own layer than ephemeral_storage",
        command="head -c 64000000 /dev/zero > /tmp/full; sleep 600",
        code=Code.STORAGE_LIMIT,
        return_code=101,
        seconds=420,
    ),
)

# The job sees the sidecar's shell come and go; the kernel kills what follows it before anybody could see it.
_HUNGRY = """
pod: {spec: {shareProcessNamespace: true}}
extra:
  containers:
  - {name: sidecar, image: $image, command: [sh, -c, ': hungry; sleep 5; $oom'],
     resources: {limits: {memory: 16Mi}}}
""".replace("$oom", OOM)
_HUNGRY_RUNS = "grep -aqs '[h]ungry' /proc/[0-9]*/cmdline"
_OUTLIVE = f"until {_HUNGRY_RUNS}; do sleep 0.2; done; while {_HUNGRY_RUNS}; do sleep 0.2; done; sleep 5"

_SIDECARS = (
    Row(
        name="sidecar-goes-on",
        how="a sidecar that runs on when the job has ended",
        values="extra: {containers: [{name: sidecar, image: $image, command: [sleep, '600']}]}",
        code=Code.SUCCESS,
        return_code=0,
        exit_code=0,
    ),
    Row(
        name="sidecar-goes-on-after-failure",
        how="a sidecar that runs on when the job has failed",
        command="exit 5",
        values="extra: {containers: [{name: sidecar, image: $image, command: [sleep, '600']}]}",
        code=Code.APP_ERROR,
        return_code=9,
        exit_code=5,
    ),
    Row(
        name="sidecar-oom",
        how="a sidecar that is killed for lack of memory while the job succeeds",
        command=_OUTLIVE,
        values=_HUNGRY,
        code=Code.SUCCESS,
        return_code=0,
        exit_code=0,
        says="exit code 0, although container sidecar was killed for lack of memory",
    ),
    Row(
        name="sidecar-oom-then-failure",
        how="a sidecar that is killed for lack of memory, after which the job fails",
        command=f"{_OUTLIVE}; exit 3",
        values=_HUNGRY,
        code=Code.APP_ERROR,
        return_code=9,
        exit_code=3,
        says="exit code 3; container sidecar was killed for lack of memory",
    ),
)


def delete(scene: Scene) -> None:
    """Delete the pod as a person does."""
    scene.kubectl("delete", "pod", scene.pod, "--wait=false")


def uninstall(scene: Scene) -> None:
    """Uninstall the release with Helm itself, as a GitOps tool or `fljob terminate` elsewhere does."""
    assert scene.handle is not None
    command = ["helm", "uninstall", scene.handle.job.release, "-n", scene.namespace, "--wait=false"]
    subprocess.run(command, check=True, capture_output=True)


def force_delete(scene: Scene) -> None:
    """Delete the pod without asking its node."""
    scene.kubectl("delete", "pod", scene.pod, "--force", "--grace-period=0", "--wait=false")


def evict(scene: Scene) -> None:
    """Ask for an eviction, as a drain does."""
    about = {"name": scene.pod, "namespace": scene.namespace}
    eviction = json.dumps({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": about})
    where = f"/api/v1/namespaces/{scene.namespace}/pods/{scene.pod}/eviction"
    scene.kubectl("create", "--raw", where, "-f", "-", stdin=eviction)


def take_the_place(scene: Scene) -> None:
    """Create a pod of higher priority that needs the job's place."""
    scene.apply(
        """---
apiVersion: v1
kind: Pod
metadata: {name: important, namespace: $ns, annotations: {fake.fljob.internal/run-for: 1h}}
spec:
    priorityClassName: $ns
    nodeSelector: {fake: $ns}
    tolerations: [{key: fake.fljob.internal/node, operator: Exists}]
    containers: [{name: main, image: none.invalid/none, resources: {requests: {cpu: "3"}}}]
"""
    )


def taint(scene: Scene) -> None:
    """Taint the row's node so that pods must leave."""
    scene.kubectl("taint", "node", "$node", "fake.fljob.internal/leave=now:NoExecute")


gone = partial(Row, command="sleep 600", return_code=104)
_LONG = "{fake.fljob.internal/run-for: 1h}"
# As an init process and many a training script: SIGTERM is handled and becomes 1.
answered = partial(gone, command="trap 'exit 1' TERM; sleep 600 & wait", exit_code=1)

_DISRUPTIONS = (
    gone(
        name="deleted",
        how="kubectl delete pod",
        act=delete,
        code=Code.DELETED_EXTERNALLY,
    ),
    gone(
        name="deleted-by-force",
        how="kubectl delete pod --force --grace-period=0",
        act=force_delete,
        code=Code.DELETED_EXTERNALLY,
    ),
    gone(
        name="uninstalled",
        how="helm uninstall",
        fixture=False,
        act=uninstall,
        code=Code.RELEASE_UNINSTALLED,
    ),
    gone(
        name="uninstalled-pending",
        how="helm uninstall of a job that waits behind a gate",
        fixture=False,
        values="pod: {spec: {schedulingGates: [{name: fake.fljob.internal/gate}]}}",
        act=uninstall,
        when=Code.SCHEDULING_GATED,
        code=Code.RELEASE_UNINSTALLED,
    ),
    gone(
        name="evicted-by-api",
        how="the eviction API, as kubectl drain",
        act=evict,
        code=Code.DRAINED,
        says="EvictionByEvictionAPI: ",
    ),
    answered(
        name="evicted-and-answered",
        how="the eviction API, and a job that ends with a code of its own on SIGTERM",
        act=evict,
        code=Code.DRAINED,
        says="; the job process then ended with exit code 1",
    ),
    answered(
        name="deleted-and-answered",
        how="kubectl delete pod, and a job that ends with a code of its own on SIGTERM",
        act=delete,
        code=Code.DELETED_EXTERNALLY,
    ),
    gone(
        name="preempted",
        how="a pod of higher priority",
        objects=priority_class(1000) + fake_node(),
        values=on_fake_node(annotations=_LONG),
        k8s={"cpu": "3"},
        act=take_the_place,
        code=Code.PREEMPTED,
    ),
    gone(
        name="no-execute-taint",
        how="a NoExecute taint on the node of the job",
        objects=fake_node(),
        values=on_fake_node(annotations=_LONG).replace(
            "operator: Exists", "effect: NoSchedule, operator: Exists"
        ),
        act=taint,
        code=Code.NODE_LOST,
    ),
)

_ADMISSIONS = (
    Row(
        name="node-affinity-on-arrival",
        how="a pod bound to a node that its nodeSelector does not match",
        values="pod: {spec: {nodeName: $worker, nodeSelector: {no-such: label}}}",
        code=Code.ADMISSION,
        return_code=104,
    ),
    Row(
        name="out-of-cpu",
        how="a pod bound to a node that has fewer CPUs",
        values="pod: {spec: {nodeName: $worker}}",
        k8s={"cpu": "64"},
        code=Code.ADMISSION,
        return_code=104,
    ),
    Row(
        name="out-of-memory-on-arrival",
        how="a pod bound to a node that has less memory",
        values="pod: {spec: {nodeName: $worker}}",
        k8s={"memory": "900Gi"},
        code=Code.ADMISSION,
        return_code=104,
    ),
)

ENDS: tuple[Row, ...] = (*_EXITS, *_KILLS, *_SIDECARS, *_DISRUPTIONS, *_ADMISSIONS)
