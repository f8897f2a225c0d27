"""The Secret of a startup kit, which the jobs of one site of one federation share."""

from __future__ import annotations

from collections.abc import Mapping

from launcher.core import names
from launcher.core.spec.jobspec import JobSpec
from launcher.errors import Conflict
from launcher.usecases.ports import World

__all__ = ["put_startup_kit"]


def put_startup_kit(world: World, spec: JobSpec, federation: str, kit: Mapping[str, bytes]) -> str:
    """Make the Secret hold the kit, and return its name.

    It is FLARE's name, unless another federation of the namespace has a site of the same name, such as
    ``server``: a job must never get the key of the other one.

    Args:
        world: the ports.
        spec: the job.
        federation: mark of its federation.
        kit: files of the startup kit.

    Raises:
        Conflict: the name with the mark is somebody else's, too.
        LauncherError: a Secret could not be made.
    """
    # Not the job-id label: by that one a job's own Secrets are found.
    labels = {names.LABEL_SITE: names.label_value(spec.site), names.LABEL_FEDERATION: federation}
    for name in (spec.startup_secret, names.startup_secret_name(spec.site, federation)):
        if world.secrets.put_shared(name, spec.namespace, kit, labels):
            return name
    raise Conflict(
        f"secret {spec.namespace}/{name} is not that of the federation {federation!r}",
        cure="give each federation a namespace of its own, or remove the Secret",
    )
