"""Job meta of FLARE -> the few fields of it that a job may decide.

The rules are those of FLARE 2.9.0: ``launcher_spec`` of the site over its ``default`` block, one level deep;
the ``k8s`` block of ``resource_spec`` only when ``launcher_spec`` has none; portable resources last. Whether
a key is present decides, not whether its value is empty.
"""

from __future__ import annotations

import difflib
import enum
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from launcher.core.checks import bad, require_mapping, require_text, show
from launcher.core.jobspec import Resources
from launcher.core.quantities import parse_quantity, quantity_text
from launcher.core.site import LONGEST_SECONDS

__all__ = ["UNSET", "JobMeta", "Unset", "parse_meta"]


class Unset(enum.Enum):
    """The job says nothing, which is not the same as null."""

    UNSET = "unset"


UNSET = Unset.UNSET

_MODE = "k8s"
_MODES = frozenset({"process", "docker", "k8s", "slurm"})
_DEFAULT = "default"
_PORTABLE_DEFAULT = "@default"
_PORTABLE_MEMORY = re.compile(r"[1-9][0-9]*(?:Mi|Gi|Ti)")
_SPACE = re.compile(r"\s")
_GPU = "nvidia.com/gpu"
# The largest amount that the API server keeps (an int64); it silently makes a larger one this.
_MOST = 2**63 - 1
# All that FLARE 2.9.0 reads of a k8s block. It does not look for others: a job that has one more runs there.
_KEYS = (
    "cpu",
    "cpu_request",
    "ephemeral_storage",
    "image",
    "memory",
    "memory_request",
    "num_of_gpus",
    "pending_timeout",
    "python_path",
)


@dataclass(frozen=True, kw_only=True)
class JobMeta:
    """What a job's meta decides at one site.

    Attributes:
        name: display name of the job, empty when it has none.
        job_id: FLARE's job id when the meta carries one, else empty.
        study: study of the job when the meta carries one, else empty.
        image: image reference, empty = not given.
        python_path: interpreter, empty = the site's default.
        ephemeral_storage: quantity text, empty = the site's default.
        pending_timeout: seconds, a hundred years at most; None = for ever; UNSET = the site's default.
        resources: cpu, memory and GPU; ephemeral storage is added in ``assemble``.
        warnings: sentences about keys that nobody reads.
        source: name of the file, for errors.
    """

    name: str = ""
    job_id: str = ""
    study: str = ""
    image: str = ""
    python_path: str = ""
    ephemeral_storage: str = ""
    pending_timeout: float | Unset | None = UNSET
    resources: Resources = field(default_factory=Resources)
    warnings: tuple[str, ...] = ()
    source: str = "meta.json"


@dataclass(frozen=True)
class _Block:
    """Keys and values of a block that was put together from several places, with the place of each key."""

    values: Mapping[str, Any]
    places: Mapping[str, str]
    place: str

    @classmethod
    def at(cls, values: Any, place: str) -> _Block:
        """Return the block at ``place``; nothing, null and other empty values are an empty block."""
        checked = require_mapping(values, place) if values else {}
        return cls(checked, dict.fromkeys(checked, place), place)

    def over(self, lower: _Block) -> _Block:
        """Return this block merged over ``lower``, one level deep."""
        return _Block({**lower.values, **self.values}, {**lower.places, **self.places}, self.place)

    def where(self, key: str) -> str:
        """Return file and key path of ``key``."""
        return f"{self.places.get(key, self.place)}[{key!r}]"


def parse_meta(meta: Mapping[str, Any], site: str, *, source: str = "meta.json") -> JobMeta:
    """Return what ``meta`` decides for ``site``.

    Args:
        meta: parsed job meta.
        site: the site's name as FLARE knows it; the server's is ``server``.
        source: name of the file, for errors.

    Raises:
        InvalidInput: a value of the wrong type or out of range, with file and key path.
    """
    meta = require_mapping(meta, source)
    block = _native(meta, site, source)
    odd = _no_mappings(meta, site, source)
    return JobMeta(
        name=_optional_text(meta, "name", source),
        job_id=_optional_text(meta, "job_id", source),
        study=_optional_text(meta, "study", source),
        image=_image(block),
        python_path=_python_path(block),
        ephemeral_storage=_ephemeral_storage(block),
        pending_timeout=_pending_timeout(block),
        resources=_resources(block, _portable(meta, site, source)),
        warnings=(
            *(f"{where} must be a mapping, not {show(value)}: it is read as empty" for where, value in odd),
            *(_unread(block, key) for key in block.values if key not in _KEYS),
        ),
        source=source,
    )


def _no_mappings(meta: Mapping[str, Any], site: str, source: str) -> Iterator[tuple[str, Any]]:
    """Yield place and value of what is empty and no mapping, such as ``launcher_spec: []``.

    FLARE 2.9.0's server refuses it when a job is submitted; its launcher takes it for an empty one.
    """
    for root, names in (("launcher_spec", (site, _DEFAULT)), ("resource_spec", (site,))):
        blocks: list[tuple[str, Any]] = [(f"{source}: {root}", meta.get(root))]
        for keys in ((name, _MODE) for name in names):
            (where, value) = blocks[0]
            for key in keys:
                where, value = f"{where}[{key!r}]", value.get(key) if isinstance(value, Mapping) else None
                blocks.append((where, value))
        yield from (one for one in blocks if not (one[1] is None or one[1] or isinstance(one[1], Mapping)))


def _unread(block: _Block, key: Any) -> str:
    near = difflib.get_close_matches(str(key), _KEYS, n=1)
    meant = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(_KEYS)}"
    return f"{block.where(key)} is read by nobody; {meant}"


def _optional_text(meta: Mapping[str, Any], key: str, source: str) -> str:
    value = meta.get(key)
    if value is None or value == "":
        return ""
    return require_text(value, f"{source}: {key}")


def _native(meta: Mapping[str, Any], site: str, source: str) -> _Block:
    """Return the k8s block: ``launcher_spec`` of site over default, else that of ``resource_spec``."""
    root = f"{source}: launcher_spec"
    specs = _Block.at(meta.get("launcher_spec"), root).values
    here = _Block.at(specs.get(site), f"{root}[{site!r}]")
    everywhere = _Block.at(specs.get(_DEFAULT), f"{root}[{_DEFAULT!r}]")
    default = _Block.at(everywhere.values.get(_MODE), everywhere.where(_MODE))
    own = here.values.get(_MODE)
    # A site block that is there but empty still keeps FLARE from looking at resource_spec.
    if default.values or own is not None:
        return _Block.at(own, f"{here.place}[{_MODE!r}]").over(default)
    legacy = _site_resources(meta, site, source)
    return _Block.at(legacy.values.get(_MODE), f"{legacy.place}[{_MODE!r}]")


def _site_resources(meta: Mapping[str, Any], site: str, source: str) -> _Block:
    root = f"{source}: resource_spec"
    return _Block.at(_Block.at(meta.get("resource_spec"), root).values.get(site), f"{root}[{site!r}]")


def _portable(meta: Mapping[str, Any], site: str, source: str) -> _Block:
    """Return num_of_gpus, num_of_cpus and memory that hold for whatever launcher a site uses."""
    root = f"{source}: resource_spec"
    specs = _Block.at(meta.get("resource_spec"), root).values
    block = _site_resources(meta, site, source)
    nested = not _MODES.isdisjoint(block.values)
    if _PORTABLE_DEFAULT in specs:
        if nested:
            block = _Block.at(block.values.get("process"), f"{block.place}['process']")
        block = block.over(_Block.at(specs[_PORTABLE_DEFAULT], f"{root}[{_PORTABLE_DEFAULT!r}]"))
    elif nested:
        return _Block({}, {}, root)
    for key, (is_valid, rule) in _PORTABLE_RULES.items():
        if key in block.values and not is_valid(block.values[key]):
            raise bad(block.where(key), block.values[key], rule, cure="correct it or remove the key")
    return block


def _is_int(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


_PORTABLE_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "num_of_gpus": (lambda value: _is_int(value, 0), "must be a whole number, 0 or more"),
    "num_of_cpus": (lambda value: _is_int(value, 1), "must be a whole number, 1 or more"),
    "memory": (
        lambda value: isinstance(value, str) and _PORTABLE_MEMORY.fullmatch(value) is not None,
        "must be a whole number followed by Mi, Gi or Ti",
    ),
}


def _image(block: _Block) -> str:
    value = block.values.get("image")
    if not value:
        return ""
    image = require_text(value, block.where("image"))
    if _SPACE.search(image):  # never pulled: the kubelet says InvalidImageName
        raise bad(block.where("image"), image, "must have no spaces", cure="write it as docker pull wants it")
    return image


def _python_path(block: _Block) -> str:
    if "python_path" not in block.values:
        return ""
    return require_text(block.values["python_path"], block.where("python_path"))


def _ephemeral_storage(block: _Block) -> str:
    value = block.values.get("ephemeral_storage")
    if value is None:
        return ""
    where = block.where("ephemeral_storage")
    return quantity_text(require_text(value, where, cure='write text such as "2Gi"'), where)


def _pending_timeout(block: _Block) -> float | Unset | None:
    if "pending_timeout" not in block.values:
        return UNSET
    value = block.values["pending_timeout"]
    if value is None:
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    # No math.isfinite: it cannot turn 10**400 into a float.
    if not is_number or not 0 <= value < float("inf"):
        cure = "write seconds such as 120, 0 to fail at once, or null to wait for ever"
        raise bad(
            block.where("pending_timeout"),
            value,
            "must be a number of seconds, 0 or more, or null",
            cure=cure,
        )
    return float(min(value, LONGEST_SECONDS))


def _resources(block: _Block, portable: _Block) -> Resources:
    """Return requests and limits; FLARE leaves out what is empty and lets portable amounts overwrite both."""
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}
    for name, portable_key in (("cpu", "num_of_cpus"), ("memory", "memory")):
        wanted = f"{name}_request"
        _put(limits, name, block, name)
        _put(requests, name, block, wanted if wanted in block.values else name)
        for amounts in (limits, requests):
            _put(amounts, name, portable, portable_key)
    source = block if "num_of_gpus" in block.values else portable
    _put(limits, _GPU, source, "num_of_gpus")
    if _GPU in limits:
        amount = parse_quantity(limits[_GPU])
        if amount > _MOST or amount != int(amount):
            value, cure = source.values["num_of_gpus"], "write how many GPUs, such as 1"
            raise bad(source.where("num_of_gpus"), value, "must be a whole number", cure=cure)
        requests[_GPU] = limits[_GPU]
    return Resources(requests=requests, limits=limits)


def _put(amounts: dict[str, str], name: str, block: _Block, key: str) -> None:
    value = block.values.get(key)
    if value:
        amounts[name] = quantity_text(value, block.where(key))
