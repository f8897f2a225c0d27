"""A plan as text and JSON."""

from __future__ import annotations

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.plan.rows import Answer, Plan, Row, Stage, bad, unknown
from launcher.core.report.plan import as_json, as_rows, as_verdicts, sentence
from launcher.core.spec.site import PendingPolicy

PLAN = Plan(
    (
        Row(what="Pod p", answer=Answer.OK, detail="would be created"),
        unknown("fit", Stage.NODES, "no right to list nodes"),
        bad("Secret \x1b[1m", Code.MISSING_REF, Stage.START, "there is none\nat all"),
    ),
    WaitPolicy(),
)


def test_rows_and_what_stands_below():
    assert list(as_rows(PLAN)) == [
        (("CHECK", "ANSWER", "CODE", "CLOCK"), ()),
        (("Pod p", "ok", "", ""), ()),
        (("fit", "not asked", "", ""), ("no right to list nodes",)),
        (
            ("Secret \\x1b[1m", "fails", "MissingRef", "timeouts.config 60 s"),
            (
                "there is none\\nat all",
                "cure: create it in the job's namespace, or correct the reference",
            ),
        ),
    ]


def test_what_the_answers_come_to():
    assert sentence(PLAN) == (
        "MissingRef: launched now, the job ends with 101 unless that changes; 1 of 3 checks could not be made"
    )
    assert sentence(Plan(PLAN.rows[:1], WaitPolicy())) == "nothing was found that stops the job"


def test_json():
    shown = as_json(PLAN)
    assert (shown["returnCode"], shown["code"], shown["notAsked"]) == (101, "MissingRef", 1)
    assert shown["checks"][1] == {
        "check": "fit",
        "answer": "not asked",
        "code": None,
        "clock": "",
        "seconds": None,
        "detail": "no right to list nodes",
        "cure": "",
    }
    assert shown["checks"][2]["clock"] == "timeouts.config"
    assert "\x1b" not in str(shown)


def test_one_line_each():
    assert as_verdicts(PLAN).splitlines() == [
        "Pod p: ok would be created",
        "fit: not asked no right to list nodes",
        "Secret \\x1b[1m: fails MissingRef: there is none\\nat all",
    ]


def test_what_has_no_time_does_not_wait():
    full = bad("Pod p", Code.QUOTA_EXCEEDED, Stage.CREATION, "exceeded quota")
    for policy, answer in (({}, "waits"), ({"mode": PendingPolicy.STRICT}, "fails")):
        shown = as_json(Plan((full,), WaitPolicy(**policy)))
        assert shown["checks"][0]["answer"] == answer, shown


def test_what_helps_against_all_of_them_is_said_once():
    rights = (
        bad("rights", Code.FORBIDDEN, Stage.CREATION, f"no {verb} pods", cure="`fljob rbac` prints it")
        for verb in ("create", "patch")
    )
    missing = bad("Secret s", Code.MISSING_REF, Stage.START, "there is none")
    below = [text for _, said in as_rows(Plan((*rights, missing), WaitPolicy())) for text in said]
    cure = "cure: create it in the job's namespace, or correct the reference"
    assert below == ["no create pods", "cure: `fljob rbac` prints it", "no patch pods", "there is none", cure]
