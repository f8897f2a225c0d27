"""The page of `fljob usage --html`: well formed, with every job in words too, and nothing of it loads or runs anything."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta, timezone
from html.parser import HTMLParser

import pytest

from launcher.core.report.history import from_line, to_line
from launcher.core.report.usage_page import page
from tests.fakes import START
from tests.unit.core.report.test_history import JOBS, RECORD

VOID = {"meta", "br"}


class Tree(HTMLParser):
    """Checks that every tag is closed in order, and collects texts and attributes."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.attributes, self.tags = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_each_job_is_a_row_with_a_bar_and_its_times_in_words():
    tree = Tree(page(JOBS, None, START))
    words = " ".join(tree.texts)
    for text in (
        "a at hôpital, study heart",
        "OOMKilled",
        "Running 1m 40s, QuotaExceeded 20s",
        "By study",
        "By code",
    ):
        assert text in words
    names = [value for name, value in tree.attributes if name == "aria-label"]
    assert any("a at hôpital, from " in name and "QuotaExceeded 20s" in name for name in names)
    assert ("lang", "en") in tree.attributes
    assert tree.tags.count("h1") == 1


def test_nothing_is_loaded_and_nothing_runs():
    text = page(JOBS, None, START)
    tree = Tree(text)
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & set(tree.tags)
    assert not {"src", "onclick"} & {name for name, _ in tree.attributes}
    assert {value[0] for name, value in tree.attributes if name == "href"} == {"#"}
    assert "url(" not in text
    assert "@import" not in text


def test_names_of_others_are_text():
    evil = replace(
        RECORD, job='<script>alert(1)</script>"', site="</td>", study="&lt;", code="<b>", release="r"
    )
    evil = replace(evil, seconds={'"><img src=x>': 5.0})
    tree = Tree(page([evil], None, START))
    assert "script" not in tree.tags
    assert "img" not in tree.tags
    assert "b" not in tree.tags
    assert any("<script>alert(1)" in text for text in tree.texts)


def test_the_bar_of_a_job_is_where_and_as_long_as_it_was():
    early = replace(
        RECORD, launched=START, ended=START + timedelta(seconds=50), seconds={"Running": 50.0}, job="a"
    )
    late = replace(
        RECORD,
        launched=START + timedelta(seconds=50),
        ended=START + timedelta(seconds=100),
        seconds={"QuotaExceeded": 25.0, "Running": 25.0},
        job="b",
        release="fj-b",
    )
    text = page([late, early], None, START)
    bars = re.findall(r"left:min\(([\d.]+)%,[^)]*\)\);width:([\d.]+)%", text)
    assert [(float(left), float(wide)) for left, wide in bars] == [(0, 50), (50, 50)]
    parts = re.findall(r'<i class="(\w+)" style="width:([\d.]+)%"', text)
    assert [(look, float(wide)) for look, wide in parts] == [("run", 100), ("c0", 50), ("run", 50)]


def test_each_cause_has_a_look_until_there_are_none_left():
    """A colour and a pattern: not everybody tells colours apart. The shortest ones share the last look."""
    causes = {f"Cause{number}": 100.0 - number for number in range(12)}
    one = replace(RECORD, seconds={"Running": 1000.0, **causes})
    text = page([one], None, START)
    legend = re.search(r"<ul.*?</ul>", text)[0]
    looks = re.findall(r'<i class="(\w+)"></i>(.*?)</li>', legend)
    assert looks == [
        ("run", "Running"),
        *((f"c{n}", f"Cause{n}") for n in range(7)),
        ("c7", "5 other causes"),
    ]
    assert '<i class="c7"' in text
    assert "5 other causes" in text


def test_an_empty_history_is_a_page_as_well():
    assert "No job has ended." in page([], None, START)
    assert "No job has ended." in page(JOBS, START + timedelta(days=1), START)


def test_thousands_of_jobs_are_summed_and_the_last_ones_drawn():
    many = [replace(RECORD, job=f"j{number}", release=f"fj-{number}") for number in range(3000)]
    text = page(many, None, START)
    assert "3000 job processes, the last 1000 of them below" in text
    assert text.count('role="img"') == 1000
    assert len(text) < 1_000_000


def test_causes_of_one_code_have_one_colour_and_their_own_names():
    seconds = {"InsufficientResources(cpu)": 30.0, "InsufficientResources(nvidia.com/gpu)": 20.0}
    text = page([replace(RECORD, seconds=seconds)], None, START)
    assert text.count('class="c0"') == 3  # two bars and the legend
    assert "InsufficientResources(nvidia.com/gpu) 20s" in text
    legend = text[text.index('class="legend"') : text.index("</ul>")]
    assert legend.count("InsufficientResources") == 1
    assert "nvidia" not in legend


def test_a_history_in_which_everything_is_long_is_no_page_without_end():
    causes = {f"{number:03}{chr(34) * 297}": 1.0 for number in range(100)}
    long = dict.fromkeys(("job", "site", "study", "code"), '"' * 300)
    many = [
        replace(RECORD, **{**long, "study": f"{number}{long['study']}"}, release=f"{number}", seconds=causes)
        for number in range(1200)
    ]
    text = page(many, None, START)
    assert len(text) < 12_000_000
    assert "and 1000 more" in text


@pytest.mark.parametrize("hours", [-12, 14])
def test_no_time_that_can_be_read_is_too_much_for_a_zone(hours):
    words = to_line(RECORD)
    for moment in ("0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00"):
        assert from_line(words.replace(RECORD.ended.isoformat(timespec="milliseconds"), moment)) is None
    far = words.replace(RECORD.launched.isoformat(timespec="milliseconds"), "0002-01-01T00:00:00+00:00")
    last = words.replace(RECORD.ended.isoformat(timespec="milliseconds"), "9998-12-31T23:59:59+00:00")
    read = [from_line(far), from_line(last)]
    assert None not in read
    assert "<table" in page(read, None, START.astimezone(timezone(timedelta(hours=hours))))
