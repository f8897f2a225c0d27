"""Which blocks of a job's meta count at a site, by FLARE's rules (2.9.0), and where each key of them stood.

``launcher_spec`` of the site over its ``default`` block, one level deep; the ``k8s`` block of
``resource_spec`` only when ``launcher_spec`` has none; portable resources last. Whether a key is present
decides, not whether its value is empty.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from launcher.core.checks import invalid, require_mapping
from launcher.core.foreign import quoted

__all__ = ["Block", "misspelt", "native", "no_mappings", "portable"]

_MODE = "k8s"
_MODES = frozenset({"process", "docker", "k8s", "slurm"})
_MODE_WORDS = (_MODE, "kubernetes")  # what people write for it
_DEFAULT = "default"
_PORTABLE_DEFAULT = "@default"
_LONGEST = 100  # characters of a key whose likeness is looked for
_PORTABLE_MEMORY = re.compile(r"[1-9][0-9]*(?:Mi|Gi|Ti)")


@dataclass(frozen=True)
class Block:
    """Keys and values of a block that was put together from several places, with the place of each key."""

    values: Mapping[str, Any]
    places: Mapping[str, str]
    place: str

    @classmethod
    def at(cls, values: Any, place: str) -> Block:
        """Return the block at ``place``; nothing, null and other empty values are an empty block."""
        checked = require_mapping(values, place) if values else {}
        return cls(checked, dict.fromkeys(checked, place), place)

    def over(self, lower: Block) -> Block:
        """Return this block merged over ``lower``, one level deep."""
        return Block({**lower.values, **self.values}, {**lower.places, **self.places}, self.place)

    def where(self, key: str) -> str:
        """Return file and key path of ``key``."""
        return f"{self.places.get(key, self.place)}[{quoted(key)}]"


def native(meta: Mapping[str, Any], site: str, source: str) -> Block:
    """Return the k8s block: ``launcher_spec`` of site over default, else that of ``resource_spec``."""
    root = f"{source}: launcher_spec"
    specs = Block.at(meta.get("launcher_spec"), root).values
    here = Block.at(specs.get(site), f"{root}[{quoted(site)}]")
    everywhere = Block.at(specs.get(_DEFAULT), f"{root}[{_DEFAULT!r}]")
    default = Block.at(everywhere.values.get(_MODE), everywhere.where(_MODE))
    own = here.values.get(_MODE)
    # A site block that is there but empty still keeps FLARE from looking at resource_spec.
    if default.values or own is not None:
        return Block.at(own, f"{here.place}[{_MODE!r}]").over(default)
    legacy = _site_resources(meta, site, source)
    return Block.at(legacy.values.get(_MODE), f"{legacy.place}[{_MODE!r}]")


def _site_resources(meta: Mapping[str, Any], site: str, source: str) -> Block:
    root = f"{source}: resource_spec"
    return Block.at(Block.at(meta.get("resource_spec"), root).values.get(site), f"{root}[{quoted(site)}]")


def portable(meta: Mapping[str, Any], site: str, source: str) -> Block:
    """Return num_of_gpus, num_of_cpus and memory that hold for whatever launcher a site uses."""
    root = f"{source}: resource_spec"
    specs = Block.at(meta.get("resource_spec"), root).values
    block = _site_resources(meta, site, source)
    nested = not _MODES.isdisjoint(block.values)
    if _PORTABLE_DEFAULT in specs:
        if nested:
            block = Block.at(block.values.get("process"), f"{block.place}['process']")
        block = block.over(Block.at(specs[_PORTABLE_DEFAULT], f"{root}[{_PORTABLE_DEFAULT!r}]"))
    elif nested:
        return Block({}, {}, root)
    for key, (is_valid, rule) in _PORTABLE_RULES.items():
        if key in block.values and not is_valid(block.values[key]):
            raise invalid(block.where(key), block.values[key], rule, cure="correct it or remove the key")
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


def misspelt(meta: Mapping[str, Any], site: str, source: str) -> Iterator[str]:
    """Yield a sentence for each key of ``launcher_spec`` that nobody reads and that is nearly one that is.

    FLARE takes any key for the name of a site or of a launcher, so none is refused: `default.k8`, `Site-1`.
    """
    root, specs = f"{source}: launcher_spec", meta.get("launcher_spec")
    if not isinstance(specs, Mapping):
        return
    for key in specs:
        if key not in (site, _DEFAULT) and (near := _near(key, site, specs)):
            yield f"{root}[{quoted(key)}] is not read at site {quoted(site)}; did you mean {quoted(near)}?"
    for name in (site, _DEFAULT):
        block = specs.get(name)
        for key in block if isinstance(block, Mapping) and _MODE not in block else ():
            if key not in _MODES and any(_like(key, word) for word in _MODE_WORDS):
                yield f"{root}[{quoted(name)}][{quoted(key)}] is read by nobody; did you mean {_MODE!r}?"


def _near(key: Any, site: str, specs: Mapping[str, Any]) -> str:
    if site not in specs and _folded(key) == _folded(site):
        return site
    return _DEFAULT if _DEFAULT not in specs and _like(key, _DEFAULT) else ""


def _like(key: Any, known: str) -> bool:
    """Return whether a key is likely to be a misspelt ``known``; a long key is none."""
    return isinstance(key, str) and bool(
        difflib.get_close_matches(key[:_LONGEST].casefold(), [known], 1, 0.7)
    )


def _folded(key: Any) -> str:
    return re.sub(r"[-_. ]", "", key[:_LONGEST]).casefold() if isinstance(key, str) else ""


def no_mappings(meta: Mapping[str, Any], site: str, source: str) -> Iterator[tuple[str, Any]]:
    """Yield place and value of what is empty and no mapping, such as ``launcher_spec: []``.

    FLARE 2.9.0's server refuses it when a job is submitted; its launcher takes it for an empty one.
    """
    for root, names in (("launcher_spec", (site, _DEFAULT)), ("resource_spec", (site,))):
        blocks: list[tuple[str, Any]] = [(f"{source}: {root}", meta.get(root))]
        for keys in ((name, _MODE) for name in names):
            (where, value) = blocks[0]
            for key in keys:
                where, value = (
                    f"{where}[{quoted(key)}]",
                    value.get(key) if isinstance(value, Mapping) else None,
                )
                blocks.append((where, value))
        yield from (one for one in blocks if not (one[1] is None or one[1] or isinstance(one[1], Mapping)))
