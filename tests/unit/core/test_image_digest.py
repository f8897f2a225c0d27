"""Which image a container ran: the forms of each runtime, and nothing else."""

from __future__ import annotations

import pytest

from launcher.core.image_digest import CONFIG, MANIFEST, digest_of, is_digest

DIGEST = f"sha256:{'0a' * 32}"


@pytest.mark.parametrize(
    ("image_id", "found"),
    [
        (f"registry.example.com/team/x@{DIGEST}", (DIGEST, MANIFEST)),
        (f"docker-pullable://x@{DIGEST}", (DIGEST, MANIFEST)),
        (f"registry.example.com:5000/x:1.2@{DIGEST}", (DIGEST, MANIFEST)),
        (f"docker.io/library/import-2026-11-29@{DIGEST}", (DIGEST, MANIFEST)),
        (f"x@sha512:{'0a' * 64}", (f"sha512:{'0a' * 64}", MANIFEST)),
        (DIGEST, (DIGEST, CONFIG)),
        (f"docker://{DIGEST}", (DIGEST, CONFIG)),
        ("", ("", "")),
        ("x:latest", ("", "")),
        (f"x@{DIGEST[:-1]}", ("", "")),
        (f"x@{DIGEST}0", ("", "")),
        (f"x@{DIGEST.upper()}", ("", "")),
        (f"x@{DIGEST}\n", ("", "")),
        (f"a b@{DIGEST}", ("", "")),
        (f"{'x' * 9000}@{DIGEST}", ("", "")),
        (f"x@md5:{'0a' * 16}", ("", "")),
    ],
)
def test_digest_of(image_id, found):
    assert digest_of(image_id) == found
    assert is_digest(found[0]) is (found[0] != "")
