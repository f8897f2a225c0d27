"""What two jobs of the same id differ in, by key path and never by value."""

from __future__ import annotations

import pytest

from launcher.core.names import ANNOTATION_RETENTION, LABEL_ATTEMPT
from launcher.core.values.difference import difference

CANARY = "canary-4711"


@pytest.mark.parametrize(
    ("there", "wanted", "paths"),
    [
        ({"a": 1}, {"a": 1}, ()),
        ({"a": 1}, {"a": 1.0}, ()),
        ({"a": (1, 2)}, {"a": [1, 2]}, ()),
        ({"image": {"reference": "a"}}, {"image": {"reference": "b"}}, ("image.reference",)),
        ({}, {"resources": {"cpu": "1"}}, ("resources",)),
        ({"args": ["x"]}, {"args": ["y"]}, ("args",)),
        (
            {"env": [{"name": "A", "value": CANARY}, {"name": "B", "value": "1"}]},
            {
                "env": [
                    {"name": "B", "value": "1"},
                    {"name": "A", "value": "2"},
                    {"name": "C", "value": CANARY},
                ]
            },
            ("env[A].value", "env[C]"),
        ),
        (
            {"pod": {"annotations": {"x.y/z": "1"}}},
            {"pod": {"annotations": {"x.y/z": "2"}}},
            ('pod.annotations["x.y/z"]',),
        ),
        (
            {"labels": {LABEL_ATTEMPT: "1"}, "pod": {"annotations": {ANNOTATION_RETENTION: "keep=1"}}},
            {"labels": {LABEL_ATTEMPT: "3"}, "pod": {"annotations": {}}},
            (),
        ),
        ({"a": {"b": 1}}, {"a": None}, ("a",)),
    ],
)
def test_the_paths_that_differ(there, wanted, paths):
    assert difference(there, wanted) == paths
    assert difference(wanted, there) == paths
    assert CANARY not in str(paths)
