"""Who submitted a job: text of others, and gone where a site does not want it."""

from __future__ import annotations

import pytest

from launcher.core.flare.submitter import NOBODY, Submitter, anonymous, submitter_of


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
