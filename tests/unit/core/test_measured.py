"""What is counted of helm and of the API server: whatever comes, a word of a closed set."""

from __future__ import annotations

import pytest

from launcher.core.measured import ApiResult, ApiVerb, HelmVerb


@pytest.mark.parametrize(
    ("method", "target", "verb"),
    [
        ("GET", "/api/v1/namespaces/fl/pods", "get"),
        ("GET", "/api/v1/namespaces/fl/pods?limit=500&watch=true", "watch"),
        ("GET", "/api/v1/namespaces/watch=true/pods?limit=500", "get"),
        ("POST", "/x", "post"),
        ("patch", "/x", "patch"),
        ("BREW", "/x", "other"),
    ],
)
def test_a_verb_is_the_method_and_a_get_that_lasts_a_watch(method, target, verb):
    assert ApiVerb.of(method, target).value == verb


@pytest.mark.parametrize(
    ("status", "result"),
    [
        *((None, "no_answer"), (0, "no_answer"), (101, "no_answer"), (200, "ok"), (201, "ok"), (302, "refused")),
        *((401, "denied"), (403, "denied"), (404, "not_found"), (409, "conflict"), (410, "gone")),
        *((422, "refused"), (429, "throttled"), (500, "server_error"), (503, "server_error"), (999, "server_error")),
    ],
)  # fmt: skip
def test_every_status_has_a_result(status, result):
    assert ApiResult.of(status).value == result


def test_a_word_that_is_no_verb_of_helm_is_another():
    assert [HelmVerb.of(word).value for word in ("install", "get", "rollback", "")] == [
        *("install", "get", "other", "other")
    ]
