"""Rows of jobs whose node is lost."""

from __future__ import annotations

from functools import partial

from launcher.core.catalogue import Code
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import Scene, fake_node, on_fake_node

__all__ = ["LOST"]

_LONG = "{fake.fljob.internal/run-for: 1h}"
_LEAVES = (
    "tolerations: [{key: fake.fljob.internal/node, operator: Exists}, "
    "{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 1}]"
)

lost = partial(Row, command="sleep 600", code=Code.NODE_LOST, return_code=104, seconds=240)


def stop_heartbeat(scene: Scene) -> None:
    """Take the fake node from kwok: nobody reports for it any more, as for a machine without power."""
    scene.kubectl("annotate", "node", "$node", "kwok.x-k8s.io/node-")


def remove_node(scene: Scene) -> None:
    """Delete the Node object, as a cloud does when it takes the machine."""
    scene.kubectl("delete", "node", "$node")


LOST: tuple[Row, ...] = (
    lost(
        name="node-removed",
        how="the Node object of the job is deleted",
        objects=fake_node(),
        values=on_fake_node(annotations=_LONG),
        act=remove_node,
    ),
)
