"""The digest of the image that a container ran, from ``imageID`` of its status.

It has one of the forms of the runtimes: ``registry/name@sha256:...`` (containerd, CRI-O), the same behind
``docker-pullable://`` (cri-dockerd), and ``sha256:...`` alone, where the image came from no registry or
nobody knows from which: ``kind load``, ``ctr images import``. It is empty until the container was started.
"""

from __future__ import annotations

import re

__all__ = ["CONFIG", "MANIFEST", "digest_of", "is_digest"]

# What a digest is of: what a registry has under it (a manifest or an index), and what `image@digest` pulls;
# or the configuration inside the image, which no registry can be asked for.
MANIFEST, CONFIG = "manifest", "config"
_DIGEST = r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"
_IS_DIGEST = re.compile(_DIGEST)
_IMAGE_ID = re.compile(rf"(?:[a-z-]{{1,30}}://)?(?P<name>[^@\s]{{1,500}}@)?(?P<digest>{_DIGEST})")


def digest_of(image_id: str) -> tuple[str, str]:
    """Return the digest, and what it is of: :data:`MANIFEST` or :data:`CONFIG`; both empty for none."""
    found = _IMAGE_ID.fullmatch(image_id)
    if found is None:
        return "", ""
    return found["digest"], MANIFEST if found["name"] else CONFIG


def is_digest(text: str) -> bool:
    """Return whether ``text`` is a digest, of those that runtimes write."""
    return _IS_DIGEST.fullmatch(text) is not None
