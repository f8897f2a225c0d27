"""What is known of Helm's records without running helm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from launcher.core.revisions import Revision
from launcher.core.views import ObjectRef, ReleaseView

__all__ = ["Recorded", "Records", "with_revisions"]


class Records:
    """One who knows nothing, so that helm is run for every question."""

    def is_gone(self, release: str, namespace: str) -> bool:
        """Return whether there is certainly no record of a release."""
        del release, namespace
        return False

    def manifest(self, release: str, namespace: str) -> str | None:
        """Return what a release has made, empty when there certainly is no record; None = not known."""
        del release, namespace
        return None

    def revisions(self, namespace: str, release: str = "") -> Mapping[tuple[str, str], tuple[Revision, ...]]:
        """Return the records of one or of all our releases: namespace and name -> the oldest first."""
        del namespace, release
        return {}

    def note_pod(self, release: str, namespace: str, uid: str) -> None:
        """Write into the record of a first install which pod it has made."""
        del release, namespace, uid

    def note_ledger(self, release: str, namespace: str, text: str, pod: str) -> None:
        """Write into the record of an install what was measured of its job, if it is that of this pod."""
        del release, namespace, text, pod

    def are_there(self, refs: Sequence[ObjectRef], release: str, namespace: str) -> bool:
        """Return whether all these objects of a release are certainly there, and stay.

        Raises:
            Unavailable: the cluster could not be asked.
        """
        del refs, release, namespace
        return False


def with_revisions(
    views: Iterable[ReleaseView], records: Records, namespace: str, only: str = ""
) -> tuple[ReleaseView, ...]:
    """Return releases with their records; ``only`` names the one that is asked for.

    Raises:
        LauncherError: they could not be asked for.
    """
    found = tuple(views)
    known = records.revisions(namespace, only) if found else {}
    return tuple(replace(view, revisions=known.get((view.namespace, view.name), ())) for view in found)


class Recorded:
    """What one request tells of a release, or writes into its record; of the port ``Releases``."""

    _records: Records

    def revisions(self, name: str, namespace: str) -> tuple[Revision, ...]:
        """Return Helm's records of a release, the oldest first; raises a LauncherError."""
        return self._records.revisions(namespace, name).get((namespace, name), ())

    def note_pod(self, name: str, namespace: str, uid: str) -> None:
        """Write into the record of an install which pod it has made; raises a LauncherError."""
        self._records.note_pod(name, namespace, uid)

    def note_ledger(self, name: str, namespace: str, text: str, pod: str) -> None:
        """Write into the record of an install what was measured of its job; raises a LauncherError."""
        self._records.note_ledger(name, namespace, text, pod)
