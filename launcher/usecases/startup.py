"""The Secret of a startup kit, which the jobs of one site of one federation share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from launcher.core import names
from launcher.core.foreign import quoted
from launcher.core.spec.jobspec import JobSpec
from launcher.core.views import SecretView
from launcher.errors import Conflict, NotFound
from launcher.usecases.ports import World

__all__ = ["StartupKit", "put_startup_kit", "remove_startup_kit", "startup_kits"]

# Phases in which no container starts any more.
_OVER = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True)
class StartupKit:
    """The Secret of a startup kit: whose it is, and the pods of jobs that may have mounted it."""

    name: str
    secret: SecretView = field(repr=False)
    pods: tuple[str, ...] = ()


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
        f"secret {spec.namespace}/{name} is not that of the federation {quoted(federation)}",
        cure="give each federation a namespace of its own, or remove the Secret",
    )


def startup_kits(world: World, namespace: str) -> tuple[StartupKit, ...]:
    """Return the Secrets of startup kits in a namespace, by name."""
    pods = world.pods.list(namespace)

    def users(secret: SecretView) -> tuple[str, ...]:
        whose = (secret.site, secret.federation)
        marks = (
            (pod.name, pod.labels.get(names.LABEL_SITE, ""), pod.labels.get(names.LABEL_FEDERATION, ""))
            for pod in pods
            if pod.phase not in _OVER
        )
        return tuple(sorted(name for name, *mark in marks if tuple(mark) == whose))

    found = sorted(world.secrets.shared(namespace).items())
    return tuple(StartupKit(name, secret, users(secret)) for name, secret in found)


def remove_startup_kit(world: World, namespace: str, name: str) -> None:
    """Delete the Secret of a startup kit that no job uses; a parent makes it anew for its next job.

    Raises:
        NotFound: there is none of that name.
        Conflict: pods of its jobs are there: a node that starts one again would not find it.
    """
    kit = next((one for one in startup_kits(world, namespace) if one.name == name), None)
    if kit is None:
        cure = f"`fljob kit secrets -n {namespace}` shows what there is"
        raise NotFound(f"there is no Secret of a startup kit {name!r} in namespace {namespace!r}", cure=cure)
    if kit.pods:
        cure = "wait until they have ended, or `fljob terminate` them"
        more = f" and {len(kit.pods) - 1} more" if len(kit.pods) > 1 else ""
        raise Conflict(f"secret {namespace}/{name} is used by pod {kit.pods[0]}{more}", cure=cure)
    world.secrets.delete_shared(name, namespace)
