"""What the launcher makes of everything that Kubernetes 1.34 to 1.37 can say about a pod; `-s` shows the table."""

from __future__ import annotations

import re
import sys
from collections import Counter

import pytest

from launcher.core.catalogue import Code, Limit
from tests.kubernetes_messages import FILE, FOREIGN_TAINT, KINDS, arrivals, filled, messages, releases, told

MESSAGES = messages()
VERSIONS = tuple(releases())
# What ends a job at first sight: reason of a waiting container -> why -> beginnings of its messages.
AT_ONCE = {
    "ErrImageNeverPull": {"the pull policy of the job forbids what would heal it": ("",)},
    "InvalidImageName": {"no registry can be asked for it": ("",)},
    "SignatureValidationFailed": {"the node's policy looked at the image and refused it": ("",)},
    "PostStartHookError": {"the hook ran and failed": ("",)},
    "CreateContainerError": {"the runtime cannot mount read-only as the pod asks": ("RROUnsupported",)},
    "CreateContainerConfigError": {
        "the image or the pod runs as root, and the pod forbids it": (
            "container has runAsNonRoot",
            "container's runAsUser breaks non-root policy",
        ),
        "a name or path in the pod is not valid": (
            "hostname for pod",
            "pod Hostname",
            "pod HostnameOverride",
            "pod Subdomain",
            "error DevicePath",
            "error SubPath",
            "unable to provision SubPath",
        ),
        "an environment variable of the pod cannot be made": (
            "couldn't parse env file",
            "environment variable key %q exceeds",
            "environment variable value for key %q exceeds",
            "invalid environment variable format",
            "invalid key subscript",
            "fieldPath %q does not support subscript",
            "unsupported fieldPath",
            "unsupported container resource",
            "container %s not found",
        ),
        "the pod asks for a mount that this mode does not allow": (
            "invalid MountPropagation mode",
            "recursive read-only mount needs",
            "unknown recursive read-only mode",
            "volume %q requested recursive read-only mode",
        ),
        "a security setting of the pod is not complete": (
            "localhostProfile must be set",
            "missing localhost apparmor profile name",
            "unknown apparmor profile type",
            "unsupported supplementalGroupsPolicy",
        ),
        "the pod asks for more than the node is made of": ("container request %d is larger",),
    },
}
# Who may be told that the job is at fault, now or when a clock has run out.
BLAMED = {
    "scheduler clause": {
        Code.FEATURE_MISSING,
        Code.NO_MATCHING_NODE,
        Code.RESOURCE_CLAIM_MISSING,
        Code.TAINT_NOT_TOLERATED,
        Code.VOLUME_ZONE_CONFLICT,
    },
    "event": {Code.SANDBOX_CONFIG},
    "condition": set(),
    "pod status": {Code.STORAGE_LIMIT},
    "waiting reason": {
        Code.IMAGE_NAME_INVALID,
        Code.IMAGE_NEVER_PULL,
        Code.IMAGE_SIGNATURE,
        Code.POST_START_HOOK,
    },
    "terminated reason": set(),
    "admission": {Code.NODE_REJECTED},
    "error": {Code.CONTAINER_CONFIG, Code.MISSING_REF, Code.SANDBOX_CONFIG, Code.VOLUME_CONFIG},
}
# The clauses of the scheduler that blame the job, beside a taint of other nodes -> code. The excluded nodes of
# plugin NodeAffinity were left out before any taint was looked at, so there the taint is told.
BLAMING_CLAUSES = {
    "Pod has a restartable init container and the SidecarContainers feature is disabled": Code.FEATURE_MISSING,
    "node declared features check failed - unsatisfied requirements: %s": Code.FEATURE_MISSING,
    "node(s) didn't match PersistentVolume's node affinity": Code.VOLUME_ZONE_CONFLICT,
    "node(s) didn't match Pod's node affinity/selector": Code.NO_MATCHING_NODE,
    "node(s) didn't match Pod's required features": Code.FEATURE_MISSING,
    "node(s) didn't match the requested node name": Code.NO_MATCHING_NODE,
    "node(s) didn't satisfy plugin %v": Code.TAINT_NOT_TOLERATED,
    "node(s) didn't satisfy plugin(s) %v": Code.TAINT_NOT_TOLERATED,
    "node(s) had no available volume zone": Code.VOLUME_ZONE_CONFLICT,
    "node(s) had taints that the pod didn't tolerate": Code.TAINT_NOT_TOLERATED,
    "pod affinity terms conflict": Code.NO_MATCHING_NODE,
    "request %s: device class %s does not exist": Code.RESOURCE_CLAIM_MISSING,
    "resource claim %s allocation requires DRAOptionalNodeOperations feature on the node": Code.FEATURE_MISSING,
    "resource claim %s, request %s: has subrequests, but the DRAPrioritizedList feature is disabled": Code.FEATURE_MISSING,
}
# The job goes on: the kubelet starts its containers again.
GOES_ON = {"RestartingAllContainers"}
# Messages of which the launcher says that it does not know them, by release: with another release look at
# what is new. They wait as long as what heals, and end as the infrastructure's.
UNKNOWN = {"1.34": 12, "1.35": 13, "1.36": 17, "1.37": 23}


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


def verdicts(*kinds):
    """Yield every message with each of its arrivals and what is told about it."""
    for message in MESSAGES:
        for arrival in arrivals(message) if not kinds or message.kind in kinds else ():
            yield message, arrival, told(arrival)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_message_has_a_verdict(kind):
    for message, arrival, verdict in verdicts(kind):
        if verdict is None:
            assert message.reason in GOES_ON, (message, arrival)
            continue
        clock = "end" if verdict.limit is None else verdict.limit.value
        sys.stdout.write(
            f"{message.kind} | {message.reason} | {message.message} | {arrival.how} | "
            f"{verdict.code.value} | {clock} | {int(verdict.return_code)} | {' '.join(message.versions)}\n"
        )


def test_what_ends_a_job_at_once_has_a_reason():
    ends = {
        (message.reason, message.message)
        for message, _, verdict in verdicts()
        if verdict is not None and verdict.limit is Limit.NOW
    }
    expected = {
        (message.reason, message.message)
        for message in MESSAGES
        if message.kind in ("waiting reason", "error")
        for beginnings in AT_ONCE.get(message.reason, {}).values()
        if message.message.startswith(beginnings)
    }
    assert ends == expected
    used = {
        (reason, beginning)
        for reason, table in AT_ONCE.items()
        for beginnings in table.values()
        for beginning in beginnings
        if any(m.reason == reason and m.message.startswith(beginning) for m in MESSAGES)
    }
    assert len(used) == sum(len(b) for table in AT_ONCE.values() for b in table.values())


def test_nothing_that_the_scheduler_says_ends_a_job_at_once():
    for message, arrival, verdict in verdicts("scheduler clause"):
        assert verdict is not None
        assert verdict.limit is not Limit.NOW, (message, arrival)


def test_no_kind_of_message_blames_the_job_by_accident():
    blamed = {kind: set() for kind in KINDS}
    for message, _, verdict in verdicts():
        if verdict is not None and verdict.blames_the_job:
            blamed[message.kind].add(verdict.code)
    assert blamed == BLAMED


def test_scheduler_clause_beside_a_foreign_taint_blames_the_job_only_by_its_own_row():
    blaming = {}
    for message, arrival, verdict in verdicts("scheduler clause"):
        if arrival.how == FOREIGN_TAINT and verdict.blames_the_job:
            blaming[message.message] = verdict.code
    assert blaming == BLAMING_CLAUSES


def test_every_rejection_and_disruption_is_named():
    unnamed = {Code.POD_FAILED, Code.DELETED_EXTERNALLY}
    for message, arrival, verdict in verdicts("admission", "pod status", "condition"):
        assert verdict.code not in unnamed, (message, arrival)


def test_a_word_inside_an_error_ends_no_job():
    for message, arrival, verdict in verdicts("error"):
        if message.reason == "CreateContainerConfigError" and verdict.code is Code.MISSING_REF:
            assert re.search("(?i)secret|config|environment variable", message.message), (message, arrival)


def test_number_of_unknown_messages():
    unknown = dict.fromkeys(VERSIONS, 0)
    for message in MESSAGES:
        found = {verdict.code for arrival in arrivals(message) if (verdict := told(arrival)) is not None}
        if found & {Code.UNSCHEDULABLE, Code.UNCLASSIFIED}:
            for version in message.versions:
                unknown[version] += 1
    assert unknown == UNKNOWN
