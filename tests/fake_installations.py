"""What Helm has installed, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from launcher.core.views import ObjectRef, Seen
from launcher.errors import LauncherError


@dataclass
class FakeInstallations:
    """What a release has installed: manifests by release, objects by name; ``refuses`` a dry run with that."""

    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    objects: dict[str, Any] = field(default_factory=dict)
    refuses: LauncherError | None = None
    tried: list[str] = field(default_factory=list)

    def manifests(self, release: str, namespace: str) -> tuple[tuple[ObjectRef, Mapping[str, Any]], ...]:
        found = self.records.get(release, [])
        return tuple(
            (ObjectRef(one["apiVersion"], one["kind"], one["metadata"]["name"], namespace), one)
            for one in found
        )

    def raw(self, ref: ObjectRef) -> Seen[Mapping[str, Any]]:
        found = self.objects.get(ref.name)
        if isinstance(found, Exception):
            raise found
        if isinstance(found, str):
            return Seen.unavailable(found)
        return Seen.absent() if found is None else Seen.found(found)

    def applied(self, ref: ObjectRef, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        self.tried.append(ref.name)
        if self.refuses:
            raise self.refuses
        return manifest
