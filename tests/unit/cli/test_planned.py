"""The table of ``fljob plan``: in a pipe a line for each thing, on a terminal as wide as that."""

from __future__ import annotations

from launcher.cli.planned import plan_text
from tests.unit.core.report.test_plan import PLAN

WIDE = """\
CHECK           ANSWER     CODE        CLOCK
Pod p           ok
fit             not asked
    no right to list nodes
Secret \\x1b[1m  fails      MissingRef  timeouts.config 60 s
    there is none\\nat all
    cure: create it in the job's namespace, or correct the reference

MissingRef: launched now, the job ends with 101 unless that changes; 1 of 3 checks could not be made
"""
NARROW = """\
CHECK           ANSWER     CODE        CLOCK
Pod p           ok
fit             not asked
    no right to list nodes
Secret \\x1b[1m  fails      MissingRef
    timeouts.config 60 s
    there is none\\nat all
    cure: create it in the job's namespace,
        or correct the reference

MissingRef: launched now, the job ends with
    101 unless that changes; 1 of 3 checks
    could not be made
"""


def test_a_table_in_a_pipe():
    assert plan_text(PLAN, None) + "\n" == WIDE


def test_a_table_on_a_narrow_terminal():
    assert plan_text(PLAN, 44) + "\n" == NARROW
