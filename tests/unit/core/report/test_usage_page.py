"""The page of `fljob usage --html`: well formed, with every job in words too, and nothing of it loads or runs anything."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

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
    assert ("tabindex", "0") in tree.attributes
    assert ("lang", "en") in tree.attributes
    assert tree.tags.count("h1") == 1


def test_nothing_is_loaded_and_nothing_runs():
    text = page(JOBS, None, START)
    tree = Tree(text)
    assert not {"script", "link", "img", "iframe", "object", "a"} & set(tree.tags)
    assert not {"src", "href", "onclick"} & {name for name, _ in tree.attributes}
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
    styles = re.findall(r"left:([\d.]+)%;width:([\d.]+)%", page([late, early], None, START))
    assert [(float(left), float(wide)) for left, wide in styles] == [(0, 50), (50, 25), (75, 25)]


def test_an_empty_history_is_a_page_as_well():
    assert "No job has ended." in page([], None, START)
    assert "No job has ended." in page(JOBS, START + timedelta(days=1), START)


def test_thousands_of_jobs_are_summed_and_the_last_ones_drawn():
    many = [replace(RECORD, job=f"j{number}", release=f"fj-{number}") for number in range(3000)]
    text = page(many, None, START)
    assert "3000 job processes, the last 500 of them below" in text
    assert text.count('<tr tabindex="0">') == 500
    assert len(text) < 1_000_000


def test_causes_of_one_code_have_one_colour_and_their_own_names():
    seconds = {"InsufficientResources(cpu)": 30.0, "InsufficientResources(nvidia.com/gpu)": 20.0}
    text = page([replace(RECORD, seconds=seconds)], None, START)
    assert text.count("background:var(--c0)") == 3  # two bars and the legend
    assert "InsufficientResources(nvidia.com/gpu) 20s" in text
    legend = text[text.index('class="legend"') : text.index("</ul>")]
    assert legend.count("InsufficientResources") == 1
    assert "nvidia" not in legend
