"""Any value as one line of text that JSON and YAML read back as that value.

Plain interpolation is not safe: ``{{ x }}`` with a newline injects a key, and YAML reads ``2.10`` as 2.1,
``on`` as true and ``1e3`` as text.
"""

from __future__ import annotations

import json
import re
from typing import Any

from launcher.core.checks import as_json

__all__ = ["Emitted", "emit"]

# Characters that JSON allows in a string and YAML does not (or folds, as line breaks).
_ESCAPED = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")


class Emitted(str):
    """Text that went through :func:`emit`."""

    __slots__ = ()


def emit(value: Any) -> Emitted:
    """Return ``value`` as JSON text that YAML reads back as the same value.

    Null is printed as such: in chart values it leaves a default out.

    Raises:
        InvalidInput: null in a list, or something that JSON does not have.
    """
    return Emitted("null" if value is None else _text(as_json(value, "", keep_null=True)))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_string(key)}: {_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, float):
        # YAML 1.1 reads 1e+16 as text and 1.0e+16 as a number.
        text = repr(value)
        return text if "." in text else text.replace("e", ".0e")
    return json.dumps(value)


def _string(text: str) -> str:
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))
