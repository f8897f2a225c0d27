"""Fields that Kubernetes does not have, in the layers of the values: named with source and what may be meant.

The chart's schema refuses them as well, but it sees all layers merged and knows no file. The fields are read
from that schema, so that there is one list, and a chart of the site's own decides what it takes.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from launcher.core.checks import key_path
from launcher.core.foreign import line, name
from launcher.errors import InvalidInput

__all__ = ["Definitions", "refuse_unknown_fields"]

Definitions = Mapping[str, Any]

_PREFIX = "k8s."
_REFERENCE = f"#/$defs/{_PREFIX}"
_LIST, _ONE = True, False
# Where the values hold objects of Kubernetes: key path, whether it is a list, which object.
_PLACES = (
    (("pod", "spec"), _ONE, "PodSpec"),
    (("container", "spec"), _ONE, "Container"),
    (("extra", "volumes"), _LIST, "Volume"),
    (("extra", "volumeMounts"), _LIST, "VolumeMount"),
    (("extra", "initContainers"), _LIST, "Container"),
    (("extra", "containers"), _LIST, "Container"),
    (("env",), _LIST, "EnvVar"),
)
# Longer than any field of Kubernetes; comparing texts costs time that grows with their length.
_LONGEST_FIELD = 80


def refuse_unknown_fields(layer: Mapping[str, Any], definitions: Definitions, source: str) -> None:
    """Refuse a layer that sets a field of a pod that no Kubernetes known to the chart has.

    Args:
        layer: values of one source.
        definitions: the ``$defs`` of the chart's ``values.schema.json``; where none of them is Kubernetes'
            nothing is refused.
        source: name of the source, for errors.

    Raises:
        InvalidInput: with source, key path and the field that may be meant.
    """
    for path, is_list, kind in _PLACES:
        value: Any = layer
        where = source
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
            where = key_path(where, key)
        entry = {"$ref": f"{_REFERENCE}{kind}"}
        for at, unknown, known, of in _unknown(
            value, {"items": entry} if is_list else entry, where, definitions
        ):
            raise InvalidInput(f"{name(unknown)} is no field of a {of}", where=at, cure=_cure(unknown, known))


def _unknown(
    value: Any, entry: Any, where: str, definitions: Definitions, kind: str = ""
) -> Iterator[tuple[str, str, Collection[str], str]]:
    """Yield (key path, field, fields that there are, kind of object) of each unknown field of ``value``.

    ``value`` is followed as deep as the schema describes it, which is nowhere without end.
    """
    if not isinstance(entry, Mapping):
        return
    reference = str(entry.get("$ref", ""))
    if reference.startswith(_REFERENCE):
        kind = reference.removeprefix(_REFERENCE)
        entry = _mapping(definitions.get(f"{_PREFIX}{kind}"))
    if isinstance(value, Mapping):
        known, others = _mapping(entry.get("properties")), entry.get("additionalProperties")
        for key, item in value.items():
            if key in known:
                yield from _unknown(item, known[key], key_path(where, key), definitions)
            elif others is False:
                yield where, str(key), known, kind
            else:
                yield from _unknown(item, others, key_path(where, key), definitions)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _unknown(item, entry.get("items"), f"{where}[{index}]", definitions)


def _mapping(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}


def _cure(unknown: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(line(unknown, _LONGEST_FIELD), known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return "remove it; for a field that is newer than the chart see its README, `chart` of fljob.yaml"
