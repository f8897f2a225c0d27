"""Kubernetes quantities: parse, compare, canonical text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

__all__ = ["canonical", "parse_quantity", "quantity_text"]


def parse_quantity(text: str, where: str = "") -> Decimal:
    """Return the amount that a quantity text stands for."""
    raise NotImplementedError


def canonical(amount: Decimal) -> str:
    """Return the shortest text of an amount."""
    raise NotImplementedError


def quantity_text(value: Any, where: str) -> str:
    """Return a str, int or float as quantity text, checked."""
    raise NotImplementedError
