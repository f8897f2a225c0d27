"""How wide the output may be, and long texts beside a title."""

from __future__ import annotations

import pytest

from launcher.cli.width import hanging, output_width

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


@pytest.mark.parametrize("width", [1, 10, 29])
def test_where_there_is_no_room_beside_the_title_the_terminal_breaks_the_line(width):
    assert hanging("detail:   ", "one two three", width) == "detail:   one two three"


def test_a_title_without_a_text():
    assert hanging("pod:      ", "", 50) == "pod:      "
