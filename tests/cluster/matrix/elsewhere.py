"""Codes that no row of the matrix provokes, since more than one pod or another moment is needed: who does."""

from __future__ import annotations

from collections.abc import Mapping

from launcher.core.catalogue import Code

__all__ = ["ELSEWHERE"]

# Code -> a test that provokes it on the cluster.
ELSEWHERE: Mapping[Code, str] = {
    Code.TERMINATED: "tests/cluster/test_jobs.py::test_terminate_in_every_state_from_many_threads",
}
