"""Job meta of FLARE -> the few fields of it that a job may decide.

The rules are those of FLARE 2.9.0; which block counts is for :mod:`launcher.core.flare.meta_blocks`.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from launcher.core.checks import invalid, require_mapping, require_text, show
from launcher.core.flare.meta_blocks import Block, misspelt, native, no_mappings, portable
from launcher.core.foreign import few, line
from launcher.core.quantities import parse_quantity, quantity_text
from launcher.core.spec.asked import UNSET, JobMeta, Unset
from launcher.core.spec.jobspec import Resources
from launcher.core.spec.settings import GRACE, at_most_longest, is_seconds
from launcher.core.syntax import is_image_name

__all__ = ["parse_meta"]


_LONGEST_KEY = 100  # of those whose likeness is looked for
# Amounts with a request of their own (`cpu_request`), and the portable key that overwrites both.
_NATIVE = {"cpu": "num_of_cpus", "memory": "memory"}
_GPU = "nvidia.com/gpu"
# The largest amount that the API server keeps (an int64); it silently makes a larger one this.
_MOST = 2**63 - 1
_SMALLEST = 2**20  # bytes
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
# What this launcher reads of it, too; FLARE's own runs a job that has one as if it had none.
_OWN_KEYS = ("grace_period",)
_ALL_KEYS = _KEYS + _OWN_KEYS


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
    block, everywhere = native(meta, site, source), portable(meta, site, source)
    resources, storage = _resources(block, everywhere), _ephemeral_storage(block)
    places = _places(block, everywhere)
    amounts = {"memory": resources.limits.get("memory", ""), "ephemeral-storage": storage}
    return JobMeta(
        name=_optional_text(meta, "name", source),
        job_id=_optional_text(meta, "job_id", source),
        study=_optional_text(meta, "study", source),
        image=_image(block),
        python_path=_python_path(block),
        ephemeral_storage=storage,
        pending_timeout=_pending_timeout(block),
        grace_period=_grace_period(block),
        resources=resources,
        warnings=few(
            itertools.chain(
                _beyond(block, resources),
                _tiny(amounts, places),
                misspelt(meta, site, source),
                _read_as_empty(meta, site, source),
                (_unread(block, key) for key in block.values if key not in _ALL_KEYS),
            )
        ),
        source=source,
        places=places,
    )


def _read_as_empty(meta: Mapping[str, Any], site: str, source: str) -> Iterator[str]:
    for where, value in no_mappings(meta, site, source):
        yield f"{where} must be a mapping, not {show(value)}: it is read as empty"


def _places(block: Block, portable: Block) -> dict[str, str]:
    """Return where the amounts and the pending timeout stand."""
    places = {key: block.where(key) for key in ("pending_timeout", "grace_period")}
    places["ephemeral-storage"] = block.where("ephemeral_storage")
    places[_GPU] = (block if "num_of_gpus" in block.values else portable).where("num_of_gpus")
    for name, key in _NATIVE.items():
        given = (portable, key) if portable.values.get(key) else (block, name)
        wanted = f"{name}_request"
        if not given[0].values.get(given[1]) and block.values.get(wanted):
            given = (block, wanted)
        places[name] = given[0].where(given[1])
    return places


def _unread(block: Block, key: Any) -> str:
    near = difflib.get_close_matches(line(str(key), _LONGEST_KEY), _ALL_KEYS, n=1)
    meant = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(_ALL_KEYS)}"
    return f"{block.where(key)} is read by nobody; {meant}"


def _beyond(block: Block, resources: Resources) -> Iterator[str]:
    """Yield a sentence for each request above its limit: the pod will be refused, here as at FLARE.

    `spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`
    """
    for name in _NATIVE:
        request, limit = resources.requests.get(name), resources.limits.get(name)
        if request and limit and parse_quantity(request) > parse_quantity(limit):
            wanted = f"{name}_request"
            yield (
                f"{block.where(wanted)} ({request}) is more than {block.where(name)} ({limit}), and "
                f"Kubernetes refuses such a pod; raise {name} or lower {wanted}"
            )


def _tiny(amounts: Mapping[str, str], places: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each amount that nothing fits in: `512m` is half a byte, `64` are 64 bytes."""
    for name, amount in amounts.items():
        if amount and 0 < parse_quantity(amount) < _SMALLEST:
            digits = amount.rstrip("numk")
            meant = f"did you mean {digits}Mi?" if digits.isdecimal() else "write an amount such as 512Mi"
            yield f"{places[name]} ({amount}) is less than 1Mi, in which nothing runs; {meant}"


def _optional_text(meta: Mapping[str, Any], key: str, source: str) -> str:
    value = meta.get(key)
    if value is None or value == "":
        return ""
    return require_text(value, f"{source}: {key}")


def _image(block: Block) -> str:
    value = block.values.get("image")
    if not value:
        return ""
    image = require_text(value, block.where("image"))
    if not is_image_name(image):
        rule, cure = "must have no spaces or control characters", "write it as docker pull wants it"
        raise invalid(block.where("image"), image, rule, cure=cure)
    return image


def _python_path(block: Block) -> str:
    if "python_path" not in block.values:
        return ""
    return require_text(block.values["python_path"], block.where("python_path"))


def _ephemeral_storage(block: Block) -> str:
    value = block.values.get("ephemeral_storage")
    if value is None:
        return ""
    where = block.where("ephemeral_storage")
    return quantity_text(require_text(value, where, cure='write text such as "2Gi"'), where)


def _pending_timeout(block: Block) -> float | Unset | None:
    if "pending_timeout" not in block.values:
        return UNSET
    value = block.values["pending_timeout"]
    if value is None:
        return None
    if not is_seconds(value):
        cure = "write seconds such as 120, 0 to fail at once, or null to wait for ever"
        raise invalid(
            block.where("pending_timeout"),
            value,
            "must be a number of seconds, 0 or more, or null",
            cure=cure,
        )
    return float(at_most_longest(value))


def _grace_period(block: Block) -> int | None:
    value = block.values.get("grace_period")
    if value is not None and not GRACE.accepts(value):
        cure = "write seconds such as 30, or remove the key"
        raise invalid(block.where("grace_period"), value, GRACE.rule, cure=cure)
    return value


def _resources(block: Block, portable: Block) -> Resources:
    """Return requests and limits; FLARE leaves out what is empty and lets portable amounts overwrite both."""
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}
    for name, portable_key in _NATIVE.items():
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
            rule = "must be a whole number that a node can have"
            raise invalid(source.where("num_of_gpus"), value, rule, cure=cure)
        requests[_GPU] = limits[_GPU]
    return Resources(requests=requests, limits=limits)


def _put(amounts: dict[str, str], name: str, block: Block, key: str) -> None:
    value = block.values.get(key)
    if value:
        amounts[name] = quantity_text(value, block.where(key))
