"""A chart in a registry, as ``chart`` of the site names it: always with the digest of its manifest.

A tag is a name that may be given to something else tomorrow, so it never decides what is installed: where one
stands beside the digest it is compared, and one that has moved is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from launcher.core.checks import invalid
from launcher.core.loopback import is_loopback_authority

__all__ = ["ChartReference", "chart_reference", "in_registry", "is_address", "refuse_address"]

_SCHEME = "oci://"
# The grammar of https://github.com/opencontainers/distribution-spec, as far as a chart needs it.
_HOST = re.compile(
    r"(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}))(?::[0-9]{1,5})?", re.ASCII
)
_PART = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
# `OCI://`, `oci:reg/fljob`, `https://...`: no path, though a folder could have such a name.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}:/|oci:", re.ASCII | re.IGNORECASE)
_FORM = "oci://HOST/FOLDER/fljob@sha256:... or oci://HOST/FOLDER/fljob:VERSION@sha256:..."


@dataclass(frozen=True)
class ChartReference:
    """A chart in a registry.

    Attributes:
        host: of the registry, with its port.
        repository: path of the chart there; its last part is the name of the chart.
        tag: empty = none was named.
        digest: of its manifest, ``sha256:`` and 64 hexadecimal digits.
    """

    host: str
    repository: str
    tag: str
    digest: str

    def __str__(self) -> str:
        return f"{self.by_tag if self.tag else f'{_SCHEME}{self.image}'}@{self.digest}"

    @property
    def image(self) -> str:
        """The repository with its host, without scheme: ``HOST/FOLDER/fljob``."""
        return f"{self.host}/{self.repository}"

    @property
    def name(self) -> str:
        """Name of the chart: `helm push` adds it to the folder."""
        return self.repository.rpartition("/")[2]

    @property
    def by_digest(self) -> str:
        """What helm pulls by digest; it ignores a tag that stands there, too."""
        return f"{_SCHEME}{self.image}@{self.digest}"

    @property
    def by_tag(self) -> str:
        """What helm pulls by tag."""
        return f"{_SCHEME}{self.image}:{self.tag}"

    @property
    def is_loopback(self) -> bool:
        """Whether the registry is on this machine, where nobody has a certificate for it: plain HTTP."""
        return is_loopback_authority(self.host)


def in_registry(chart: str) -> bool:
    """Return whether a chart is named by its place in a registry, and not by a path."""
    return chart.startswith(_SCHEME)


def is_address(chart: str) -> bool:
    """Return whether a chart is named by an address that is none of a registry, and no path either."""
    return not in_registry(chart) and _ADDRESS.match(chart) is not None


def refuse_address(text: str, where: str) -> None:
    """Refuse a chart that is named by another address than of a registry, which would be taken for a path.

    Raises:
        InvalidInput: so it is.
    """
    if is_address(text):
        cure = f"write {_FORM}, or fetch it and name its path"
        raise invalid(where, text, "must be a path, or begin with `oci://`", cure=cure)


def chart_reference(text: str, where: str) -> ChartReference:
    """Return a parsed reference.

    Args:
        text: begins with ``oci://``.
        where: file and key path, for errors.

    Raises:
        InvalidInput: it has no digest, or is no reference.
    """
    name, at, digest = text.removeprefix(_SCHEME).partition("@")
    host, _, path = name.partition("/")
    repository, _, tag = path.partition(":")
    is_name = _HOST.fullmatch(host) and all(map(_PART.fullmatch, repository.split("/")))
    if not is_name or (":" in path and not _TAG.fullmatch(tag)):
        cure = f"write {_FORM}; a + of the version is a _ in its tag"
        raise invalid(where, text, "must name a chart in a registry", cure=cure)
    if not at or not _DIGEST.fullmatch(digest):
        plain = " --plain-http" if is_loopback_authority(host) else ""
        version = f" --version {tag.replace('_', '+')}" if tag else ""
        show = f"`helm show chart {_SCHEME}{host}/{repository}{version}{plain}` prints it"
        cure = f"write `{_SCHEME}{name}@sha256:...` with the digest that was reviewed; {show}"
        raise invalid(where, text, "must end in a digest (@sha256: and 64 digits)", cure=cure)
    return ChartReference(host, repository, tag, digest)
