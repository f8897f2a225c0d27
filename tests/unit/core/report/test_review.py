"""A difference as text, JSON and comment: nothing of it gets out of its code block, and it fits."""

from __future__ import annotations

import json
import re

import pytest

from launcher.core.manifest_diff import Side, compare
from launcher.core.report.review import LONGEST_COMMENT, as_json, as_markdown, as_text


def pod(**spec):
    return {"kind": "Pod", "metadata": {"name": "a"}, "spec": spec}


def difference(before, after, failed=None):
    return compare(Side(before, {}), Side(after, failed or {}))


SMALL = difference({"heart": [pod(gpu="1")], "liver": []}, {"heart": [pod(gpu="2")], "liver": []})
SAME = difference({"heart": [], "liver": []}, {"heart": [], "liver": []})


def blocks(comment):
    """Return what stands outside of code blocks, and what in them, as CommonMark reads it."""
    outside, inside, fence = [], [], ""
    for one in comment.splitlines():
        found = re.match(r"(`{3,})(.*)$", one)
        if fence and found and len(found[1]) >= len(fence) and not found[2].strip():
            fence = ""
        elif not fence and found:
            fence = found[1]
        else:
            (inside if fence else outside).append(one)
    assert not fence
    return "\n".join(outside), "\n".join(inside)


def test_the_text():
    assert as_text(SMALL) == (
        'heart: changed\n--- Pod/a\n+++ Pod/a\n-spec.gpu: "1"\n+spec.gpu: "2"\n\nunchanged: liver\n'
    )
    assert as_text(SAME) == "no difference in 2 studies\n"


def test_what_comes_and_goes():
    text = as_text(difference({"": [pod()]}, {"b": [pod()]}))
    assert "no study: removed\n--- Pod/a\n+++ nothing\n" in text
    assert "b: added\n--- nothing\n+++ Pod/a\n" in text
    assert "unchanged" not in text


def test_the_json():
    found = as_json(SMALL)
    assert (found["same"], found["failed"], found["unchanged"]) == (False, False, ["liver"])
    (study,) = found["studies"]
    assert (study["studies"], study["state"]) == (["heart"], "changed")
    assert study["objects"][0]["changes"] == [
        {"sign": "-", "path": "spec.gpu", "value": '"1"'},
        {"sign": "+", "path": "spec.gpu", "value": '"2"'},
    ]
    assert as_json(SAME) == {
        "same": True,
        "failed": False,
        "settings": [],
        "unchanged": ["heart", "liver"],
        "studies": [],
    }


def test_the_comment():
    assert as_markdown(SMALL) == (
        "### fljob diff: 1 of 2 studies change\n\n| study | what | lines |\n|---|---|---|\n"
        "| `heart` | `Pod` changed | 2 |\n\n`heart`: changed\n\n```diff\n--- Pod/a\n+++ Pod/a\n"
        '-spec.gpu: "1"\n+spec.gpu: "2"\n```\n'
    )
    assert as_markdown(SAME) == "### fljob diff: no difference\n\n2 studies compared.\n"


def test_a_study_that_cannot_be_rendered():
    found = difference({"heart": [pod()]}, {}, {"heart": "no image\x1b"})
    comment = as_markdown(found)
    assert comment.startswith("### fljob diff: 1 of 1 study change, some cannot be rendered\n")
    assert "| `heart` | **cannot be rendered** | 0 |" in comment
    assert "after: no image\\x1b" in comment
    assert as_json(found)["studies"][0]["errors"] == {"before": "", "after": "no image\\x1b"}


HOSTILE = (
    "```\n# forged\n@everyone",
    "````\nx",
    "`" * 5000,
    "</code></pre><script>alert(1)</script>",
    "| a | b |\n|---|",
    "\x1b]8;;http://x\x07",
    "\u202eevil",
    "~~~",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_others_wrote_stays_in_its_code_block(text):
    clean = as_markdown(difference({"heart": [pod(a="x")]}, {"heart": [pod(a="y")]}))
    thing = {"kind": text, "metadata": {"name": text}, "spec": {text: text}}
    found = difference({"heart": [pod(a="x")]}, {"heart": [pod(a="y"), thing]}, {"liver": text})
    comment = as_markdown(found)
    outside, _ = blocks(comment)
    for line in outside.splitlines():
        plain = re.sub(r"`[^`]*`", "", line)
        assert re.fullmatch(r"[\w ,:#|*-]*", plain), line
    assert blocks(clean)[0].splitlines()[0].startswith("### fljob diff")
    assert all(char.isprintable() or char == "\n" for char in comment)
    assert len(comment) <= LONGEST_COMMENT


@pytest.mark.parametrize("name", ["a`b", "x|y", "@everyone", "a\nb", "*" * 200])
def test_the_name_of_a_study_is_code(name):
    comment = as_markdown(difference({name: [pod(a=1)]}, {name: [pod(a=2)]}))
    row = comment.splitlines()[4]
    assert re.fullmatch(r"\| `[^`|\n]{1,80}` \| `Pod` changed \| 2 \|", row)


def many(studies, lines, length=10):
    return difference(
        {f"s{number}": [pod()] for number in range(studies)},
        {
            f"s{number}": [pod(**{f"k{at}": f"{number}" * length for at in range(lines)})]
            for number in range(studies)
        },
    )


@pytest.mark.parametrize(("studies", "lines"), [(1, 5000), (40, 300), (300, 3), (3, 3)])
def test_a_comment_fits_and_says_what_is_missing(studies, lines):
    found = many(studies, lines)
    comment = as_markdown(found)
    assert len(comment) <= LONGEST_COMMENT
    total = sum(one.size for one in found.studies)
    shown = len(re.findall(r"(?m)^[-+](?!--|\+\+)", comment))
    told = re.search(r"\*\*(\d+) lines are not shown", comment)
    assert shown + (int(told[1]) if told else 0) >= total
    assert bool(told) is (shown < total)


def test_a_long_study_hides_no_other():
    before = {"long": [pod()], "short": [pod(a=1)]}
    after = {"long": [pod(**{f"k{at}": "x" * 150 for at in range(2000)})], "short": [pod(a=2)]}
    comment = as_markdown(difference(before, after))
    assert "\n+spec.a: 2\n" in comment
    assert "more lines ..." in comment


def test_json_and_text_have_every_line():
    found = many(1, 3000)
    assert json.dumps(as_json(found)).count('"sign"') == found.studies[0].size
    assert as_text(found).count("\n+spec.k") == 3000


def test_settings_of_the_site():
    settings = (
        {"helm": "/bin/a", "image_pull_secrets": ["a"]},
        {"image_pull_secrets": ["b"], "values": {"x": 1}},
    )
    found = compare(*(Side({"heart": []}, {}, one) for one in settings))
    assert not found.is_same
    comment = as_markdown(found)
    assert comment.startswith("### fljob diff: 0 of 1 study change; the settings of the site change\n")
    assert "| `settings of the site` | `Settings` changed | 4 |" in comment
    assert as_text(found) == (
        "settings of the site: changed\n--- Settings/fljob.yaml, launcher arguments, values templates\n"
        '+++ Settings/fljob.yaml, launcher arguments, values templates\n-helm: "/bin/a"\n-image_pull_secrets[]: "a"\n'
        '+image_pull_secrets[]: "b"\n+values.x: 1\n\nunchanged: heart\n'
    )
    assert as_json(found)["settings"][0] == {"sign": "-", "path": "helm", "value": '"/bin/a"'}
    assert as_json(found)["same"] is False


def test_a_study_that_goes_takes_no_protection_away():
    safe = {"heart": [pod(securityContext={"seccompProfile": {"type": "RuntimeDefault"}})]}
    assert "Look at these lines first" not in as_markdown(difference(safe, {}))
    assert "# a protection goes (heart)" in as_markdown(difference(safe, {"heart": [pod()]}))
