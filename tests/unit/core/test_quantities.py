"""Quantities: the API server's grammar, exact amounts, text in and text out."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.quantities import amount_text, canonical, parse_quantity, quantity_text
from launcher.errors import InvalidInput

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E-3"]
TEXTS = st.builds(
    "{}{}".format,
    st.one_of(st.integers(0, 10**12).map(str), st.from_regex(r"[0-9]{1,6}\.[0-9]{1,6}", fullmatch=True)),
    st.sampled_from(SUFFIXES),
)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1", "1"),
        ("0.5", "0.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("500m", "0.5"),
        ("1k", "1000"),
        ("1Ki", "1024"),
        ("1.5Gi", "1610612736"),
        ("1E", "1e18"),
        ("1E3", "1000"),
        ("1e3", "1000"),
        ("1e-3", "0.001"),
        ("100n", "1e-7"),
        ("-1", "-1"),
        ("+1", "1"),
    ],
)
def test_parse_quantity(text, amount):
    assert parse_quantity(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1GB",
        "1gi",
        "1K",
        "m",
        "1,5",
        "0x10",
        "1e",
        "1e1000",
        "٣",
        "1\n",
        "9" * 61,
        "1i",
        "--1",
    ],
)
def test_parse_quantity_rejects_invalid_text(text):
    with pytest.raises(InvalidInput, match=r"here: must be a quantity.*\n.*cure: .*500m"):
        parse_quantity(text, "here")


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("0.5", "500m"),
        ("1000m", "1"),
        ("1000", "1k"),
        ("1024Ki", "1Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("1e3", "1k"),
        ("0", "0"),
        ("0Gi", "0"),
        ("0.1n", "1n"),
    ],
)
def test_canonical_matches_api_server(text, printed):
    assert canonical(text) == printed


@given(TEXTS)
def test_canonical_is_idempotent_and_keeps_amount(text):
    printed = canonical(text)
    assert canonical(printed) == printed
    assert 0 <= parse_quantity(printed) - parse_quantity(text) < Decimal("1e-9")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("500m", "500m"),
        ("0.50", "0.50"),
        ("+2", "2"),
        (2, "2"),
        (2.0, "2"),
        (0.1, "0.1"),
        (1e-5, "0.00001"),
        (1e20, "1" + "0" * 20),
    ],
)
def test_quantity_text(value, text):
    assert quantity_text(value, "here") == text


@given(st.floats(0, 1e15, allow_subnormal=False).filter(lambda value: value == 0 or value > 1e-30))
def test_quantity_text_keeps_amount(value):
    assert float(parse_quantity(quantity_text(value, "here"))) == value


@pytest.mark.parametrize("value", [True, None, [], {}, "-1", -1, -0.5, float("nan"), float("inf"), "lots"])
def test_quantity_text_rejects_invalid_values(value):
    with pytest.raises(InvalidInput, match="here: must"):
        quantity_text(value, "here")


@pytest.mark.parametrize(
    ("resource", "text", "shown"),
    [
        ("memory", "536870912000", "500Gi"),
        ("memory", "25325268992", "23.5Gi"),
        ("memory", "24731708Ki", "23.5Gi"),
        ("memory", "1023", "1023"),
        ("memory", "1024", "1Ki"),
        ("memory", "0", "0"),
        ("ephemeral-storage", "1Ti", "1Ti"),
        ("ephemeral-storage", "1535Mi", "1.4Gi"),
        ("hugepages-2Mi", "4Mi", "4Mi"),
        ("cpu", "500", "500"),
        ("cpu", "500m", "0.5"),
        ("nvidia.com/gpu", "1024", "1024"),
    ],
)
def test_an_amount_is_shown_as_people_write_it(resource, text, shown):
    assert amount_text(resource, parse_quantity(text)) == shown
