"""The request by which a log is read."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({}, {}),
        ({"tail": 5, "limit_bytes": 1024}, {"tailLines": ["5"], "limitBytes": ["1024"]}),
        ({"tail": 0, "previous": True}, {"tailLines": ["0"], "previous": ["true"]}),
    ],
)
def test_log_request_options(server, pods, options, asked):
    lines = list(pods.logs("job-1", "fl", container="job", **options))
    assert len(lines) == 1
    (path,) = server.requests
    assert urlsplit(path).path == "/api/v1/namespaces/fl/pods/job-1/log"
    assert {"follow": ["false"], "previous": ["false"], "container": ["job"]} | asked == parse_qs(
        urlsplit(path).query
    )
