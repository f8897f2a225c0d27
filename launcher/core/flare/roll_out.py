"""What of a parent's kit makes it impossible, or a matter of luck, that jobs outlive the parent.

A job process connects to its parent by name and port, again and again with pauses of up to ten seconds, and
gives up half a minute after its end (FLARE 2.9.0: ``fuel/f3/sfm/conn_manager.py``,
``private/fed/utils/workspace_cell_transfer.py``). So a new parent has to listen where the old one did, soon.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from launcher.core import foreign

__all__ = [
    "CONNECTIONS",
    "NodeImages",
    "ParentKit",
    "Risk",
    "image_risk",
    "pull_risk",
    "risks",
]

# Path below the kit; FLARE reads `comm_config.json.default` where there is no such file.
CONNECTIONS = "local/comm_config.json"
_PORT = f"{CONNECTIONS}: internal.resources.port"
_HOST = f"{CONNECTIONS}: internal.resources.host"
_VALUES = "helm_chart/values.yaml"
_AGAIN = "set `parent_port` for `nvflare deploy prepare` and prepare the kit again"
_STRATEGY = re.compile(r"\bstrategy:\s{0,99}(?:\{\s{0,9})?(?:type:\s{0,9})?([A-Za-z]{1,40})")
_REPLICAS = re.compile(r"\breplicas:[ ]{0,9}([0-9]{1,9})")
_DEPLOYMENT = re.compile(r"^kind: Deployment\b", re.MULTILINE)
_LONGEST_SERVICE = 63
# A kubelet names its fifty largest images and no others (`nodeStatusMaxImages`).
_LISTED = 50
_SHOWN = 3
_MB = 1_000_000


@dataclass(frozen=True)
class Risk:
    """A sentence and its cure."""

    sentence: str
    cure: str


@dataclass(frozen=True)
class ParentKit:
    """What of a kit decides how a parent comes back.

    Attributes:
        connections: FLARE's ``comm_config.json``, empty where there is none.
        values: of the parent's chart, empty in the workspace of a parent.
        deployment: template of its Deployment, as text.
        adopts: whether its launcher takes jobs over.
    """

    connections: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    deployment: str = ""
    adopts: bool = True


@dataclass(frozen=True)
class NodeImages:
    """A node and the images that it says it has.

    Attributes:
        name: of the node.
        images: name of an image -> bytes; an image has several.
        count: how many images it lists.
        labels: of the node.
        is_open: whether a pod without tolerations may come.
    """

    name: str
    images: Mapping[str, int]
    count: int
    labels: Mapping[str, str] = field(default_factory=dict)
    is_open: bool = True


def risks(kit: ParentKit) -> Iterator[Risk]:
    """Yield what a kit says of itself."""
    for rule in _RULES:
        found = rule(kit)
        if found is not None:
            yield found


def _setting(kit: ParentKit) -> Risk | None:
    if kit.adopts:
        return None
    return Risk(
        "`adopt` is false: a new parent ends the jobs that its predecessor left running",
        "take it out of fljob.yaml and of the launcher's arguments, unless it is meant so",
    )


def _port(kit: ParentKit) -> Risk | None:
    port = _internal(kit).get("port")
    if not port:
        said = (
            f"{_PORT} is not set: each parent takes a random port, and running jobs cannot reach the next one"
        )
        return Risk(said, _AGAIN)
    key = "parentPort" if "parentPort" in kit.values else "port"
    of_chart = kit.values.get(key)
    if of_chart and str(of_chart) != str(port):
        said = f"{_PORT} is {_shown(port)}, and the Service has {_shown(of_chart)} ({_VALUES}: {key})"
        return Risk(f"{said}: no job can reach its parent", "make both the same")
    return None


def _service(kit: ParentKit) -> Risk | None:
    host = _internal(kit).get("host")
    if not isinstance(host, str) or not host or host.rstrip(".").lower() == "localhost":
        said = f"{_HOST} names no Service: job pods cannot reach their parent"
        return Risk(said, "prepare the kit again with `runtime: k8s`")
    if not kit.values:
        return None
    is_server = "parentPort" in kit.values
    service = kit.values.get("serviceName") or (None if is_server else kit.values.get("name"))
    if not service:
        said = f"{_VALUES}: serviceName is missing, by which running jobs find their parent again"
        return Risk(said, f"write `serviceName: {_shown(host)}` there")
    name = str(service)[:_LONGEST_SERVICE].rstrip("-")
    if host.partition(".")[0] == name:
        return None
    said = f"{_HOST} is {_shown(host)}, and the Service is {_shown(name)} ({_VALUES}: serviceName)"
    return Risk(f"{said}: running jobs look for the old name", "make both the same, and keep it")


def _strategy(kit: ParentKit) -> Risk | None:
    if not _DEPLOYMENT.search(kit.deployment):
        return None
    found = _STRATEGY.search(kit.deployment)
    if found is not None and found[1] == "Recreate":
        return None
    if found is None and "strategy:" in kit.deployment:  # the chart's values say, in a way of their own
        return None
    return Risk(
        "the parent's Deployment has not the strategy Recreate: two parents run at once during a roll-out",
        "write `strategy: {type: Recreate}` below `spec` in helm_chart/templates",
    )


def _replicas(kit: ParentKit) -> Risk | None:
    found = _REPLICAS.search(kit.deployment)
    if found is None or int(found[1]) <= 1:
        return None
    return Risk(
        f"the parent's Deployment has {found[1]} replicas: a site has one parent", "write `replicas: 1`"
    )


_RULES: tuple[Callable[[ParentKit], Risk | None], ...] = (_setting, _port, _service, _strategy, _replicas)


def pull_risk(image: str, values: Mapping[str, Any]) -> Risk | None:
    """Return what the pull policy of the parent's image means for its next start.

    Args:
        image: of the parent.
        values: of its chart.
    """
    of_image = values.get("image")
    policy = of_image.get("pullPolicy") if isinstance(of_image, Mapping) else None
    if policy != "Always" or "@" in image:
        return None
    said = "its pullPolicy is Always: the registry must answer before a new parent starts, and a moved tag is"
    return Risk(
        f"{said} downloaded first",
        f"`image.pullPolicy: IfNotPresent` in {_VALUES}, with a tag that nobody moves",
    )


def image_risk(
    image: str, nodes: Sequence[NodeImages], selector: Mapping[str, str]
) -> tuple[str, Risk | None]:
    """Return on which nodes the parent's image is, and what that means when it is not on all of them.

    Args:
        image: of the parent.
        nodes: all of the cluster.
        selector: labels of the nodes on which the parent may run.
    """
    able = [one for one in nodes if one.is_open and selector.items() <= one.labels.items()]
    names = _names(image)
    having = [one for one in able if names & one.images.keys()]
    lacking = [one for one in able if one not in having and one.count < _LISTED]
    unknown = len(able) - len(having) - len(lacking)
    more = f"; {unknown} list no more than their {_LISTED} largest images" if unknown else ""
    if not able:
        return "no node takes it now", None
    text = f"on {len(having)} of {len(able)} nodes that take it{more}"
    if not lacking:
        return text, None
    sizes = [one.images[name] for one in nodes for name in names & one.images.keys()]
    size = f" of {max(sizes) // _MB} MB" if sizes and max(sizes) >= _MB else ""
    said = (
        f"it is {text}: elsewhere a download{size} comes first, and a job that ends meanwhile waits for 20 s"
    )
    names_shown = [foreign.name(one.name) for one in lacking[:_SHOWN]]
    others = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
    where = f"{', '.join(names_shown)}{others}"
    return text, Risk(said, f"pull it on {where} before a roll-out, such as by a pod that uses it there")


def _names(image: str) -> frozenset[str]:
    """Return the names that a kubelet may give to an image: in full, with registry and tag."""
    first, slash, _ = image.partition("/")
    has_registry = bool(slash) and ("." in first or ":" in first or first == "localhost")
    full = image if has_registry else f"docker.io/{image}" if slash else f"docker.io/library/{image}"
    is_tagged = "@" in full or ":" in full.rpartition("/")[2]
    return frozenset({image, full if is_tagged else f"{full}:latest"})


def _internal(kit: ParentKit) -> Mapping[str, Any]:
    internal = kit.connections.get("internal")
    resources = internal.get("resources") if isinstance(internal, Mapping) else None
    return resources if isinstance(resources, Mapping) else {}


def _shown(value: object) -> str:
    return foreign.name(str(value))
