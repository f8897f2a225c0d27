"""Hostile values templates: what a site may write, by mistake or on purpose, into a file of jinja2."""

from __future__ import annotations

import random

from tests.fuzz.texts import text

__all__ = ["PARTS", "template"]

_NEST = "{% for a in job.image %}" * 40 + "{% endfor %}" * 40
_DOUBLE = "{% set a = 'x' %}" + "{% set a = a ~ a %}" * 60
_ADD = "{% set a = 'x' %}" + "{% set a = a + a %}" * 60
_LISTS = "{% set a = [1] %}" + "{% set a = a + a %}" * 60
_TREE = "{% macro m(n) %}{% if n %}{{ m(n - 1) | emit }}{{ m(n - 1) | emit }}{% endif %}{% endmacro %}{{ m(60) | emit }}"
_CALLS = "{% macro m(n) %}{% if n %}{% set x = m(n - 1) %}{% set y = m(n - 1) %}{% endif %}{% endmacro %}{% set z = m(60) %}"
_INCLUDE = "{% with n = (n | default(40)) - 1 %}{% if n %}{% include 'site.yaml.j2' %}{% include 'site.yaml.j2' %}{% endif %}{% endwith %}"
_BUFFER = "{% set a %}" + "{% for a in 'x' * 999999 %}" + "# " + "y" * 2000 + "\n{% endfor %}{% endset %}"
_RECURSIVE = "{% for a in 'abcdefgh' recursive %}{{ loop('abcdefgh') }}{% endfor %}"
_FACTORS = "{{ " + " * ".join(["9" * 4000] * 300) + " | emit }}"
PARTS = (
    "pod: {labels: {team: {{ job.site | label_value | emit }}}}\n", "pod:\n  annotations:\n    a: {{ job.image | emit }}\n", "{% for a in job.args %}",
    "{% endfor %}", "{{ 'a' * 10**9 | emit }}", "{{ ('ab' * 99999999) | emit }}", "{{ 9**9**9 | emit }}", "{{ site }}",
    "x: &a [1]\n", "y: [*a, *a, *a]\n", "a: *a\n", "? [1]\n: 2\n", "!!python/object:x\n", "!!int ''\n", "k: 2026-99-99\n",
    "{{ job.nosuch | emit }}", "{{ '%99999999d' % 1 | emit }}", "env: [{name: A, value: b}]\n", "- 1\n", "a: 1\na: 2\n",
    "{{ job.__class__.__mro__ | emit }}", "{{ [1] * 10**8 | emit }}", "pod: {spec: {a: " + "[" * 300 + "]" * 300 + "}}\n",
    _NEST, _DOUBLE, _ADD, _LISTS, _TREE, _CALLS, _INCLUDE, _BUFFER, _RECURSIVE, _FACTORS,
    "{% set a = ('x\\n' * 999) | indent(10**9) %}", "{% set a = [1] | batch(10**9, 1) | list %}", "{% set a = [1] | slice(10**8) | list %}",
    "{% set a = ('x' * 99999) | replace('x', 'y' * 99999) %}", "{% set a = ['x'] * 99999 | join('y' * 99999) %}",
    "{% set a = (['x'] * 99999) | join('y' * 99999) %}", "{% set a = {'a': 1} | tojson(10**9) %}", "{% set a = 'a b' * 9999 | wordwrap(1, True, 'y' * 99999) %}",
    "{% set a = ('a b ' * 9999) | wordwrap(1, True, 'y' * 99999) %}", "{% set a = ('www.a.de ' * 9999) | urlize %}",
    "{% set a = ('x' * 99999) | list | sort | unique | list %}", "{% set a = 10**4000 * 10**4000 * 10**4000 %}", "{{ (2**1000000) | emit }}",
    "{% set a = 2**4000 %}" + "{% set a = a * a %}" * 40, "{% set a = 1.5 ** 9999 %}", "{{ 1e308 * 10 | emit }}", "{{ (1e308 * 10) | emit }}",
    "{{ ''.__class__.__base__.__subclasses__() | emit }}", "{{ job | attr('__class__') | emit }}", "{{ job['__dict__'] | emit }}",
    "{{ self.__init__.__globals__ | emit }}", "{{ self._TemplateReference__context | emit }}", "{{ namespace() | emit }}",
    "{% import 'site.yaml.j2' as s %}", "{% extends 'site.yaml.j2' %}", "{% include 'launcher.yaml.j2' %}", "{% include 'mounts.yaml.j2' %}", "{% block x %}{{ self.x() }}{% endblock %}",
    "{{ [].append(1) | emit }}", "{% do x %}", "{% set a = [[1]] | map('first') | list %}", "{{ '%s' % job | emit }}", "{{ ('%s' % job) | emit }}",
    "{{ job.args | tojson | emit }}", "{{ {'a': job} | emit }}", "{{ job.site | pprint | emit }}", "{{ 'a' | filesizeformat | emit }}", "{{ (10**400) | filesizeformat | emit }}",
    "{{ 'x' | xmlattr | emit }}", "{{ {'a': 1} | xmlattr | emit }}", "{{ job | dictsort | emit }}", "{{ 5 | round(99999999) | emit }}", "{{ 1.5 | round(-400) | emit }}", "{{ '9' * 5000 | int | emit }}",
    "{{ ('9' * 5000) | int | emit }}", "{{ ('f' * 5000) | int(0, 16) | emit }}", "{{ 'a'.zfill(10**9) | emit }}", "{{ ('a' * 9999).join('b' * 9999) | emit }}", "{{ ('a' * 9999).replace('a', 'b' * 9999) | emit }}",
    "{{ 'a'.translate({97: 'b' * 99999}) | emit }}", "{{ (1).to_bytes(10**9) | emit }}", "{{ (1).__class__ | emit }}", "{{ (10**4500) | emit }}", "{{ (10**4500) | string | emit }}",
    "{# " + "x" * 9000 + " #}", "{{ '\\ud800' | emit }}", "\x00", "\u2028a: 1\n", "\x85", "a: \ud800\n", "{{ " + "(" * 500 + "1" + ")" * 500 + " | emit }}", "{{ " + "-" * 900 + "1 | emit }}", "{{ 1" + " + 1" * 5000 + " | emit }}",
    "{% if 1 %}" * 300 + "{% endif %}" * 300, "{% set " + ", ".join(f"a{n}" for n in range(50)) + " = 1 %}", "{{ a" + ".b" * 2000 + " | emit }}",
)  # fmt: skip


def template(rng: random.Random) -> str:
    """Return the text of a template of one to three hostile parts."""
    return "".join(rng.choice((text(rng), *PARTS)) for _ in range(rng.randrange(1, 4)))
