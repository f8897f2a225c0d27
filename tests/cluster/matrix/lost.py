"""Rows of jobs whose node is lost."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path

from launcher.core.catalogue import Code
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import Scene, fake_node, on_fake_node

__all__ = ["LOST"]

_LONG = "{fake.fljob.internal/run-for: 1h}"
_LEAVES = "tolerations: [{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 1}]"

lost = partial(Row, command="sleep 600", code=Code.NODE_LOST, return_code=104, seconds=240)


def remove_node(scene: Scene) -> None:
    """Delete the Node object, as a cloud does when it takes the machine."""
    scene.kubectl("delete", "node", "$node")


def pause_worker(scene: Scene) -> None:
    """Freeze the real node of the job; thawed in the end, whatever happens, and Ready for the tests that follow."""
    node = scene.kubectl("get", "pod", scene.pod, "-o", "jsonpath={.spec.nodeName}")
    scene.undo.append(partial(scene.wait, "condition=Ready", f"node/{node}"))
    scene.undo.append(partial(_cluster, "unpause", node))  # the last is undone first
    _cluster("pause", node)


def _cluster(verb: str, node: str) -> None:
    script = Path(__file__).parents[3] / "scripts" / "cluster"
    subprocess.run([str(script), verb, node], check=True, capture_output=True, timeout=180)


LOST: tuple[Row, ...] = (
    lost(
        name="node-removed",
        how="the Node object of the job is deleted",
        objects=fake_node(),
        values=on_fake_node(annotations=_LONG),
        act=remove_node,
    ),
    lost(
        name="node-frozen",
        how="a real worker that is frozen",
        values=f"pod: {{spec: {{{_LEAVES}}}}}",
        act=pause_worker,
        exclusive="freezes a worker, with the pods of all others on it",
    ),
)
