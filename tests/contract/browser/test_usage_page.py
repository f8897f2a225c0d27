"""The page of `fljob usage --html` in a browser: for the eye, for the keyboard, for a screen reader, and for nobody else."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from launcher.core.report.history import Record, to_line

ROOT = Path(__file__).parents[3]
MORNING = datetime(2026, 11, 29, 6, 0, tzinfo=timezone.utc)
EMPTY = Record(
    job="", release="", namespace="fl", site="site-1", role="client", study="heart", node="worker-1",
    image="registry.example.com/flare/train:2.9.0", launched=MORNING, ended=MORNING, code="Success", return_code=0,
)  # fmt: skip
EVIL = '</script></style></title><img src="x" onerror="document.hit=1"><script>document.hit=2</script>'
# What reaches out when a name becomes an element of the page.
REACHES = (
    '<link rel="stylesheet" href="{0}/style"><img src="{0}/image"><iframe src="{0}/frame"></iframe>'
    '<p style="background:url({0}/back)">x</p><script src="{0}/script"></script><script>document.hit=1</script>'
    "<b onclick='document.hit=2'>x</b>"
)
WIDTHS = (320, 600, 896, 897, 1152, 1153, 1280)
_CONTRASTS = """
(() => {
  const shown = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), of = walk.currentNode.parentElement;
    if (!text || of.closest('.unseen') || !of.getClientRects().length) continue;
    let under = of;
    while (under.parentElement && getComputedStyle(under).backgroundColor === 'rgba(0, 0, 0, 0)') under = under.parentElement;
    shown.push([text, getComputedStyle(of).color, getComputedStyle(under).backgroundColor]);
  }
  const bars = [...document.querySelectorAll('i')].map(
    bar => [bar.className, getComputedStyle(bar).backgroundColor, getComputedStyle(document.body).backgroundColor]);
  return [shown, bars];
})()
"""


def job(
    number: int, start: float, seconds: dict[str, float], code: str = "Success", **more: object
) -> Record:
    """Return a job that was launched so many hours after the morning."""
    launched = MORNING + timedelta(hours=start)
    known = {
        "job": f"{number:08x}-0e3e-448a-b45d-f05a994c31d1",
        "release": f"fj-{number:08x}-site-1",
        "launched": launched,
        "ended": launched + timedelta(seconds=sum(seconds.values())),
        "code": code,
        "return_code": 0 if code == "Success" else 1,
        "seconds": seconds,
    }
    return replace(EMPTY, **{**known, **more})


DAY = [
    job(0x3F0C9B1E, 0.0, {"Launching": 2, "Pulling": 540, "Running": 9200}),
    job(0x11A2D803, 0.1, {"Launching": 2, "QuotaExceeded": 4100, "Running": 5400}, study="lung"),
    job(0x7D10E1C4, 0.7, {"Launching": 2, "NodesTooSmall": 120}, "NodesTooSmall"),
    job(0xA49F0B77, 1.2, {"Launching": 3, "InsufficientResources": 2700, "Running": 7300}, site="site-2"),
    job(0x5B02C6D1, 2.4, {"Launching": 2, "Creating": 14, "Running": 1900}, "OOMKilled", study="lung"),
    job(0xC07714AA, 3.3, {"Launching": 2, "VolumeAttach": 240, "Pulling": 95, "Running": 6100}, study=""),
    job(0x0D3E9F20, 4.0, {"Launching": 2, "ImageNotFound": 130}, "ImageNotFound", site="site-2"),
    job(
        0xE8815CB3, 4.2, {"Launching": 2, "ClusterAway": 310, "InsufficientResources": 1500, "Running": 4200}
    ),
    job(0x96D4F011, 5.0, {"Launching": 2, "ScaleUp": 420, "Pulling": 610, "Running": 8800}, study="lung"),
    job(0x2C6BAA45, 5.9, {"Launching": 2, "Running": 3}, "AppError", site="site-2"),
]
HOSTILE = [
    job(1, 0.0, {EVIL: 400.0, "Running": 10.0}, job=EVIL, site=EVIL, study=EVIL, code=EVIL),
    job(2, 0.5, {"w" * 300: 400.0}, job="j" * 300, site="s" * 300, study="t" * 300, code="c" * 300),
    job(
        3, 1.0, {"\u202e\u2066gnp.exe": 40.0}, job="\u202eboj\u202d", site="\u2067site", study="\u200f\u061c"
    ),
    job(4, 1.0, {"Running": 999_999_999.0}, ended=MORNING, job="longer than the day"),
    job(5, 1.0, {f"cause {number}": 1.0 for number in range(100)}, job="a hundred causes"),
    job(6, 1.0, {}, job="no time at all"),
    job(7, 1.0, {"Running": 0.004}, job="\u75c5\u9662" * 140),
]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes the page of a history as the command does."""

    def write(records: list[Record]) -> Path:
        history = tmp_path / "fljob" / "history.jsonl"
        history.parent.mkdir(exist_ok=True)
        history.write_text("".join(map(to_line, records)), encoding="utf-8")
        history.chmod(0o600)
        file = tmp_path / "usage.html"
        words = ["usage", "--kit", str(tmp_path), "--html", str(file)]
        command = [sys.executable, "-m", "launcher", *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stderr) == (0, "")
        return file

    return write


def asked_for(page) -> set[str]:
    return {one["request"]["url"] for one in page.events("Network.requestWillBeSent")}


def complaints(page) -> list[dict]:
    return page.events("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")


@pytest.mark.parametrize("records", [DAY, HOSTILE, []], ids=["a day", "hostile", "nothing"])
def test_the_page_loads_nothing_runs_nothing_and_is_no_wider_than_the_window(look, write, records):
    page = look(write(records))
    for width in WIDTHS:
        page.size(width)
        assert page.evaluate("innerWidth") == width
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width, width
        beyond = "[...document.querySelectorAll('body *:not(.track *)')].filter(one => one.getClientRects().length && "
        beyond += (
            "one.getBoundingClientRect().right > innerWidth + 0.5).map(one => one.outerHTML.slice(0, 80))"
        )
        assert page.evaluate(beyond) == [], width
    assert asked_for(page) == {page.url}
    assert complaints(page) == []
    assert page.evaluate("[document.hit ?? null, document.scripts.length, document.images.length]") == [
        None,
        0,
        0,
    ]
    assert len(page.evaluate("[...document.querySelectorAll('tbody th')].map(one => one.innerText)")) >= len(
        records
    )


def test_times_on_the_axis_do_not_run_into_each_other(look, write):
    late = job(0xFF, 70.0, {"Running": 60})
    page = look(write([*DAY, late]))  # of several days, which have the longest words
    for width in WIDTHS:
        page.size(width)
        boxes = page.evaluate(
            "[...document.querySelectorAll('.axis span')].map(one => one.getBoundingClientRect())"
            ".filter(box => box.width).map(box => [box.left, box.right])"
        )
        assert len(boxes) in (3, 5)
        assert all(end + 4 < start for (_, end), (start, _) in itertools.pairwise(boxes)), (width, boxes)


@pytest.fixture
def server():
    """An address at which a server listens, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}", asked
        found.shutdown()
        thread.join()


def test_a_name_that_became_an_element_would_reach_nobody_and_run_nothing(look, write, tmp_path, server):
    """Held twice: names are text, and the page's own policy. Out of a page without one the same elements reach."""
    address, asked = server
    text = write(DAY).read_text(encoding="utf-8")
    (tmp_path / "broken.html").write_text(
        text.replace("<main>", f"<main>{REACHES.format(address)}"), encoding="utf-8"
    )
    page = look(tmp_path / "broken.html")
    page.evaluate("document.querySelector('b').click()")
    assert page.evaluate("document.hit ?? null") is None
    (tmp_path / "open.html").write_text(f"<!doctype html><body>{REACHES.format(f'{address}/open')}")
    page = look(tmp_path / "open.html")
    assert page.evaluate("document.hit") == 1
    expected = {f"/open/{name}" for name in ("style", "image", "frame", "back", "script")}
    end = time.monotonic() + 60
    while expected - set(asked) and time.monotonic() < end:
        time.sleep(0.1)
    assert set(asked) - {"/favicon.ico"} == expected


@pytest.mark.parametrize("width", [320, 1280])
def test_a_screen_reader_is_told_of_every_bar_and_of_what_stands_at_the_head_of_a_cell(look, write, width):
    page = look(write(DAY), width)
    told = page.accessible()
    bars = [name for role, name in told if role in ("image", "img")]
    assert len(bars) == len(DAY)
    for one, name in zip(DAY, bars, strict=True):
        assert name.startswith(f"{one.job} at {one.site}, from ")
        assert all(cause in name for cause, seconds in one.seconds.items() if seconds >= 1), name
    assert bars[0].endswith("from 06:00: Running 2h 33m, Pulling 9m, Launching 2s")
    heads = [name for role, name in told if role == "columnheader"]
    sums = ["Jobs", "Failed", "Ran", "Waited", "Waited for"]
    assert heads == ["Job", "Time by cause", "End", "Study", *sums, "Code", *sums, "Site", *sums]
    rows = [name for role, name in told if role == "rowheader"]
    assert rows[: len(DAY)] == [
        f"{one.job} at {one.site}" + (f", study {one.study}" if one.study else "") for one in DAY
    ]
    assert {"heart", "lung", "default", "OOMKilled", "site-2"} <= set(rows)
    tables = [name for role, name in told if role == "table"]
    assert tables == ["Jobs", "By study", "By code", "By site"]
    assert [name for role, name in told if role == "heading"] == ["Where the time of jobs went", *tables]
    assert {"main", "navigation", "banner"} <= {role for role, _ in told}


def test_the_keyboard_reaches_every_table_and_shows_where_it_is(look, write):
    page = look(write(DAY))
    links = page.evaluate(
        "[...document.querySelectorAll('a,button,input,[tabindex]')].map(one => one.innerText)"
    )
    reached = []
    for _ in links:
        page.press("Tab")
        state = page.evaluate(
            "(one => [one.innerText, one.matches(':focus-visible'), getComputedStyle(one).outlineStyle,"
            " parseFloat(getComputedStyle(one).outlineWidth)])(document.activeElement)"
        )
        assert state[1:] == [True, "solid", 2], state
        reached.append(state[0])
    assert reached == links == ["Jobs", "By study", "By code", "By site"]
    page.press("Enter")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("location.hash") == "#by-site"
    top = page.evaluate("document.getElementById('by-site').getBoundingClientRect().top")
    assert 0 <= top < 800


def _light(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2 of a colour without transparency."""
    found = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour)
    assert found is not None, colour
    parts = [int(part) / 255 for part in found.groups()]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_light(one), _light(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read_and_bars_be_seen(look, write, scheme):
    page = look(write(DAY))
    page.scheme(scheme)
    texts, bars = page.evaluate(_CONTRASTS)
    assert len(texts) > 60
    assert len({look for look, _, _ in bars}) == 9
    faint = {(text, colour, under) for text, colour, under in texts if _contrast(colour, under) < 4.5}
    assert faint == set()
    assert {(look, colour) for look, colour, under in bars if _contrast(colour, under) < 3} == set()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (_light(ground) > 0.5) == (scheme == "light")


def test_causes_are_told_apart_by_a_pattern_too_and_the_legend_shows_the_same_one(look, write):
    page = look(write(DAY))
    of = "(one => [one.className, getComputedStyle(one).backgroundImage + getComputedStyle(one).backgroundSize])"
    legend = dict(page.evaluate(f"[...document.querySelectorAll('.legend i')].map({of})"))
    bars = page.evaluate(f"[...document.querySelectorAll('.track i')].map({of})")
    assert len(legend) == len(set(legend.values())) == 9
    assert all(legend[look] == pattern for look, pattern in bars)


def test_a_bar_is_where_and_as_long_as_its_job_was(look, write):
    page = look(write(DAY))
    boxes = page.evaluate(
        "[...document.querySelectorAll('.track')].map(track => [track.clientWidth, track.getBoundingClientRect().left, "
        "...[...track.querySelectorAll('i')].map(i => i.getBoundingClientRect()).map(box => [box.left, box.width])])"
    )
    last = max(one.ended for one in DAY)
    length = (last - MORNING).total_seconds()
    for one, (track, left, *parts) in zip(DAY, boxes, strict=True):
        whole = sum(one.seconds.values())
        wide = track * whole / length
        assert sum(width for _, width in parts) == pytest.approx(wide, rel=0.01) or wide < 4
        assert sum(width for _, width in parts) >= 4 - 0.05  # the shortest one is seen
        start = track * (one.launched - MORNING).total_seconds() / length
        assert parts[0][0] - left == pytest.approx(start, abs=2) or track - start < 4
        if wide < 100:
            continue
        for seconds, (_, width) in zip(one.seconds.values(), parts, strict=True):
            assert width == pytest.approx(track * seconds / length, rel=0.01, abs=0.1)


def test_a_thousand_jobs_are_a_page_that_opens(look, write):
    many = [replace(one, release=f"{one.release}-{turn}") for turn in range(100) for one in DAY]
    file = write(many)
    assert file.stat().st_size < 2_000_000
    page = look(file)
    assert page.evaluate("document.querySelectorAll('.track').length") == 1000
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 1280
    assert asked_for(page) == {page.url}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_for_the_pages_are_small(look, write, pictures, tmp_path, scheme):
    page = look(write(DAY), 900)
    page.scheme(scheme)
    file = (pictures or tmp_path) / f"usage-{scheme}.png"
    page.picture(file, 600)
    assert file.read_bytes().startswith(b"\x89PNG")
    assert file.stat().st_size < 120_000
