"""Exit codes of errors. The end of a job exits with FLARE's return code instead."""

from __future__ import annotations

from launcher import errors

__all__ = ["DEFECT", "EPILOG", "EXIT_CODES", "PART", "exit_code_of"]

# EX_SOFTWARE of sysexits.h: 1 is an answer of `diff` and of `doctor`.
DEFECT = 70
# None of them is one of FLARE's return codes (0, 9, 101-104, 127).
EXIT_CODES: tuple[tuple[type[errors.LauncherError], int], ...] = (
    (errors.InvalidInput, 2),
    (errors.NotFound, 3),
    (errors.Conflict, 4),
    (errors.Unavailable, 5),
    (errors.Denied, 6),
    (errors.Rejected, 7),
    (errors.ToolMissing, 8),
    (errors.Cancelled, 130),
)
# Of a list without what there is no right to see: kubectl ends so, too, with what it got.
PART = dict(EXIT_CODES)[errors.Denied]

EPILOG = """
Exit codes: 0 success; of a job: 9 failed or terminated, 101-103 its own fault, 104 infrastructure;
of fljob: 1 a check of doctor failed or diff found a difference, 2 input, 3 not found, 4 conflict,
5 unavailable, 6 denied, 7 rejected, 8 helm missing, 10 timeout of wait, 70 a defect of fljob,
130 interrupted, 129 SIGHUP and 143 SIGTERM while waiting.
"""


def exit_code_of(error: errors.LauncherError) -> int:
    """Return the exit code of an error, for a LaunchFailed that of its cause."""
    failure = error.because if isinstance(error, errors.LaunchFailed) else error
    return next((code for kind, code in EXIT_CODES if isinstance(failure, kind)), 1)
