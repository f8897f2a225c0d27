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
        ("args: {{ [job.pod_template] | emit }}", r"site.yaml.j2: line 1: \[0\]: null is refused"),
        ("\n{% if %}", "site.yaml.j2: line 2: "),
        ("{{ job.args[7] | emit }}", "site.yaml.j2: line 1: .*has no element 7"),
        ("{{ 1 // 0 | emit }}", "site.yaml.j2: line 1: "),
        ("{{ job.__class__.__mro__ | emit }}", "site.yaml.j2: line 1: .*unsafe"),
        ("{% include 'x' %}", "site.yaml.j2: line 1: there is no template 'x' in `values_dir`"),
        ("---\na: 1\n---\n", "site.yaml.j2: prints no YAML: a second document begins"),
        ("{{ range(3) | emit }}", "'range' is undefined"),
        ("a: [", "site.yaml.j2: prints no YAML"),
        (
            "pod:\n  name: a\n  name: b",
            "site.yaml.j2: prints no YAML: key 'name' occurs twice .*printed line 3",
        ),
        ("pod: {annotations: {d: !!timestamp 2026-99-99}}", "site.yaml.j2: prints no YAML"),
        ("- a", "site.yaml.j2: must be a mapping"),
        ("text", "site.yaml.j2: must be a mapping"),
        ("pod: {spec: {nodeSelector: }}", "site.yaml.j2: pod.spec.nodeSelector: null leaves nothing out"),
        ("extra: {volumes: [{name: x, emptyDir: }]}", r"site.yaml.j2: extra.volumes\[0\].emptyDir: null"),
        (
            "pod: {annotations: {d: !!timestamp 2026-01-01}}",
            "site.yaml.j2: pod.annotations.d: must be text",
        ),
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


def test_loops_macros_and_filters_give_what_jinja2_gives():
    text = (
        "{% macro label(name) %}{{ (name | upper) | emit }}{% endmacro %}"
        "pod:\n  annotations:\n"
        "{% for name, word in {'a': 1, 'b': 2} | dictsort %}"
        "    {{ name | emit }}: {{ (['x', word ~ '', loop.index ~ '/' ~ loop.length] | join('-')) | emit }}\n"
        "{% endfor %}"
        "    c: {{ label('n') | emit }}\n    d: {{ ((([1, 2] | sum) ~ 'z') | replace('z', 'y')) | emit }}\n"
        "    e: {{ (['b', 'a'] | sort | map('upper') | join(',')) | emit }}\n"
    )
    found = values(site_file=text)["pod"]["annotations"]
    assert [found[name] for name in "abcde"] == ["x-1-1/2", "x-2-2/2", '"N"', "3y", "A,B"]


def test_what_only_pyyaml_takes_for_a_number_or_a_date_is_text():
    said = "pod: {annotations: {at: 12:30, day: 2026-01-01, mark: =, number: 0x10}}"
    annotations = values(site_file=said)["pod"]["annotations"]
    assert [annotations[key] for key in ("at", "day", "mark", "number")] == ["12:30", "2026-01-01", "=", 16]


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
        ("{% for a in 'ab' * 9 %}" * 15 + "{% endfor %}" * 15, "does not come to an end"),
        ("{% for a in job.image %}" * 40 + "{% endfor %}" * 40, "too many statically nested blocks"),
        ("{% set a = 'x' %}" + "{% set a = a ~ a %}" * 60, "the result of ~ is too long"),
        ("{% set a = 'x' %}" + "{% set a = a + a %}" * 60, r"the result of \+ is too long"),
        ("{% set a = [1] %}" + "{% set a = a + a %}" * 60, r"the result of \+ is too long"),
        ("{% set a = [1] %}" + "{% set a = [a, a] %}" * 60, "the result of a list is too long"),
        ("{% set a = {'a': 1} %}" + "{% set a = {'a': a, 'b': a} %}" * 60, "the result of a list is too long"),
        ("{% set a = 2 ** 400 %}" + "{% set a = a * a %}" * 40, r"the result of \* is too long"),
        ("{% for a in 'x' * 60000 %}{% for b in 'x' * 60000 %}{% set c = 2 ** 400 * 3 ** 99 %}{% endfor %}{% endfor %}", "does not come to an end"),
        ("{% for a in 'x' * 60000 %}{% set b = 7 ** 40000 * 7 ** 40000 %}{% endfor %}", r"the result of \*\* is too long"),
        ("{% macro m(n) %}{% if n %}{% set x = m(n - 1) %}{% set y = m(n - 1) %}{% endif %}{% endmacro %}{% set z = m(60) %}", "does not come to an end"),
        ("{% with n = (n | default(60)) - 1 %}{% if n %}{% include 'site.yaml.j2' %}{% include 'site.yaml.j2' %}{% endif %}{% endwith %}", "does not come to an end"),
        ("{% set a %}{% for a in 'xxx' * 9999 %}{% for b in 'xxx' * 9999 %}# " + "y" * 2000 + "\n{% endfor %}{% endfor %}{% endset %}", "does not come to an end"),
        ("{% set a = (['x'] * 30000) | map('replace', 'x', 'y' * 50000) | list %}", "does not come to an end"),
        ("{% set a = 5 | round(99999999, 'floor') %}", "the result of round is too long"),
        ("{% set a = ('x' * 9999) | replace('x', 'y' * 9999) %}", "the result of replace is too long"),
        ("{% set a = ('x' * 9999).replace('x', 'y' * 9999) %}", "the result of replace is too long"),
        ("{% set a = ('x' * 9999).join('y' * 9999) %}", "the result of join is too long"),
        ("{% set a = (['x'] * 9999) | join('y' * 9999) %}", "the result of join is too long"),
        ("{% set a = ([[1]] * 9999) | sum(start=[]) %}", "sum adds numbers only"),
        ("{% set a = (1).to_bytes(10 ** 9) %}", "unsafe"),
        ("{% set a = ('a\\n' * 999) | indent(10 ** 9) %}", "indent"),
        ("a: [" + "1," * 50_000 + "]", "has more than 40000 lines, keys and items"),
        ("# {{ 1 | emit }}" * 20_000, "is longer than 131072 characters"),
    ],
    ids=range(37),
)  # fmt: skip
def test_what_a_template_makes_has_an_end(text, message):
    start = time.thread_time()
    with pytest.raises(InvalidInput, match=message):
        values(site_file=text)
    assert time.thread_time() - start < 10  # most take a tenth of a second, on a core of their own
