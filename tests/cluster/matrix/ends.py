"""Rows of jobs that ran and ended."""

from __future__ import annotations

from launcher.core.catalogue import Code
from tests.cluster.matrix.row import Row

__all__ = ["ENDS"]

ENDS: tuple[Row, ...] = (
    Row(name="exit-0", how="true", code=Code.SUCCESS, return_code=0, exit_code=0),
    Row(name="exit-7", how="exit 7", command="exit 7", code=Code.APP_ERROR, return_code=9, exit_code=7),
    Row(
        name="deadline",
        how="activeDeadlineSeconds: 2",
        command="sleep 60",
        values="pod: {spec: {activeDeadlineSeconds: 2}}",
        code=Code.DEADLINE_EXCEEDED,
        return_code=104,
    ),
)
