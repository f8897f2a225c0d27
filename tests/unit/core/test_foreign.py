"""Text of others: what is escaped, what stays, and how much of it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.foreign import LONGEST, few, head, line, lines, name, quoted, said, tree

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


@pytest.mark.parametrize("longest", [80, 200, 300, 600, LONGEST])
@pytest.mark.parametrize(
    "secret",
    ["Bearer {}", "Authorization: Basic {}", "password={}", '"token": "{}"', "https://user:{}@proxy", "Bearer\n{}"],
)  # fmt: skip
def test_no_half_of_a_credential_is_left_wherever_a_text_is_cut(secret, longest):
    canary = "canary5309" * 6
    for before in range(longest - 70, longest + 10, 3):
        text = (
            f"{'x' * (before // 2)} {'y' * (before - before // 2)} {secret.format(canary)} {'z ' * longest}"
        )
        found = said(text, longest)
        assert len(found) <= longest
        assert "canary" not in found


def test_what_is_said_is_one_line():
    assert said(" a\n  b\x1b\tc ") == "a b\\x1b c"


@pytest.mark.parametrize(("text", "found"), [("abc", "abc"), ("abcdefg", "abcdefg"), ("abcdefgh", "abcd...")])
def test_the_head_of_a_text(text, found):
    assert head(text, 7) == found


def test_a_name_is_short_whatever_somebody_has_called_it():
    long = "ab " * 1365
    assert len(name(long)) == 100
    assert name("a\x1b" * 300).isprintable()
    assert (name("pod-1"), quoted("pod-1"), quoted(None)) == ("pod-1", "'pod-1'", "None")
    assert len(quoted(long)) <= 102
    assert len(quoted([long])) <= 100
