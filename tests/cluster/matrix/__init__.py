"""The matrix: every state of a job that can be provoked, as one table, by chapter of the catalogue.

``tests/cluster/test_matrix.py`` provokes the rows; with ``--record`` it writes what it saw to
``tests/data/pods``, which ``tests/unit/core/test_fixtures.py`` replays.
"""

from __future__ import annotations

from tests.cluster.matrix.creation import CREATION
from tests.cluster.matrix.devices import DEVICES
from tests.cluster.matrix.ends import ENDS
from tests.cluster.matrix.healing import HEALING
from tests.cluster.matrix.kwok import KWOK_ROWS
from tests.cluster.matrix.lost import LOST
from tests.cluster.matrix.mounts import MOUNTS
from tests.cluster.matrix.node_settings import NODE_SETTINGS
from tests.cluster.matrix.probes import PROBES
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.starting import STARTING
from tests.cluster.matrix.unscheduled import UNSCHEDULED
from tests.cluster.matrix.volumes import VOLUMES

__all__ = ["ROWS", "SMOKE", "Row"]

_ALL: tuple[Row, ...] = (
    *LOST,
    *HEALING,
    *STARTING,
    *ENDS,
    *CREATION,
    *UNSCHEDULED,
    *VOLUMES,
    *MOUNTS,
    *DEVICES,
    *NODE_SETTINGS,
    *PROBES,
    *KWOK_ROWS,
)

# What may take longest first: the others run beside it.
ROWS: tuple[Row, ...] = tuple(sorted(_ALL, key=lambda row: -row.seconds))

# One or two of each kind, for `scripts/test smoke`.
SMOKE = frozenset(
    {
        "quota-heals",  # refused by the API server
        "webhook-denied",
        "short-of-cpu",  # not scheduled
        "node-selector",
        "cpu-freed",
        "claim-missing",
        "image-tag-missing",  # not started
        "image-429",
        "init-fails",
        "env-secret-missing",
        "mount-config-missing",
        "exit-7",  # ended
        "oom",
        "sidecar-goes-on",
        "deleted",
        "evicted-by-api",
        "node-removed",  # with its node
        "network-not-ready",  # in words that kwok says
        "out-of-gpu",
    }
)
