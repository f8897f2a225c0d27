"""What Kubernetes takes as a name or a path, so that what it would refuse is refused where it was written."""

from __future__ import annotations

import re

__all__ = ["MOUNT_PATH_RULE", "is_dns_label", "is_dns_subdomain", "is_image_name", "is_mount_path"]

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_SUBDOMAIN_MAX = 253
_SPACE = re.compile(r"\s")
MOUNT_PATH_RULE = "must be an absolute path without ':'"


def is_dns_label(text: str) -> bool:
    """Tell whether ``text`` may be the name of a namespace (`RFC 1123 label`)."""
    return _LABEL.fullmatch(text) is not None


def is_dns_subdomain(text: str) -> bool:
    """Tell whether ``text`` may be the name of a Secret or a ServiceAccount (`RFC 1123 subdomain`).

    Labels with dots between them; only all of them together have a limit.
    """
    return len(text) <= _SUBDOMAIN_MAX and _SUBDOMAIN.fullmatch(text) is not None


def is_mount_path(text: str) -> bool:
    """Tell whether ``text`` may be a ``mountPath`` (`must not contain ':'`, says the API server)."""
    return text.startswith("/") and ":" not in text


def is_image_name(text: str) -> bool:
    """Tell whether ``text`` may name an image; one with a space is never pulled (`InvalidImageName`)."""
    return text != "" and _SPACE.search(text) is None
