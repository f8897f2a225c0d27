"""Images of a pod: where each is kept, which logins are for it, and what a registry's answer means."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from launcher.core.catalogue import Code
from launcher.core.plan.rows import Answer, Row, Stage, bad, unknown
from launcher.core.plan.views import Cluster, PlannedImage
from launcher.core.views import NodeView
from launcher.errors import Denied, LauncherError, NotFound

__all__ = ["Held", "Login", "Place", "Pulled", "image_rows", "logins_for", "place_of"]

_DEFAULT, _LIBRARY = "docker.io", "library/"
_TAG, _DIGEST = "latest", "@"
_SCHEMES = ("https://", "http://")
# What `docker login` writes for Docker Hub: "https://index.docker.io/v1/".
_HUB_NAMES = frozenset({_DEFAULT, "index.docker.io", "registry-1.docker.io"})
_OS, _ARCH = "kubernetes.io/os", "kubernetes.io/arch"
_ALWAYS, _NEVER = "Always", "Never"
_FROM_HERE = "asked from here; the nodes may use a mirror"


@dataclass(frozen=True)
class Place:
    """Where an image is kept.

    Attributes:
        registry: its host, with a port where the image names one.
        repository: the path below it.
        version: a digest, else a tag.
    """

    registry: str
    repository: str
    version: str


@dataclass(frozen=True)
class Login:
    """One entry of a registry Secret; nothing prints the credential.

    Attributes:
        where: key of the entry: a host, perhaps with scheme, port, path and ``*`` for labels of the host.
        basic: user and password, as the header of HTTP's Basic scheme has them; empty = none.
        identity: for the token service instead of them; empty = none.
        bearer: a token that the registry itself takes, instead of one of the service; empty = none.
    """

    where: str
    basic: str = field(repr=False)
    identity: str = field(default="", repr=False)
    bearer: str = field(default="", repr=False)


@dataclass(frozen=True)
class Held:
    """What a registry has of an image.

    Attributes:
        digest: of its manifest or index.
        platforms: ``os/architecture`` of an index; empty for a single manifest, which does not say.
    """

    digest: str = ""
    platforms: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Pulled:
    """An image, and what its registry said: ``held``, or the error."""

    image: PlannedImage
    held: Held | None = None
    error: LauncherError | None = None


def place_of(image: str) -> Place:
    """Return where an image is kept, by the rules of containerd and Docker.

    The first part names a registry if it has a dot or a port, or is ``localhost``; else the image is on
    Docker Hub, in ``library/`` where it has one part only. Without a tag it is ``latest``.

    Args:
        image: as a pod names it.
    """
    rest, _, digest = image.partition(_DIGEST)
    first, slash, path = rest.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, path = _DEFAULT, rest if slash else _LIBRARY + rest
    path, _, tag = path.partition(":")
    return Place(first, path, digest or tag or _TAG)


def logins_for(place: Place, logins: Iterable[Login]) -> tuple[Login, ...]:
    """Return the logins for an image, the most particular first, by the rules of the kubelet.

    As https://kubernetes.io/docs/concepts/containers/images/#config-json says: the labels of a host match one
    by one and ``*`` stands for one, the port must be the same, and a path is the beginning of the image's.

    Args:
        place: of the image.
        logins: of all registry Secrets of the pod.
    """
    fitting = [one for one in logins if _is_for(place, one.where)]
    return tuple(sorted(fitting, key=lambda one: len(one.where), reverse=True))


def _is_for(place: Place, where: str) -> bool:
    for scheme in _SCHEMES:
        where = where.removeprefix(scheme)
    host, _, path = where.partition("/")
    path = path.strip("/")
    if place.registry in _HUB_NAMES and host in _HUB_NAMES:
        return path in ("", "v1", "v2")
    if not _same_host(place.registry, host):
        return False
    return path in ("", "v1", "v2") or f"{place.repository}/".startswith(f"{path}/")


def _same_host(there: str, pattern: str) -> bool:
    (host, _, port), (globs, _, wanted) = there.partition(":"), pattern.partition(":")
    labels, patterns = host.split("."), globs.split(".")
    return (
        port == wanted
        and len(labels) == len(patterns)
        and all(fnmatch.fnmatchcase(label, one) for label, one in zip(labels, patterns, strict=True))
    )


def image_rows(asked: Iterable[Pulled], cluster: Cluster) -> Iterator[Row]:
    """Yield what the registries say of the images of a pod.

    Args:
        asked: the images and the answers.
        cluster: its nodes, and the images that they have already.
    """
    for one in asked:
        yield _row(one, cluster)


def _row(one: Pulled, cluster: Cluster) -> Row:
    image = one.image
    text = f"image {image.name}"
    if image.policy == _NEVER:
        return unknown(text, Stage.START, f"{image.where} takes it from the node only (pullPolicy Never)")
    is_here = image.policy != _ALWAYS and image.name in cluster.images
    if one.error is not None:
        return _not_there(text, one.error, is_here=is_here)
    held = one.held or Held()
    missing = _missing_platforms(held.platforms, cluster.nodes)
    if missing:
        words = f"it is there for {', '.join(sorted(held.platforms))}; no node is one of these, but {missing}"
        return bad(text, Code.IMAGE_PLATFORM, Stage.START, words, sure=not is_here)
    words = f"the registry has it{f' ({held.digest})' if held.digest else ''}"
    return Row(what=text, answer=Answer.OK, stage=Stage.START, detail=words)


def _not_there(text: str, error: LauncherError, *, is_here: bool) -> Row:
    code = Code.IMAGE_NOT_FOUND if isinstance(error, NotFound) else Code.IMAGE_AUTH
    if not isinstance(error, (NotFound, Denied)):
        return unknown(text, Stage.START, f"{error.message} ({_FROM_HERE})", error.cure)
    rest = "; a node has it already" if is_here else ""
    return bad(text, code, Stage.START, f"{error.message} ({_FROM_HERE}){rest}", sure=not is_here)


def _missing_platforms(platforms: frozenset[str], nodes: Iterable[NodeView]) -> str:
    """Return the platforms of the nodes when the image is for none of them, else an empty text."""
    there = {f"{node.labels[_OS]}/{node.labels[_ARCH]}" for node in nodes if {_OS, _ARCH} <= set(node.labels)}
    return "" if not platforms or not there or there & platforms else ", ".join(sorted(there))
