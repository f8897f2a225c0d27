"""The manifest of a chart in a registry: it leads from the digest in the settings to the archive.

The digest names the manifest, the manifest names the archive. Who has the digest from a place that was
reviewed, such as Git, needs to believe neither the registry nor the disk. The forms are those of
https://github.com/opencontainers/image-spec (manifest) and https://helm.sh/docs/topics/registries/.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launcher.core.foreign import quoted
from launcher.errors import Reason

__all__ = [
    "LARGEST_ARCHIVE",
    "LARGEST_MANIFEST",
    "Archive",
    "ChainBroken",
    "archive_of",
    "refuse_other_bytes",
]

# Bytes: what a registry has to accept of a manifest; many times what Helm can keep of a chart in a Secret.
LARGEST_MANIFEST, LARGEST_ARCHIVE = 4 * 1024 * 1024, 32 * 1024 * 1024
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


class ChainBroken(Exception):
    """The bytes are not those of the digest, or not of a chart.

    Attributes:
        reason: which of both.
    """

    def __init__(self, reason: Reason, why: str) -> None:
        super().__init__(why)
        self.reason = reason


@dataclass(frozen=True)
class Archive:
    """The archive that a manifest names.

    Attributes:
        digest: of its bytes, ``sha256:`` and 64 hexadecimal digits.
        size: their number.
    """

    digest: str
    size: int


def archive_of(manifest: bytes, digest: str) -> Archive:
    """Return the archive that the manifest of a chart names.

    An index of several manifests is refused: which of them is taken would be for a client to say, and the
    digest in Git is to name one chart.

    Args:
        manifest: its bytes, whoever they are from.
        digest: what they must have, ``sha256:`` and 64 hexadecimal digits.

    Raises:
        ChainBroken: they have another one, or it is the manifest of no chart, or of one that is too large.
    """
    refuse_other_bytes("the manifest", manifest, digest)
    try:
        found = json.loads(manifest)
    except (ValueError, RecursionError) as error:
        raise _no_chart("its manifest is no JSON") from error
    if not isinstance(found, Mapping):
        raise _no_chart("its manifest is no JSON object")
    if "manifests" in found:
        raise _no_chart("the digest is that of an index of manifests, and not of one chart")
    kind = found.get("mediaType", _MANIFEST)
    if kind != _MANIFEST:
        raise _no_chart(f"its manifest is {quoted(str(kind))}, and not {_MANIFEST}")
    layers = found.get("layers")
    charts = [one for one in layers if _is_chart(one)] if isinstance(layers, list) else []
    if len(charts) != 1:
        raise _no_chart(f"its manifest names {len(charts)} layers of {_CHART}, and not one")
    return _archive(charts[0])


def refuse_other_bytes(what: str, content: bytes, digest: str) -> None:
    """Refuse bytes that are not those of a digest.

    Args:
        what: they should be, for the error.
        content: the bytes.
        digest: ``sha256:`` and 64 hexadecimal digits.

    Raises:
        ChainBroken: they have another digest.
    """
    seen = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if seen != digest:
        raise ChainBroken(Reason.CHART_OTHER_BYTES, f"{what} has {seen}, and not {digest}")


def _is_chart(layer: Any) -> bool:
    return isinstance(layer, Mapping) and layer.get("mediaType") == _CHART


def _archive(layer: Mapping[str, Any]) -> Archive:
    digest, size = layer.get("digest"), layer.get("size")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise _no_chart(f"its manifest names the archive by {quoted(str(digest))}, and not by a sha256")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= LARGEST_ARCHIVE:
        raise _no_chart(f"its archive has {quoted(str(size))} bytes, and not 1 to {LARGEST_ARCHIVE}")
    return Archive(digest, size)


def _no_chart(why: str) -> ChainBroken:
    return ChainBroken(Reason.CHART_IS_NONE, why)
