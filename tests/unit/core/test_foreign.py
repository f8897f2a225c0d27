"""Text of others: what is escaped, what stays, and how much of it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.foreign import LONGEST, few, line, lines, tree

DANGEROUS = {"Cc", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text, Müller 東京 🙂", "plain text, Müller 東京 🙂"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\x9b31mb", "a\\x9b31mb"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("a\u2028b\x85c", "a\\u2028b\\x85c"),
        ("\udc00a", "\\udc00a"),
        ("a\U000e0041b\ufeff", "a\\U000e0041b\\ufeff"),
        ("👩\u200d🔬 \u0645\u06cc\u200c\u062e", "👩\u200d🔬 \u0645\u06cc\u200c\u062e"),
        ("a b\u3000c", "a b\u3000c"),
    ],
)  # fmt: skip
def test_one_line(text, expected):
    assert line(text) == expected


def test_lines_keep_their_ends():
    assert lines("a\n\tb\x1b\r\n") == "a\n\tb\\x1b\\r\n"


@given(st.text(st.characters(), max_size=300) | st.text("\x1b\u202e\udc00a \n", max_size=9000))
def test_whatever_comes_is_one_short_line_and_stays_as_it_is(text):
    found = line(text)
    assert len(found) <= LONGEST
    assert not {unicodedata.category(char) for char in found} & DANGEROUS
    assert line(found) == found
    found.encode()


def test_a_long_message_keeps_beginning_and_end():
    found = line(f"first {'x ' * 60000}last")
    assert len(found) <= LONGEST
    assert found.startswith("first x")
    assert found.endswith("x last")
    assert "120010 characters in all" in found


def test_no_half_word_is_left_of_a_cut():
    found = line(" ".join(["canary-5309-canary"] * 1000))
    assert set(found.replace("18999 characters in all", "").split()) == {"canary-5309-canary", "..."}


def test_a_tree_is_clean_in_keys_and_values():
    assert tree({"a\x1b": ["b\u202e", 1, None, {"c": "d\ne"}]}) == {
        "a\\x1b": ["b\\u202e", 1, None, {"c": "d\ne"}]
    }


def test_of_many_sentences_a_few_are_left():
    assert few(["a", "b\n"], 2) == ("a", "b\\n")
    assert few(map(str, range(10**9)), 2) == ("0", "1", "there is more of this kind")
    assert few(few(map(str, range(100)), 2), 3) == ("0", "1", "there is more of this kind")
