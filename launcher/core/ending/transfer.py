"""Files of a job that did not reach their parent, as the job process says itself, in FLARE's words.

FLARE's job process fetches its files from its parent when it starts and delivers its results when it ends.
What goes wrong with either is an exception, exit code 101, and the files go with the pod. Only its log says
so. That is text of a job: it makes the sentence and the cure better, and never changes the code of an end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from launcher.core import foreign
from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.ending.job_end import ended
from launcher.core.ending.outcome import Outcome
from launcher.core.views import PodView

__all__ = ["LOG_BYTES", "LOG_LINES", "explained", "log_may_tell"]

# Behind the words come a traceback and FLARE's farewells, forty lines in all.
LOG_LINES, LOG_BYTES = 200, 256 * 1024
_LONGEST = 200  # characters of FLARE's words that are repeated
# All of nvflare/app_opt/job_launcher/workspace_cell_transfer.py (2.9.0), by line:
# 633 'workspace transfer bootstrap cell failed to connect to parent site-1 within 30.0 seconds'
# 757 'results upload failed for JOB: rc=comm_error err=No callback is registered ...'
# 649 'workspace download preparation failed for JOB: timeout'
# 679 'failed to download workspace for JOB: ...', 681 'workspace bundle checksum mismatch for JOB'
# 777 'failed to upload job results for JOB while handling another error: RuntimeError: ...'
_AWAY = re.compile(r"workspace transfer bootstrap cell failed to connect to parent \S{1,300} within ")
_UPLOAD = re.compile(r"results upload failed for \S{1,100}: rc=(?P<rc>[a-z_]{1,40})")
_DOWNLOAD = re.compile(
    r"workspace download preparation failed for \S{1,100}: (?P<rc>[a-z_]{1,40})"
    r"|failed to download workspace for |workspace bundle checksum mismatch for "
)
# The delivery has begun: 709 '[ws-transfer] upload_results start job=JOB ...', or a frame of its traceback.
_DELIVERS = re.compile(
    r"\[ws-transfer\] upload_results start |, in upload_results\b|failed to upload job results"
)
_CUT_SHORT = "timeout"  # nvflare/fuel/f3/cellnet/defs.py: no answer came

_DELIVERED, _FETCHED = "its results could not be delivered", "its files could not be fetched"
_WHEN = "restart parents neither in the last minute of a job nor while its pod starts"
_IMAGE = "have the parent's image on its node, so that it is back within 20 s"
_CURES: Mapping[str, str] = {
    "away": f"submit the job again; {_WHEN}, and {_IMAGE}",
    "cut": f"submit the job again; {_WHEN}: a transfer that is cut is not taken up again",
    "refused": "submit the job again; the parent's log says why: after a restart, in a line `not taken over`",
}


def log_may_tell(pod: PodView | None) -> bool:
    """Return whether the job process ended with FLARE's 101, of which its log may know more."""
    if pod is None or pod.main is None or pod.main.exit_code != ReturnCode.EXECUTION_EXCEPTION:
        return False
    outcome = ended(pod)
    return outcome is not None and _is_unexplained(outcome)


def _is_unexplained(outcome: Outcome) -> bool:
    return outcome.code is Code.APP_CODE and outcome.exit_code == ReturnCode.EXECUTION_EXCEPTION


def explained(outcome: Outcome, log: Iterable[str]) -> Outcome:
    """Return the outcome with what the job's log says of files that did not arrive; nothing else changes.

    Args:
        outcome: how the job ended.
        log: its last lines.
    """
    if not _is_unexplained(outcome):
        return outcome
    delivers, found = False, ("", "", "")
    for line in log:
        delivers = delivers or _DELIVERS.search(line) is not None
        found = _read(line, delivers=delivers) or found
    sentence, kind, words = found
    if not sentence:
        return outcome
    detail = f"{outcome.detail}; {sentence}. Its log: {foreign.said(words, _LONGEST)}"
    return replace(outcome, detail=detail, cure=_CURES[kind])


def _read(line: str, *, delivers: bool) -> tuple[str, str, str] | None:
    """Return what a line says: a sentence, the kind of cure, and FLARE's words."""
    if away := _AWAY.search(line):
        what = _DELIVERED if delivers else _FETCHED
        return f"{what}: its parent was away for longer than it waits", "away", line[away.start() :]
    if (cut := _UPLOAD.search(line)) or (cut := _DOWNLOAD.search(line)):
        what = _DELIVERED if cut.re is _UPLOAD else _FETCHED
        words = line[cut.start() :]
        if cut["rc"] == _CUT_SHORT:
            return f"{what}: its parent went away in the middle, or did not answer", "cut", words
        return f"{what}: its parent refused them, or they came incomplete", "refused", words
    return None
