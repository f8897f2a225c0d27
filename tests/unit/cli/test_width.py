"""How wide the output may be, and long texts beside a title."""

from __future__ import annotations

import random
import time

import pytest
from rich.cells import cell_len

from launcher.cli.width import command, folded, hanging, output_width, table

IMAGE = "registry.example.test/a/very/long/name/of/an/image-with-hyphens:1.2.3"


def test_a_program_gets_each_text_in_one_line(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert output_width() is None
    assert hanging("detail:   ", "word " * 100, None) == "detail:   " + "word " * 100


def test_the_environment_may_name_a_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    assert output_width() == 50


def test_a_text_stays_beside_its_title():
    assert hanging("cure:     ", "correct the image in launcher_spec or push it", 35).splitlines() == [
        "cure:     correct the image in",
        "          launcher_spec or push it",
    ]


def test_a_name_is_never_broken():
    assert IMAGE in hanging("detail:   ", f"pulling image {IMAGE} failed", 40).splitlines()[1]


def test_where_there_is_no_room_beside_the_title_the_text_stands_below_it():
    assert hanging("detail:   ", "one two three", 29) == "detail:   one two three"
    assert hanging("detail:   ", "one two three four", 20).splitlines() == [
        "detail:",
        "    one two three",
        "    four",
    ]


def test_a_word_gives_up_its_indentation_before_its_line_is_too_long():
    assert hanging("detail:   ", "in x/an/image:1", 14).splitlines() == [
        "detail:",
        "    in",
        "  x/an/image:1",
    ]
    assert folded("cure: x/an/image:1.2.3 is old", 14).splitlines() == [
        "cure:",
        "x/an/image:1.2.3",
        "    is old",
    ]


def test_a_character_may_take_two_columns():
    assert folded("\u60a3\u8005 \u6570\u636e", 8) == "\u60a3\u8005\n    \u6570\u636e"
    assert table([("\u60a3\u8005", "x", ""), ("abcdef", "y", "")], None) == ["\u60a3\u8005    x", "abcdef  y"]


def test_each_line_of_a_text_has_its_own_indentation():
    assert folded("error: it is old\n  cure: make it new", 15).splitlines() == [
        "error: it is",
        "    old",
        "  cure: make it",
        "      new",
    ]


def test_no_line_is_too_long_but_for_one_word_and_none_is_cut():
    chance = random.Random(3)
    for _ in range(500):
        words = ["".join(chance.choices("ab\u60a3", k=chance.randint(1, 12))) for _ in range(9)]
        title, text, width = f"{words[0]}:   ", "  ".join(words), chance.randint(1, 60)
        rows = [("A", "B", "C"), (words[0], words[1], text)]
        for shown in (hanging(title, text, width), folded(text, width), *table(rows, width)):
            for line in shown.splitlines():
                assert cell_len(line) <= width or " " not in line, (width, shown)
        assert hanging(title, text, width).split() == [*title.split(), *words]


ROWS = [("CHECK", "ANSWER", "CODE", "CLOCK"), ("Pod p", "fails", "PullFailed", "timeouts.pull 60 s")]


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (None, ["CHECK  ANSWER  CODE        CLOCK", "Pod p  fails   PullFailed  timeouts.pull 60 s"]),
        (45, ["CHECK  ANSWER  CODE        CLOCK", "Pod p  fails   PullFailed  timeouts.pull 60 s"]),
        (44, ["CHECK  ANSWER  CODE        CLOCK", "Pod p  fails   PullFailed", "    timeouts.pull 60 s"]),
        (
            24,
            ["CHECK  ANSWER", "    CODE  CLOCK", "Pod p  fails", "    PullFailed", "    timeouts.pull 60 s"],
        ),
    ],
)
def test_what_of_a_table_has_no_room_stands_below_its_line(width, lines):
    assert "\n".join(table(ROWS, width)).splitlines() == lines


def test_one_long_name_moves_nothing_of_the_others():
    rows = [ROWS[0], ("Pod " + "p" * 20, "ok", "", ""), ("fit", "ok", "", "")]
    assert table(rows, 25) == [
        "CHECK              ANSWER\n    CODE  CLOCK",
        f"Pod {'p' * 20}\n    ok",
        "fit                ok",
    ]


def test_a_title_without_a_text():
    assert hanging("pod:      ", "", 50) == "pod:      "


END = "fljob terminate fj-a1-site-1-0 -n fl"


def test_a_command_is_never_broken_since_a_shell_would_run_its_first_half():
    assert folded(f"the job goes on\n  or end it: {command(END)}", 20).splitlines() == [
        "the job goes on",
        "  or end it:",
        END,
    ]
    assert folded(f"or end it: {command(END)}", None) == f"or end it: {END}"
    assert hanging("cure:     ", f"run `{END}` first", 50).splitlines() == [
        "cure:     run",
        f"          `{END}`",
        "          first",
    ]


@pytest.mark.parametrize("text", ["one ` backquote of somebody else", f"two ` {'x ' * 101}` far away"])
def test_backquotes_of_others_are_no_command(text):
    assert max(map(len, folded(text, 20).splitlines())) <= 20


def test_a_text_below_a_title_of_blanks_begins_without_an_empty_line():
    assert hanging(" " * 25, "one two three four", 40) == f"{' ' * 4}one two three four"


def test_a_table_of_a_name_and_a_text():
    assert table([("NAME", "WHY"), ("n" * 20, "one two")], 20) == [
        "NAME\n    WHY",
        f"{'n' * 20}\n    one two",
    ]


def test_a_long_text_on_a_terminal_without_an_end_is_folded_at_once():
    """COLUMNS=99999999 is what people write who want no breaks; each word once cost the whole line."""
    text = "word " * 20_000
    before = time.process_time()
    assert folded(text, 99_999_999).split() == text.split()
    assert time.process_time() - before < 2
