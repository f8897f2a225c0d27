"""Whose credentials: the pod of a job owns them, and they go if they are still those of this launch of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from launcher.core.credentials import Whose, whose_credentials
from launcher.core.jobref import JobRef
from launcher.core.views import PodView, Presence, SecretView
from launcher.errors import LauncherError, Unavailable
from launcher.logs import logger
from launcher.usecases.ports import World

__all__ = ["delete_credentials", "own_credentials"]

_LOG = logger(__name__)


def own_credentials(world: World, job: JobRef, pod: PodView) -> None:
    """Have its pod own the per-job Secret of a job, so that they go together; a refusal is logged."""
    try:
        world.secrets.own(job.credential_secret, job.namespace, pod)
    except LauncherError as error:  # it is deleted by name, too
        words = "release=%s pod=%s cannot own its Secret: %s"
        _LOG.warning(words, job.release, job.pod_name, error.message)


def delete_credentials(world: World, job: JobRef, *, holding: Mapping[str, bytes] | None = None) -> bool:
    """Delete the per-job Secret of a job; absence is success. That of a later launch stays: return False.

    Args:
        world: the ports.
        job: whose; with the uid of its pod where that is known.
        holding: what the Secret must hold, where the caller has made it; None = whatever it holds.

    Raises:
        Unavailable: the cluster could not be asked.
        LauncherError: it refused.
    """
    is_ours = partial(_is_ours, world, job)
    return world.secrets.delete(job.credential_secret, job.namespace, is_ours, holding=holding)


def _is_ours(world: World, job: JobRef, secret: SecretView) -> bool:
    whose = whose_credentials(job, secret)
    if whose is not Whose.POD:
        return whose is Whose.OURS
    seen = world.pods.get(job.pod_name, job.namespace)
    if seen.presence is Presence.UNAVAILABLE:
        raise Unavailable(
            f"cannot see whether pod {job.namespace}/{job.pod_name} needs its Secret: {seen.why}",
            cure=seen.cure,
        )
    return seen.presence is Presence.ABSENT or seen.value is None or seen.value.uid not in secret.owners
