"""One template: what it may say, and mistakes with file, line and cure."""

from __future__ import annotations

import time

import pytest

from launcher.errors import InvalidInput
from tests.unit.core.values.sample import values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {{ jobb.image | emit }}", "site.yaml.j2: line 2: 'jobb' is undefined"),
        ("{{ job.imag | emit }}", "site.yaml.j2: line 1: .*has no attribute 'imag'"),
        ("\n\na: {{ job.image }}", "site.yaml.j2: line 3: interpolation does not end in `| emit`"),
        ("a: {{ nope | label_value | emit }}", "site.yaml.j2: line 1: 'nope' is undefined"),
        ("a: {{ job.nope | seconds | emit }}", "site.yaml.j2: line 1: .*has no attribute 'nope'"),
        ("a: {{ job.study | label_value }}", "interpolation does not end in `| emit`"),
        ("a: {{ nope }}", "site.yaml.j2: line 1: 'nope' is undefined"),
        ("a: {{ job.pod_template | emit }}", "site.yaml.j2: line 1: null is refused"),
        ("\n{% if %}", "site.yaml.j2: line 2: "),
        ("{{ job.args[7] | emit }}", "site.yaml.j2: line 1: .*has no element 7"),
        ("{{ 1 // 0 | emit }}", "site.yaml.j2: line 1: "),
        ("{{ job.__class__.__mro__ | emit }}", "site.yaml.j2: line 1: .*unsafe"),
        ("{% include 'x' %}", "site.yaml.j2: line 1: x"),
        ("{{ range(3) | emit }}", "'range' is undefined"),
        ("a: [", "site.yaml.j2: prints no YAML"),
        (
            "pod:\n  name: a\n  name: b",
            "site.yaml.j2: prints no YAML: key 'name' occurs twice .*printed line 3",
        ),
        ("pod: {annotations: {d: 2026-99-99}}", "site.yaml.j2: prints no YAML"),
        ("- a", "site.yaml.j2: must be a mapping"),
        ("text", "site.yaml.j2: must be a mapping"),
        ("pod: {spec: {nodeSelector: }}", "site.yaml.j2: pod.spec.nodeSelector: null is refused"),
        ("extra: {volumes: [{name: x, emptyDir: }]}", r"site.yaml.j2: extra.volumes\[0\].emptyDir: null"),
        ("pod: {annotations: {d: 2026-01-01}}", "site.yaml.j2: pod.annotations.d: must be text"),
        ("pod: {annotations: {on: x}}", "site.yaml.j2: pod.annotations: must have text as keys, not true"),
    ],
)
def test_mistakes_name_file_place_and_cure(text, message):
    with pytest.raises(InvalidInput, match=message) as error:
        values(site_file=text)
    assert error.value.cure


def test_any_template_can_make_a_label_of_a_name():
    text = "pod: {labels: {team: {{ job.site | label_value | emit }}}}"
    assert values(site_file=text)["pod"]["labels"] == {"team": "site1-7be6d130"}


def test_short_results_of_operators_are_fine():
    text = "pod: {annotations: {a: {{ ('%03d' % 7) | emit }}, b: {{ ('ab' * 2) | emit }}, c: {{ (2 ** 3) | emit }}}}"
    found = values(site_file=text)["pod"]["annotations"]
    assert (found["a"], found["b"], found["c"]) == ("007", "abab", 8)


def test_an_empty_template_has_no_values():
    assert values(study_file="# nothing yet\n") == values()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# " + "x" * 1_100_000, "prints more than 1048576 characters"),
        ("{% for a in 'x' * 1000 %}{% for b in 'x' * 1000 %}# {{ a | emit }}\n{% endfor %}{% endfor %}", "prints more"),
        ("{{ ('x' * 10 ** 9) | emit }}", r"the result of \* is too long"),
        ("{{ (10 ** 9 * [1]) | emit }}", r"the result of \* is too long"),
        ("{{ (9 ** 99999999) | emit }}", r"the result of \*\* is too long"),
        ("{{ ('%999999999d' % 1) | emit }}", "the result of % is too long"),
        ("{{ 'x'.center(10 ** 9) | emit }}", "unsafe"),
        ("{{ '{:>999999999}'.format(1) | emit }}", "unsafe"),
        ("{{ 'x' | center(10 ** 9) | emit }}", "center"),
        ("pod: {spec: {a: " + "[" * 101 + "]" * 101 + "}}", "is nested more than 100 levels deep"),
        ("pod: {spec: {a: " + "[" * 2000 + "]" * 2000 + "}}", "site.yaml.j2: "),
        ("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(8)), "has more than 200000 items"),
        ("a: &a [*a]", "has more than 200000 items"),
    ],
    ids=range(13),
)  # fmt: skip
def test_what_a_template_makes_has_an_end(text, message):
    start = time.thread_time()
    with pytest.raises(InvalidInput, match=message):
        values(site_file=text)
    assert time.thread_time() - start < 2
