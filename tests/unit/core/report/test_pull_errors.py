"""Pull errors that name their image once."""

from __future__ import annotations

import pytest

from launcher.core.report.pull_errors import named_once

CHAIN = (
    'rpc error: code = NotFound desc = failed to pull and unpack image "r:5000/x:1": '
    'failed to resolve reference "r:5000/x:1": r:5000/x:1: not found'
)
TOKEN = (
    "failed to authorize: failed to fetch anonymous token: "
    "unexpected status from GET request to https://r/token: 401"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            f'container c: ImagePullBackOff: Back-off pulling image "r:5000/x:1": ErrImagePull: {CHAIN}',
            'container c: ImagePullBackOff: Back-off pulling image "r:5000/x:1": ErrImagePull: not found',
        ),
        (f'Failed to pull image "r:5000/x:1": {CHAIN}', 'Failed to pull image "r:5000/x:1": not found'),
        # What says more than the image stays.
        (
            f'failed to pull and unpack image "r/x:1": failed to resolve reference "r/x:1": {TOKEN}',
            f'failed to pull and unpack image "r/x:1": {TOKEN}',
        ),
        ('Back-off pulling image "r/x:1"', 'Back-off pulling image "r/x:1"'),
        ('Back-off pulling image "r/x:1": r/x:1', 'Back-off pulling image "r/x:1": r/x:1'),
        ("container c: OOMKilled: r/x:1: r/x:1", "container c: OOMKilled: r/x:1: r/x:1"),
        ("", ""),
    ],
)
def test_an_image_is_named_once(text, shown):
    assert named_once(text) == shown
    assert named_once(shown) == shown
