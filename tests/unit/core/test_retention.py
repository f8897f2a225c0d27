"""What a pod says of its retention, and what anybody may have written there."""

from __future__ import annotations

import math

import pytest

from launcher.core.moments import LONGEST_SECONDS
from launcher.core.names import ANNOTATION_RETENTION
from launcher.core.retention import NOTHING_SAID, Kept, kept_from_text, kept_of


@pytest.mark.parametrize(
    ("kept", "text"),
    [
        (NOTHING_SAID, ""),
        (Kept(succeeded=0), "succeeded=0"),
        (Kept(succeeded=0.5, failed=86400, keep=20), "succeeded=0.5 failed=86400 keep=20"),
        (Kept(failed=LONGEST_SECONDS), f"failed={LONGEST_SECONDS:.12g}"),
        (Kept(keep=0, of_study=True), "keep=0 of=study"),
    ],
)
def test_the_text_on_a_pod_is_read_as_it_was_meant(kept, text):
    assert kept.text == text
    assert kept_from_text(text) == kept
    assert kept_of({ANNOTATION_RETENTION: text}) == kept


@pytest.mark.parametrize(
    "text",
    [
        "failed=-1",
        "failed=1e9",
        "failed=٣",
        "keep=\uff13",
        "failed",
        "failed=",
        "kept=1",
        "failed=1;keep=2",
        "failed=" + "9" * 20,
        "1" * 100_000,
    ],
)
def test_what_cannot_be_read_says_nothing(text):
    assert kept_from_text(text) == NOTHING_SAID


def test_no_time_is_longer_than_one_whose_end_has_a_date():
    assert kept_from_text("failed=999999999999") == Kept(failed=LONGEST_SECONDS)


@pytest.mark.parametrize(
    ("kept", "succeeded", "failed"),
    [
        (NOTHING_SAID, None, None),
        (Kept(failed=60), None, 60),
        (Kept(succeeded=0, failed=60, keep=3), 0, 60),
        (Kept(failed=60, keep=0), 0, 0),
        (Kept(failed=60, keep=3), None, 60),
        (Kept(keep=3), math.inf, math.inf),
    ],
)
def test_how_long_an_outcome_is_kept(kept, succeeded, failed):
    assert (kept.seconds(succeeded=True), kept.seconds(succeeded=False)) == (succeeded, failed)
