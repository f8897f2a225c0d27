"""The port by which is asked what an install has made, and what has become of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from launcher.core.views import ObjectRef, Seen
from launcher.errors import Unavailable

__all__ = ["Installations", "NoInstallations"]


class Installations(Protocol):
    """What Helm's records say was installed, and the objects themselves; nothing here changes anything."""

    def manifests(self, release: str, namespace: str) -> Sequence[tuple[ObjectRef, Mapping[str, Any]]]:
        """Return the manifests in the record of a release; empty when there certainly is no record.

        Raises:
            LauncherError: it could not be read.
        """

    def raw(self, ref: ObjectRef) -> Seen[Mapping[str, Any]]:
        """Read an object as it is; raises ``Denied``."""

    def applied(self, ref: ObjectRef, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what an object would be if Helm applied a manifest again, which is not done.

        Raises:
            LauncherError: it may not be asked, is refused, or got no answer.
        """


class NoInstallations:
    """The port where nobody can tell."""

    def manifests(self, release: str, namespace: str) -> Sequence[tuple[ObjectRef, Mapping[str, Any]]]:
        """Raise that nobody can tell."""
        raise Unavailable(f"nobody can tell what release {namespace}/{release} has installed")

    def raw(self, ref: ObjectRef) -> Seen[Mapping[str, Any]]:
        """Say that nobody can tell."""
        return Seen.unavailable(f"nobody can see {ref.text}")

    def applied(self, ref: ObjectRef, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raise that nobody can tell."""
        del manifest
        raise Unavailable(f"nobody can try to apply {ref.text}")
