"""Making one job: its Secret, its release, its Secret's owner; whatever fails takes back what was made."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from launcher.core.jobref import JobRef, ref_of_pod, ref_of_spec
from launcher.core.jobspec import JobSpec
from launcher.core.outcome import ended
from launcher.core.releases import release_state
from launcher.core.views import Presence
from launcher.errors import Cancelled, Conflict, LauncherError, Unavailable
from launcher.removal import World, remove

__all__ = ["Making", "make_room"]

_LOG = logging.getLogger(__name__)


def make_room(world: World, spec: JobSpec) -> JobSpec:
    """Refuse a live job, clean up what a dead one left, and return the spec of the next attempt.

    Raises:
        Conflict: the job is already running.
        Unavailable: the cluster could not be asked.
    """
    seen = world.pods.get(spec.pod_name, spec.namespace)
    if seen.presence is Presence.UNAVAILABLE:
        raise Unavailable(f"cannot see whether job {spec.job_id} is already running: {seen.why}")
    if seen.presence is Presence.ABSENT or seen.value is None:
        return spec
    pod = seen.value
    if ended(pod) is None and pod.deleted is None:
        raise Conflict(
            f"job {spec.job_id} is already running at site {spec.site!r}: release {spec.release}, "
            f"pod {spec.namespace}/{spec.pod_name}, phase {pod.phase}",
            cure=f"wait for it, or run `fljob terminate {spec.release} -n {spec.namespace}` first",
        )
    left = ref_of_pod(pod)
    _LOG.info("release=%s pod=%s removing what attempt %d left", spec.release, spec.pod_name, left.attempt)
    remove(world, replace(ref_of_spec(spec), uid=pod.uid))
    return replace(spec, attempt=left.attempt + 1)


@dataclass(frozen=True)
class Making:
    """One job that is being made.

    Attributes:
        world: the ports.
        job: its names.
        values: its chart values.
        secret: content of the per-job Secret, empty for none.
    """

    world: World
    job: JobRef
    values: Mapping[str, Any]
    secret: Mapping[str, bytes] = field(repr=False)

    def put_secret(self) -> None:
        """Make the per-job Secret, if there is one; the release refers to it.

        Raises:
            LauncherError: with ``step`` "secret"; nothing is left.
        """
        if not self.secret:
            return
        job = self.job
        try:
            self.world.secrets.put(job.credential_secret, job.namespace, self.secret, self.values["labels"])
        except BaseException as error:
            self.undo_secret()
            if isinstance(error, LauncherError):
                error.step = "secret"  # FLARE tells a job that could not be prepared from a refused pod
            raise

    def undo_secret(self) -> None:
        """Take the per-job Secret away again."""
        job = self.job
        if not self.secret:
            return
        try:
            self.world.secrets.delete(job.credential_secret, job.namespace)
        except LauncherError as error:
            _LOG.error("secret %s left behind: %s", job.credential_secret, error)

    def install(self, cancel: threading.Event | None) -> JobRef:
        """Install the release once and return the job, with the pod's uid where it is known.

        Raises:
            Cancelled: ``cancel`` was set.
            LauncherError: the release was refused; nothing of it is left.
        """
        job = self.job
        labels = self.values["labels"]
        try:
            self.world.releases.install(job.release, job.namespace, self.values, labels, cancel)
        except Conflict:
            self._remove_dead_release()
            self.world.releases.install(job.release, job.namespace, self.values, labels, cancel)
        return self._settle(cancel)

    def _remove_dead_release(self) -> None:
        """Remove a release that has no pod, unless another process may be installing it right now."""
        job = self.job
        seen = self.world.releases.status(job.release, job.namespace)
        if seen.presence is Presence.UNAVAILABLE:
            raise Unavailable(f"cannot ask Helm about release {job.release}: {seen.why}")
        if release_state(seen.value, self.world.clock.now()).is_busy:
            raise Conflict(
                f"release {job.namespace}/{job.release} is being installed by another process",
                cure=f"wait a minute, or run `fljob terminate {job.release} -n {job.namespace}` first",
            )
        # Without its Secret: that one is the new attempt's.
        remove(self.world, job, keep_secret=True)

    def _settle(self, cancel: threading.Event | None) -> JobRef:
        """Do what follows an accepted install; whatever ends it early takes the release back."""
        job = self.job
        try:
            if self.secret:
                job = self._give_secret_to_pod()
            if cancel is not None and cancel.is_set():
                raise Cancelled(f"release {job.namespace}/{job.release}: cancelled")  # noqa: TRY301
        except BaseException:
            remove(self.world, job)
            raise
        return job

    def _give_secret_to_pod(self) -> JobRef:
        """Make the pod own its Secret, a second road by which it goes; failing here is not fatal."""
        job = self.job
        seen = self.world.pods.get(job.pod_name, job.namespace)
        if seen.value is None:
            _LOG.warning("release=%s pod=%s not seen, its Secret has no owner", job.release, job.pod_name)
            return job
        try:
            self.world.secrets.own(job.credential_secret, job.namespace, seen.value)
        except LauncherError as error:
            _LOG.warning(
                "release=%s pod=%s cannot own its Secret: %s", job.release, job.pod_name, error.message
            )
        return replace(job, uid=seen.value.uid)
