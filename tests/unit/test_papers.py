"""The pages say what is there: links, files and functions that they name, log lines that they quote."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRACKED = [
    Path(name)
    for name in subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    if name and (ROOT / name).is_file()
]
PAGES = [path for path in TRACKED if path.suffix == ".md"]
DECISIONS = [path for path in PAGES if re.fullmatch(r"docs/decisions/\d{4}-.*\.md", path.as_posix())]
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
# [`core/names.py`](../launcher/core/names.py) `release_name`: what follows the link stands in the file.
NAMED = re.compile(r"\]\((?P<file>[^)\s]+\.py)\),?\s+`(?P<name>\w+)`")
CODE = re.compile(r"`([^`\n]+)`")
# Pages call a module by its path below launcher/, too.
FOLDERS = {path.parts[0] for path in TRACKED if len(path.parts) > 1}
IN_LAUNCHER = {path.parts[1] for path in TRACKED if path.parts[0] == "launcher" and len(path.parts) > 2}


def text_of(path: Path) -> str:
    return (ROOT / path).read_text()


def prose(path: Path) -> str:
    """Return a page without its blocks of code, in which brackets and backticks mean other things."""
    return re.sub(r"^```.*?^```", "", text_of(path), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    titles = re.findall(r"^#+ +(.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield path and anchor of every link of a page that leads into the repository."""
    for found in LINK.finditer(prose(page)):
        target, _, anchor = found["target"].partition("#")
        if "://" not in target:
            path = (ROOT / page.parent / target).resolve() if target else ROOT / page
            yield path.relative_to(ROOT), anchor


def is_there(path: Path) -> bool:
    return any(one == path or path in one.parents for one in TRACKED)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_to_something(page):
    found = list(links(page))
    assert [path for path, _ in found if path != Path() and not is_there(path)] == []
    assert [(path, anchor) for path, anchor in found if anchor and anchor not in anchors(path)] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_function_that_a_page_names_beside_a_file_is_defined_there(page):
    for found in NAMED.finditer(prose(page)):
        source = (ROOT / page.parent / found["file"]).read_text()
        name = found["name"]
        assert re.search(rf"^\s*(?:(?:async )?def|class) {name}\b|^{name}\b.* = ", source, re.MULTILINE), (
            f"{name} is not in {found['file']}"
        )


def paths_in(page: Path) -> Iterator[str]:
    """Yield what a page writes as code and what looks like a path of the repository."""
    for code in CODE.findall(prose(page)):
        word = code.split()[0].rstrip("/")
        first, _, rest = word.partition("/")
        if rest and (first in FOLDERS or first in IN_LAUNCHER) and re.fullmatch(r"[\w./-]+", word):
            yield word


# Where the wheel has chart and templates, and what the steps of CONTRIBUTING let the reader make.
NOT_HERE = re.compile(
    r"launcher/_share.*|launcher/cli/commands/age\.py|tests/unit/cli/commands/test_age\.py|"
    r"tests/data/pods/image-quarantined\.yaml"
)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_path_of_the_repository_that_a_page_names_is_there(page):
    named = {one for one in paths_in(page) if not NOT_HERE.fullmatch(one)}
    assert {one for one in named if not is_there(Path(one)) and not is_there(Path("launcher", one))} == set()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_no_page_knows_the_machine_on_which_it_was_written(page):
    assert re.findall(r"(?<![\w.$}])/(?:work|tmp|root|home)/\S*", text_of(page)) == []


_NO_SOURCES = (".md", ".sum", ".mod", ".lock", ".png")
SOURCES = [path for path in TRACKED if path.suffix not in _NO_SOURCES and path.name != "LICENSE"]


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_no_comment_cites_a_page_that_is_not_here(path):
    try:
        text = text_of(path)
    except UnicodeDecodeError:
        pytest.fail(f"{path} is not text")
    cited = set(re.findall(r"[\w./-]*\w\.md\b", text))
    names = {page.name for page in PAGES}
    assert {one for one in cited if Path(one).name not in names} == set()


def tables(page: Path) -> Iterator[list[str]]:
    """Yield the first cells of every table of a page."""
    for block in re.findall(r"(?:^\|.*\n)+", prose(page), re.MULTILINE):
        yield [re.split(r"(?<!\\)\|", row)[1].strip() for row in block.splitlines()[2:]]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_no_table_has_two_rows_of_one_thing(page):
    """Two changes of one row that were put together leave both."""
    twice = [[one for one in dict.fromkeys(cells) if one and cells.count(one) > 1] for cells in tables(page)]
    assert [cells for cells in twice if cells] == []


def test_the_log_lines_of_the_flare_page_are_those_of_the_code():
    table = text_of(Path("docs/flare.md")).partition("the parent's log says")[2].partition("\n\n")[0]
    quoted = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    code = "\n".join(
        text_of(path) for path in TRACKED if path.parts[0] == "launcher" and path.suffix == ".py"
    )
    code = code.replace("%d", "%s")
    written = [re.sub(r"\b[A-Z]{2,}\b", "%s", line).replace(r"\|", "|") for line in quoted]
    assert len(written) > 10
    assert [line for line in written if f'"{line}"' not in code] == []


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_its_four_parts_and_a_line_in_the_index(page):
    text = text_of(page)
    title, status, *parts = re.findall(r"^(?:# (\d{4}: .+)|(Status: \w.*)|## (.+))$", text, re.MULTILINE)
    assert title[0].startswith(page.name[:4])
    assert status[1]
    assert [part[2] for part in parts] == ["Context", "Decision", "Consequence"]
    assert f"]({page.name}) | {title[0][6:]} |" in text_of(page.parent / "README.md")


def test_a_changelog_has_the_headings_of_keep_a_changelog():
    headings = re.findall(r"^## (.+)$|^### (.+)$", text_of(Path("CHANGELOG.md")), re.MULTILINE)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert {kind for _, kind in headings if kind} <= kinds
    assert all(
        re.fullmatch(r"\[Unreleased\]|\[[\d.]+\] - \d{4}-\d\d-\d\d", version)
        for version, _ in headings
        if version
    )


# Characters after which two items say the same.
_LONG = 60


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_no_item_of_a_list_stands_there_twice(page):
    # Two changes of the same item that were brought together leave both.
    items = [line[:_LONG] for line in text_of(page).splitlines() if line.startswith("- ")]
    assert [one for one in items if len(one) == _LONG and items.count(one) > 1] == []
