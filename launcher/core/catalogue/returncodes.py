"""Return codes that FLARE's parent process understands (``nvflare.apis`` and ``fuel.f3`` of 2.9.0)."""

from __future__ import annotations

import enum

__all__ = ["PASS_THROUGH", "ReturnCode"]


class ReturnCode(enum.IntEnum):
    """What ``poll()`` returns to FLARE; a contract test compares the numbers with the installed FLARE."""

    OK = 0
    ABORTED = 9  # FLARE's server ends the whole run on 9
    EXECUTION_EXCEPTION = 101
    UNSAFE_COMPONENT = 102
    CONFIG_ERROR = 103
    INFRASTRUCTURE_ERROR = 104  # FLARE shows FINISHED:ABNORMAL
    UNKNOWN = 127  # not terminal: the server ignores it


# Exit codes of a job process that are passed on as they are.
PASS_THROUGH = frozenset(
    {
        ReturnCode.EXECUTION_EXCEPTION,
        ReturnCode.UNSAFE_COMPONENT,
        ReturnCode.CONFIG_ERROR,
        ReturnCode.INFRASTRUCTURE_ERROR,
    }
)
