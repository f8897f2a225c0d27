"""Names and paths that the API server accepts, checked early so that an error names the file and key."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = [
    "MOUNT_PATH_RULE",
    "few_resources",
    "is_dns_label",
    "is_dns_subdomain",
    "is_image_name",
    "is_mount_path",
    "is_resource",
]

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_SUBDOMAIN_MAX = 253
# No registry has an image with controls in its name, and no encoding writes a lone surrogate.
_NOT_IN_IMAGES = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# A qualified name, which a quota puts a word before: "cpu", "nvidia.com/gpu", "requests.nvidia.com/gpu".
_RESOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,62})?")
_LONGEST_RESOURCE, _LONGEST_TOGETHER = 63, 80
_MOST_RESOURCES = 3
MOUNT_PATH_RULE = "must be an absolute path without ':'"


def is_dns_label(text: str) -> bool:
    """Return whether ``text`` is a valid name of a namespace (RFC 1123 label)."""
    return _LABEL.fullmatch(text) is not None


def is_dns_subdomain(text: str) -> bool:
    """Return whether ``text`` is a valid name of a Secret or a ServiceAccount (RFC 1123 subdomain).

    The API server limits the whole to 253 characters and the labels between its dots not at all.
    """
    return len(text) <= _SUBDOMAIN_MAX and _SUBDOMAIN.fullmatch(text) is not None


def is_mount_path(text: str) -> bool:
    """Return whether ``text`` is a valid ``mountPath`` (API server: "must not contain ':'")."""
    return text.startswith("/") and ":" not in text


def is_image_name(text: str) -> bool:
    """Return whether ``text`` may name an image; one with a space is never pulled (InvalidImageName)."""
    return text != "" and _NOT_IN_IMAGES.search(text) is None


def is_resource(text: str) -> bool:
    """Return whether ``text`` may name a resource, of those that are not longer than anybody has made one."""
    return len(text) <= _LONGEST_RESOURCE and _RESOURCE.fullmatch(text) is not None


def few_resources(found: Iterable[str]) -> tuple[str, ...]:
    """Return the first few of these that may name a resource, each once, sorted: short enough for a name."""
    few = sorted(set(filter(is_resource, found)))[:_MOST_RESOURCES]
    while len(",".join(few)) > _LONGEST_TOGETHER:
        few.pop()
    return tuple(few)
