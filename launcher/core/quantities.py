"""Kubernetes quantities: text in, text out, compared as exact decimals.

The grammar is that of the API server: a decimal number and one suffix, either binary (Ki .. Ei), decimal
(n u m, none, k M G T P E) or an exponent (e3, E-3). ``1E`` is an exa, ``1E3`` a thousand.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Any

from launcher.core.checks import invalid

__all__ = ["amount_text", "canonical", "parse_quantity", "quantity_text"]

_NUMBER = re.compile(r"([+-]?)([0-9]+\.?[0-9]*|\.[0-9]+)([A-Za-z]{0,2}|[eE][+-]?[0-9]{1,2})")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_IN_BYTES = ("memory", "ephemeral-storage", "storage", "hugepages-")
# Enough digits that no text of an allowed length is ever rounded.
_EXACT = Context(prec=200)
_LONGEST = 60
_CURE = 'write a Kubernetes quantity such as "500m", "2", "1.5" or "8Gi"'


def parse_quantity(text: str, where: str = "quantity") -> Decimal:
    """Return the amount that a quantity text stands for, exactly.

    Raises:
        InvalidInput: not a quantity.
    """
    match = _NUMBER.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise invalid(where, text, "must be a quantity", cure=_CURE)
    sign, digits, suffix = match.groups()
    number = Decimal(sign + digits)
    if suffix in _BINARY:
        return _EXACT.multiply(number, Decimal(1024 ** _BINARY[suffix]))
    if suffix in _DECIMAL:
        return number.scaleb(_DECIMAL[suffix], _EXACT)
    if suffix[0] in "eE" and suffix[1:].lstrip("+-").isdigit():
        return number.scaleb(int(suffix[1:]), _EXACT)
    raise invalid(where, text, "must be a quantity", cure=_CURE)


def canonical(text: str) -> str:
    """Return the text that the API server prints for a quantity: no fraction, the largest suffix that fits.

    Amounts below a billionth are rounded up to one, as the API server does.

    Raises:
        InvalidInput: not a quantity.
    """
    amount = parse_quantity(text)
    if text[-1:] == "i" and amount == int(amount):
        for suffix, power in reversed(_BINARY.items()):
            if amount and int(amount) % 1024**power == 0:
                return f"{int(amount) // 1024**power}{suffix}"
    nano = int(amount.scaleb(9, _EXACT).to_integral_value(rounding="ROUND_UP"))
    for suffix, power in reversed(_DECIMAL.items()):
        if nano and nano % 10 ** (power + 9) == 0:
            return f"{nano // 10 ** (power + 9)}{suffix}"
    return "0"


def amount_text(resource: str, amount: Decimal) -> str:
    """Return an amount as people write it: of memory and storage ``23.6Gi``, of everything else the number.

    A fraction has one digit, rounded down: what is printed of a node fits it.
    """
    if resource.startswith(_IN_BYTES):
        for suffix, power in reversed(_BINARY.items()):
            if abs(amount) >= 1024**power:
                tenths = int(amount * 10 / 1024**power)
                whole, tenth = divmod(tenths, 10)
                return f"{whole}.{tenth}{suffix}" if tenth else f"{whole}{suffix}"
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quantity_text(value: Any, where: str) -> str:
    """Return a str, int or float as quantity text, checked; text stays as it was written.

    Raises:
        InvalidInput: another type, not a quantity, or below zero (the API server refuses both).
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise invalid(where, value, "must be a quantity", cure=_CURE)
    text = value.removeprefix("+") if isinstance(value, str) else _number_text(value)
    if parse_quantity(text, where) < 0:
        raise invalid(where, value, "must not be negative", cure=_CURE)
    return text


def _number_text(value: float) -> str:
    """Return a number without an exponent: repr writes 1e-05, which some tools do not read as a quantity."""
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
