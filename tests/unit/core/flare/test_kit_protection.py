"""Marks and a budget for a parent: what is added to the chart of a kit, and that every other byte stays."""

from __future__ import annotations

import pytest
import yaml

from launcher.core.flare.kit import ROLE, VALUES
from launcher.core.flare.kit_protection import BUDGET, is_protected, protect
from launcher.errors import InvalidInput

MARKS = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"}
# As `nvflare deploy prepare` 2.9.0 writes it, shortened.
AROUND = ("name: site-1\nrbac:\n  create: true\n", "persistence:\n  workspace: {claimName: ws}\n")
OWN = "podAnnotations:\n    team: a # of ours\n    karpenter.sh/do-not-disrupt: 4h\n"


def kit(annotations="podAnnotations: {}\n", name="nvflare-client"):
    return {ROLE: f'{{{{ include "{name}.name" . }}}}-launcher', VALUES: annotations.join(AROUND)}


def annotations_of(files):
    return yaml.safe_load(files[VALUES])["podAnnotations"]


@pytest.mark.parametrize("text", ["podAnnotations: {}\n", "podAnnotations: { }\n", "podAnnotations:\n", OWN])
def test_protecting_adds_what_is_not_there_and_is_done_once(text):
    before = kit(text)
    once = protect(before, wanted=True)
    assert annotations_of(once) == {**MARKS, **(yaml.safe_load(text)["podAnnotations"] or {})}
    assert is_protected(once)
    assert not is_protected(before)
    for wanted in (True, None):
        assert protect(once, wanted=wanted) == once
    others = [yaml.safe_load(files[VALUES]) | {"podAnnotations": None} for files in (before, once)]
    assert others[0] == others[1]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("text", ["podAnnotations: {}\n", OWN])
def test_without_protection_every_byte_is_back(text, end):
    before = {name: value.replace("\n", end) for name, value in kit(text).items()}
    assert protect(protect(before, wanted=True), wanted=False) == before
    for wanted in (False, None):
        assert protect(before, wanted=wanted) == before


def test_what_somebody_else_wrote_of_a_mark_stays():
    text = "podAnnotations:\n  karpenter.sh/do-not-disrupt: '4h'\n"
    after = protect(protect(kit(text), wanted=True), wanted=False)
    assert annotations_of(after) == {"karpenter.sh/do-not-disrupt": "4h"}


@pytest.mark.parametrize("name", ["nvflare-client", "nvflare-server"])
def test_the_budget_is_for_the_pods_of_this_chart(name):
    text = protect(kit(name=name), wanted=True)[BUDGET]
    assert f'include "{name}.selectorLabels" .' in text
    plain = [line for line in text.splitlines() if "{{" not in line]
    assert yaml.safe_load("\n".join(plain)) == {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": None,
        "spec": {
            "minAvailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": None},
        },
    }


@pytest.mark.parametrize(
    "text", ["podAnnotations: {a: b}\n", "podAnnotations: *a\n", "", "x:\n  podAnnotations: {}\n"]
)
def test_annotations_that_cannot_be_added_to_are_refused_with_what_to_write(text):
    with pytest.raises(InvalidInput, match=r"values\.yaml: podAnnotations: is no block") as raised:
        protect(kit(text), wanted=True)
    assert "karpenter.sh/do-not-disrupt: 'true'" in raised.value.cure
    assert protect(kit(text), wanted=False) == kit(text)


def test_marks_in_one_line_are_as_good():
    text = f"podAnnotations: {{{', '.join(f'{key}: {value!r}' for key, value in MARKS.items())}}}\n"
    assert protect(kit(text), wanted=True)[VALUES] == kit(text)[VALUES]


def test_a_kit_of_another_flare_is_refused():
    with pytest.raises(InvalidInput, match="is not the role of a prepared kit"):
        protect({**kit(), ROLE: ""}, wanted=True)


def test_a_kit_without_values_loses_the_budget():
    assert protect({ROLE: "", BUDGET: "x"}, wanted=False) == {ROLE: ""}
