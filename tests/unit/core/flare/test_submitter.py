"""Who submitted a job: text of others, and gone where a site does not want it."""

from __future__ import annotations

import pytest

from launcher.core.flare.submitter import (
    NOBODY,
    Submitter,
    anonymous,
    submitter_in,
    submitter_line,
    submitter_of,
)


@pytest.mark.parametrize(
    ("meta", "found"),
    [
        ({}, NOBODY),
        (
            {"submitter_name": "ada@example.com", "submitter_org": "hôpital", "submitter_role": "lead"},
            Submitter("ada@example.com", "hôpital", "lead"),
        ),
        ({"submitter_name": None, "submitter_org": 7, "submitter_role": ["lead"]}, NOBODY),
        ({"submitter_name": "\x1b[2Jada\nforged"}, Submitter("\\x1b[2Jada\\nforged")),
    ],
)
def test_submitter_of(meta, found):
    assert submitter_of(meta) == found


def test_a_name_is_not_longer_than_a_line_can_hold():
    assert len(submitter_of({"submitter_name": "x" * 10_000}).name) <= 200


def test_anonymous():
    assert anonymous(
        {"name": "job", "submitter_name": "ada", "submitter_org": "x", "submitter_role": "lead"}
    ) == {"name": "job"}


ADA, BOB = Submitter("ada@example.com", "hôpital", "lead"), Submitter("bob")


def test_the_last_line_about_a_job_says_who_submitted_it():
    text = submitter_line("a", BOB) + submitter_line("b", BOB) + submitter_line("a", ADA)
    assert (submitter_in(text, "a"), submitter_in(text, "b"), submitter_in(text, "c")) == (ADA, BOB, None)


@pytest.mark.parametrize(
    "forged",
    ['{"job": "a"}', '"a"', "a", '{"job": "a", "name": 7, "org": "", "role": ""}', "[" * 100_000 + '"a"', ""],
)
def test_a_line_that_somebody_has_written_by_hand_is_passed_over(forged):
    assert submitter_in(submitter_line("a", ADA) + forged + "\n", "a") == ADA


def test_a_line_that_is_being_written_is_not_read():
    assert submitter_in(submitter_line("a", ADA).rstrip("\n"), "a") is None


def test_a_name_that_would_paint_over_a_terminal_is_escaped():
    assert submitter_in(submitter_line("a", Submitter("\x1b[2Jada")), "a") == Submitter("\\x1b[2Jada")
