"""Removing a release whole: what Helm leaves of it is found and taken away.

Helm 4.3 skips an object that it cannot read, removes its record and ends with 0: a NetworkPolicy, or an
object of a site's own chart, would stay for good, with nothing that tells whose it was. So the record is read
first, and what it names must be readable before Helm is let loose, and gone afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from launcher.core.views import MadeObject, ObjectRef, Presence, Seen
from launcher.errors import Denied, LauncherError, Unavailable
from launcher.logs import logger
from launcher.usecases.dated_releases import ReleasesOver
from launcher.usecases.ports import Clock, Releases, no_op

__all__ = ["Objects", "WholeReleases"]

_LOG = logger(__name__)
_POD = "Pod"
_PAUSES = (0.5, 2.0, 5.0)


class Objects(Protocol):
    """Objects of any kind."""

    def look(self, ref: ObjectRef) -> Seen[MadeObject]:
        """Read an object; raises ``Denied``."""

    def delete(self, ref: ObjectRef, uid: str) -> None:
        """Delete exactly the object with that uid; absence is success."""


class WholeReleases(ReleasesOver):
    """The port ``Releases`` over another one.

    Args:
        releases: Helm.
        named: returns what Helm's record of a release names; empty when there is no record.
        objects: the cluster.
        clock: for pauses.
    """

    def __init__(
        self,
        releases: Releases,
        named: Callable[[str, str], Sequence[ObjectRef]],
        objects: Objects,
        clock: Clock,
    ) -> None:
        super().__init__(releases)
        self._named, self._objects, self._clock = named, objects, clock

    def uninstall(self, name: str, namespace: str, before: Callable[[], object] = no_op) -> bool:
        """Remove a release and all that its record names; see the port.

        Raises:
            Denied: what it has made may not be looked at or deleted; in the first case nothing was removed.
            Unavailable: the cluster could not be asked.
        """
        # The job's pod is looked for by whoever removes the job.
        refs = [ref for ref in self._named(name, namespace) if ref.kind != _POD]
        # What is made under the same name while Helm is at work is that of a later install.
        uids = {ref: self._uid(ref, name) for ref in refs}
        was_there = self.releases.uninstall(name, namespace, before)
        for ref, uid in uids.items():
            if uid:
                self._take_away(ref, uid, name, namespace)
        return was_there

    def _uid(self, ref: ObjectRef, release: str) -> str:
        try:
            seen = self._objects.look(ref)
        except Denied as error:
            said = (
                f"release {release} is left as it is, since Helm would forget its {ref.text}: {error.message}"
            )
            raise Denied(said, cure=error.cure, reason=error.reason) from error
        if seen.presence is Presence.UNAVAILABLE:
            raise Unavailable(f"release {release} is left as it is: {seen.why}", cure=seen.cure)
        return seen.value.uid if seen.value is not None else ""

    def _take_away(self, ref: ObjectRef, uid: str, release: str, namespace: str) -> None:
        for pause in (*_PAUSES, None):
            try:
                seen = self._objects.look(ref)
                made = seen.value
                if (
                    made is not None
                    and not made.stays
                    and (made.uid, made.release, made.namespace) == (uid, release, namespace)
                ):
                    _LOG.info("release=%s helm has left %s, removing it", release, ref.text)
                    self._objects.delete(ref, made.uid)
            except LauncherError as error:
                why = error
            else:
                if seen.presence is not Presence.UNAVAILABLE:
                    return
                why = Unavailable(seen.why, cure=seen.cure)
            if pause is None or not isinstance(why, Unavailable):
                raise _left(ref, release, why)
            self._clock.sleep(pause)


def _left(ref: ObjectRef, release: str, why: LauncherError) -> LauncherError:
    kind = Denied if isinstance(why, Denied) else Unavailable
    said = f"release {release} is gone, and its {ref.text} may be left: {why.message}"
    cure = f"`kubectl delete {ref.resource} {ref.name} -n {ref.namespace}`"
    return kind(said, cure=f"{why.cure}; {cure}" if why.cure else cure, reason=why.reason)
