"""Numbers in refusals of the API server: quotas that can never admit, limits that nobody wrote."""

from __future__ import annotations

import pytest

from launcher.core.admission import LimitRangeView, exceeded, name_limit_range, never_admitted
from launcher.errors import Reason, Rejected


@pytest.mark.parametrize(
    ("requested", "limited", "says"),
    [
        ("cpu=8", "cpu=4", "cpu: 8 asked, 4 is the most"),
        ("cpu=4", "cpu=4", ""),
        ("cpu=3", "cpu=4", ""),
        ("cpu=4500m", "cpu=4", "cpu: 4500m asked, 4 is the most"),
        ("cpu=500m", "cpu=1", ""),
        ("requests.memory=1Gi", "requests.memory=1G", "requests.memory: 1Gi asked, 1G is the most"),
        ("limits.memory=1G", "limits.memory=1Gi", ""),
        ("requests.memory=1e3", "requests.memory=1k", ""),
        ("requests.memory=1025", "requests.memory=1e3", "requests.memory: 1025 asked, 1e3 is the most"),
        (
            "requests.nvidia.com/gpu=1",
            "requests.nvidia.com/gpu=0",
            "requests.nvidia.com/gpu: 1 asked, 0 is the most",
        ),
        (
            "limits.cpu=2,requests.memory=3Gi",
            "limits.cpu=8,requests.memory=2Gi",
            "requests.memory: 3Gi asked, 2Gi is the most",
        ),
        (
            "cpu=9,memory=9Gi",
            "cpu=8,memory=8Gi",
            "cpu: 9 asked, 8 is the most; memory: 9Gi asked, 8Gi is the most",
        ),
        # closed to all jobs, and not too small for this one
        ("pods=1", "pods=0", ""),
        ("count/pods=1", "count/pods=0", ""),
        ("count/secrets=1,secrets=1", "count/secrets=0,secrets=0", ""),
        (
            "fast.storageclass.storage.k8s.io/persistentvolumeclaims=1",
            "fast.storageclass.storage.k8s.io/persistentvolumeclaims=0",
            "",
        ),
        # what cannot be read decides nothing
        ("cpu=eight", "cpu=4", ""),
        ("cpu=8", "memory=4", ""),
        ("", "", ""),
    ],
)
def test_what_a_quota_can_never_admit(requested, limited, says):
    assert never_admitted(requested, limited) == says


SAID = (
    'Pod "p1" is invalid: spec.containers[0].resources.requests: Invalid value: "1Gi": must be less than or equal to '
    "memory limit of 512Mi"
)
DEFAULTS = LimitRangeView("defaults", {"memory": "512Mi", "cpu": "500m"})


def above(said=SAID):
    return Rejected(said, cure="give it", reason=Reason.ABOVE_LIMIT_RANGE)


@pytest.mark.parametrize(
    ("said", "ranges", "names"),
    [
        (SAID, [DEFAULTS], "LimitRange 'defaults'"),
        (
            SAID,
            [LimitRangeView("z", {"memory": "0.5Gi"}), DEFAULTS],
            "LimitRange 'defaults' or LimitRange 'z'",
        ),
        (
            SAID.replace(
                "less than or equal to memory limit of 512Mi", "equal to hugepages-2Mi limit of 4Mi"
            ),
            [LimitRangeView("pages", {"hugepages-2Mi": "4Mi"})],
            "LimitRange 'pages'",
        ),
    ],
)
def test_limit_range_whose_default_the_job_asks_more_than_is_named(said, ranges, names):
    error = name_limit_range(above(said), {"ephemeral-storage": "1Gi"}, ranges)
    assert error.message == f"{said}; that limit is a default of {names}"
    assert (error.reason, error.cure) == (Reason.ABOVE_LIMIT_RANGE, "give it")


@pytest.mark.parametrize("ranges", [[], [LimitRangeView("other", {"memory": "1Gi", "cpu": "x"})]])
def test_no_limit_range_is_named_on_suspicion(ranges):
    error = above()
    assert name_limit_range(error, {}, ranges) is error


def test_limit_of_the_job_itself_is_blamed_on_no_limit_range():
    error = name_limit_range(above(), {"memory": "512Mi"}, [DEFAULTS])
    assert (error.reason, error.message) == (Reason.INVALID_SPEC, SAID)
    assert "which are the job's own" in error.cure


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (
            "exceeded quota: q, requested: pods=1,requests.nvidia.com/gpu=2, used: pods=0, limited: pods=0",
            ("pods", "requests.nvidia.com/gpu"),
        ),
        ('pods "p" is forbidden: exceeded quota: q, requested: cpu=8, used: cpu=0, limited: cpu=4', ("cpu",)),
        (
            "release fl/fj-1: quota 'q' is exhausted: requested: pods=1, used: pods=1, limited: pods=1",
            ("pods",),
        ),
        ("exceeded quota: q", ()),
        ("exceeded quota: q, requested: cpu=8", ()),
        ("", ()),
    ],
)
def test_what_a_quota_has_too_little_of(message, names):
    assert exceeded(message) == names
