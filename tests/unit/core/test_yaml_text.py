"""YAML that Helm, kubectl and PyYAML read as the same values, and what a chart prints as a cluster reads it."""

from __future__ import annotations

import pytest
import yaml

from launcher.core.yaml_text import documents, read_as_go, written, written_all

# Texts that one reader or another takes for something else when they stand there without quotes.
TEXTS = (
    "=", "<<", "~", "null", "Null", "", "y", "Y", "n", "N", "yes", "No", "ON", "off", "true", "False",
    "12:30", "1:2:3.5", "-1:20", "2026-01-01", "2026-1-1", "2026-01-01T00:00:00Z", "2026-1-1 1:00",
    "1e3", "1E3", "1e+3", "1.e3", "1.5e3", "1e400", "+.5", ".5", "5.", "08", "0777", "0o17", "0O17", "0b11",
    "0B11", "0x1f", "0X1F", "+0x1f", "1_000", "1__0", ".inf", "-.INF", ".nan", "0b_", "0x_", "9" * 30,
    "- a", "? a", ": a", "--- a", "---", "...", "#", "a #b", "a: b", "!x", "&a", "*a", "%x", "@x", "`x", "|", ">",
    " lead", "trail ", "tab\tx", "\tx", "nl\nx\n", "\n", "\r", "\x85", "\u2028x", "\ufeffx", "\x1b[2J", "é", "😀",
    "word " * 60, '"a"', "'a'",
)  # fmt: skip


@read_as_go
class Go(yaml.SafeLoader):
    """A reader with the types of kubectl."""


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("loader", [yaml.SafeLoader, Go])
@pytest.mark.parametrize("unicode", [True, False])
def test_a_text_stays_a_text_for_every_reader(text, loader, unicode):
    tree = {"value": text, "list": [text, [text]], "a" + text: 1, text: {text: text}}
    assert yaml.load(written(tree, unicode=unicode), Loader=loader) == tree


@pytest.mark.parametrize(
    "value", [0, -1, 2**63, 1.5, 1e16, 1e-7, True, False, None, [], {}, [[], {"a": None}]]
)
@pytest.mark.parametrize("loader", [yaml.SafeLoader, Go])
def test_what_is_no_text_stays_what_it_is(value, loader):
    read = yaml.load(written({"a": value}), Loader=loader)["a"]
    assert (read, type(read)) == (value, type(value))


def test_plain_texts_stand_there_without_quotes():
    plain = {
        "job": "00000000-0000-0000-0000-000000000000",
        "image": "r.io/a_b/c:1.2",
        "on": "node",
        "-n": "fl",
    }
    assert "'" not in written({"a": list(plain.values())})
    assert written(plain).startswith("job: 00000000-")


def test_what_occurs_twice_is_written_twice():
    one = {"a": "b"}
    assert written([one, one]) == "- a: b\n- a: b\n"
    assert written_all([one, one]) == "a: b\n---\na: b\n"


@pytest.mark.parametrize("quick", [False, True])
def test_what_a_chart_prints_is_read_as_a_cluster_reads_it(quick):
    """Helm writes `=` without quotes, as in `command: [test, a, =, b]`, and `<<`; of both PyYAML dies."""
    text = "---\na: [=, <<, 12:30, 2026-01-01, 0x_, 1e400, 2001-12-14 21:59:43.10 -5]\n---\nb: [y, 1e3, 0o17, 08, 1_0]\n"
    assert documents(text, quick=quick) == [
        {"a": ["=", "<<", "12:30", "2026-01-01", "0x_", "1e400", "2001-12-14 21:59:43.10 -5"]},
        {"b": [True, 1000.0, 15, 8.0, 10]},
    ]


@pytest.mark.parametrize("quick", [False, True])
def test_anchors_are_read_and_the_last_of_two_keys_counts(quick):
    assert documents("a: &a {b: 1}\nc: {<<: *a, d: 2}\na: 3\n", quick=quick) == [
        {"a": 3, "c": {"b": 1, "d": 2}}
    ]
