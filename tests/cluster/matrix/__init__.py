"""The matrix: every state of a job that can be provoked, as one table, by chapter of the catalogue.

``tests/cluster/test_matrix.py`` provokes the rows; with ``--record`` it writes what it saw to
``tests/data/pods``, which ``tests/unit/core/test_fixtures.py`` replays.
"""

from __future__ import annotations

from tests.cluster.matrix.ends import ENDS
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.unscheduled import UNSCHEDULED

__all__ = ["ROWS", "Row"]

ROWS: tuple[Row, ...] = (*UNSCHEDULED, *ENDS)
