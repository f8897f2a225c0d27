"""Rows that want hardware, a cloud or a broken kubelet: kwok writes the status, in the words of the component.

The words are those of the sources of Kubernetes 1.36, containerd and Karpenter, or of reports from the field; each
row says whose they are.
"""

from __future__ import annotations

from tests.cluster.matrix.kwok.ends import ENDS
from tests.cluster.matrix.kwok.events import EVENTS
from tests.cluster.matrix.kwok.scheduling import SCHEDULING
from tests.cluster.matrix.kwok.waiting import WAITING
from tests.cluster.matrix.row import Row

__all__ = ["KWOK_ROWS"]

KWOK_ROWS: tuple[Row, ...] = (*WAITING, *EVENTS, *SCHEDULING, *ENDS)
