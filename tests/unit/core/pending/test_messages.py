"""What the launcher makes of everything that Kubernetes 1.34 to 1.37 can say about a pod; `-s` shows the table."""

from __future__ import annotations

import re
import sys
from collections import Counter

import pytest

from launcher.core.catalogue import Limit
from tests.kubernetes_messages import FILE, KINDS, arrivals, filled, messages, releases, told

MESSAGES = messages()
VERSIONS = tuple(releases())
# Reason of a waiting container -> why it ends the job at first sight.
AT_ONCE = {
    "ErrImageNeverPull": "the pull policy of the job forbids what would heal it",
    "InvalidImageName": "no registry can be asked for it",
    "SignatureValidationFailed": "the node's policy looked at the image and refused it",
    "PostStartHookError": "the hook ran and failed",
    "CreateContainerConfigError": "the configuration is not valid, whatever the node does",
}


def test_file_says_whose_words_it_holds_and_is_small():
    text = FILE.read_text()
    assert "Kubernetes Authors" in text[:500]
    assert "Apache License 2.0" in text[:500]
    assert len(text) < 300_000


def test_file_is_sorted_and_says_nothing_twice():
    places = [(m.component, m.file) for m in MESSAGES]
    assert places == sorted(places)
    entries = [(m.kind, m.component, m.reason, m.message, m.about, m.type) for m in MESSAGES]
    assert [entry for entry, count in Counter(entries).items() if count > 1] == []


def test_every_release_says_something_of_every_kind():
    assert VERSIONS == ("1.34", "1.35", "1.36", "1.37")
    for version in VERSIONS:
        assert {m.kind for m in MESSAGES if version in m.versions} == KINDS


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_entry_is_well_formed(kind):
    for message in (m for m in MESSAGES if m.kind == kind):
        assert message.versions, message
        assert set(message.versions) <= set(VERSIONS), message
        assert message.file.endswith(".go"), message
        assert message.component.startswith("kube"), message
        assert message.reason or message.message, message
        assert re.fullmatch(r"[A-Za-z%/-]*", message.reason), message
        if kind == "event":
            assert message.type in {"Normal", "Warning"}, message
        for text in (message.reason, message.message):
            assert not re.search(r"%[-+#]*[a-z]", filled(text)), message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Insufficient %v", "Insufficient nvidia.com/gpu"),
        ('volume %q, %d pods, "%s"', 'volume "data", 3 pods, "data"'),
        ("100%% of %+v", "100% of data"),
    ],
)
def test_verbs_are_filled(text, expected):
    assert filled(text) == expected


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_message_has_a_verdict(kind):
    for message in (m for m in MESSAGES if m.kind == kind):
        for arrival in arrivals(message):
            verdict = told(arrival)
            assert verdict is not None, (message, arrival)
            clock = "end" if verdict.limit is None else verdict.limit.value
            sys.stdout.write(
                f"{message.kind} | {message.reason} | {message.message} | {arrival.how} | "
                f"{verdict.code.value} | {clock} | {int(verdict.return_code)} | {' '.join(message.versions)}\n"
            )


def test_what_ends_a_job_at_once_has_a_reason():
    ends = {
        message.reason
        for message in MESSAGES
        for arrival in arrivals(message)
        if (verdict := told(arrival)) is not None and verdict.limit is Limit.NOW
    }
    assert ends == AT_ONCE.keys()


def test_what_the_scheduler_says_ends_no_job_at_once():
    for message in (m for m in MESSAGES if m.kind == "scheduler clause"):
        for arrival in arrivals(message):
            verdict = told(arrival)
            assert verdict is not None
            assert verdict.limit is not Limit.NOW, (message, arrival)
