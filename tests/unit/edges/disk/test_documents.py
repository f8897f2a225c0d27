"""Documents: whatever is on disk, the answer is a parsed value or one clear error."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.edges.disk.documents import exists, parse_json, parse_manifests, read_text, read_yaml
from launcher.errors import InvalidInput

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: [1", r"x\.yaml:1:6: "),
        ("a: b: c", r"x\.yaml:1:5: mapping values are not allowed here"),
        (
            "a: b\nc: d\0\n",
            r"x\.yaml:2:5: has the character #x0000, which YAML does not allow\n  cure: take it",
        ),
        ("é: b\x7f", r"x\.yaml:1:5: has the character #x007f"),
        ("a: b\n---\nc: d\n", r"x\.yaml:2:1: a second document begins, and one is read: take it out"),
        ("a: [x, =]", r"x\.yaml:1:8: `=` must be quoted"),
        ("a: [<<]", r"x\.yaml:1:5: `<<` must be quoted"),
        (f"a: {'9' * 5000}", r"x\.yaml: is not YAML: it has a number of more than 4300 digits\n"),
        ("a: 1\nb:\n  c: 1\n  c: 2", r"x\.yaml:4:3: key 'c' occurs twice"),
        ("? [a]\n: b", r"x\.yaml:1:3: found unhashable key"),
        ("a: !!python/name:os.system", r"x\.yaml:1:4: could not determine a constructor"),
        ("a: *nobody", r"x\.yaml:1:4: found undefined alias"),
        ("a: 2026-13-45", r"x\.yaml: is not YAML: month"),
        ('a: !!int ""', r"x\.yaml: is not YAML"),
        ("a: !!bool x", r"x\.yaml: is not YAML"),
        ("a: !!timestamp x", r"x\.yaml: is not YAML"),
        ("a: \x01", r"x\.yaml:1:4: has the character #x0001, which YAML does not allow"),
        ("[" * 5000, r"x\.yaml:1:102: is nested more than 100 levels deep"),
        (f"a: [0x{'f' * 4000}]", r"x\.yaml: has a number of more than 4000 digits"),
        ("&a [*a]", r"x\.yaml: has more than 200000 items"),
        (BOMB, r"x\.yaml: has more than 200000 items"),
    ],
)
def test_yaml_that_is_refused(tmp_path, text, error):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(InvalidInput, match=error) as raised:
        read_yaml(tmp_path / "x.yaml")
    assert raised.value.cure


def test_yaml_merge_keys_may_repeat_what_they_merge(tmp_path):
    (tmp_path / "x.yaml").write_text("base: &b {a: 1}\nx: {<<: *b, a: 2}\n")
    assert read_yaml(tmp_path / "x.yaml")["x"] == {"a": 2}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"a": 1,}', r"m\.json:1:\d+: "),
        ('{\n"a" 1}', r"m\.json:2:5: Expecting ':' delimiter"),
        ("", r"m\.json:1:1: Expecting value"),
        ('{"a": {"b": 1, "b": 2}}', r"m\.json: key 'b' occurs twice"),
        ("[" * 100_000, r"m\.json: is not JSON: is nested more than 100 levels deep"),
        ("1" * 5000, r"m\.json: is not JSON: it has a number of more than 4300 digits\n"),
    ],
)
def test_json_that_is_refused(text, error):
    with pytest.raises(InvalidInput, match=error) as raised:
        parse_json(text, "m.json")
    assert raised.value.cure


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"ok\nab\xff", r"f:2: is not UTF-8 text"), (b"x" * (4 * 1024 * 1024 + 1), "is larger than 4194304")],
)
def test_text_that_is_refused(tmp_path, content, error):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(InvalidInput, match=error):
        read_text(tmp_path / "f")


def test_a_byte_order_mark_is_not_text(tmp_path):
    (tmp_path / "f").write_bytes(b"\xef\xbb\xbf{}")
    assert read_text(tmp_path / "f") == "{}"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/", "Is a directory"),
        ("/dev/null/x", "Not a directory"),
        ("/a\0b", "null byte"),
        ("x" * 999, "too long"),
    ],
)
def test_places_that_cannot_be_read(path, error):
    with pytest.raises(InvalidInput, match=rf"cannot be read: .*{error}"):
        read_text(Path(path))


def test_a_missing_file():
    with pytest.raises(InvalidInput, match="/nowhere/x: there is no such file"):
        read_text(Path("/nowhere/x"))


@pytest.mark.parametrize(
    ("path", "there"), [("/", True), ("/nowhere", False), ("/a\0b", True), ("x" * 999, True)]
)
def test_what_cannot_be_looked_up_is_there(path, there):
    # Python 3.10 to 3.13 differ on NUL bytes; either way nothing is raised.
    assert exists(Path(path)) is there or "\0" in path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "what the chart prints: cannot be read: "),
        ("[" * 5000, "what the chart prints: cannot be read: "),
        ("- a\n", "what the chart prints: must be objects, not "),
        (BOMB, "what the chart prints: has more than 200000 items"),
    ],
)
def test_a_chart_that_prints_no_objects(text, words):
    with pytest.raises(InvalidInput, match=words):
        parse_manifests(text)


def test_what_a_chart_prints():
    assert parse_manifests("---\n# Source: a\nkind: Pod\n---\n---\nkind: Job\n") == [
        {"kind": "Pod"},
        {"kind": "Job"},
    ]
