"""The names of the templates: which must be there, and which a site may replace."""

from __future__ import annotations

import pytest

from launcher.core.values.build import build_values
from launcher.core.values.templates import replaced
from launcher.errors import InvalidInput
from tests.unit.core.values.sample import EMPTY, SHIPPED, SITE, SPEC


@pytest.mark.parametrize(
    ("templates", "where"),
    [
        ({"site.yaml.j2": ""}, "mounts.yaml.j2: values template is missing"),
        ({**EMPTY, "jobs.yaml.j2": ""}, "jobs.yaml.j2"),
    ],
)
def test_files_that_are_missing_or_never_read(templates, where):
    with pytest.raises(InvalidInput, match=where):
        build_values(SPEC, SITE, templates)


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("site.yaml.j2", "an empty file is allowed"),
        ("mounts.yaml.j2", "an empty file is allowed"),
        ("job.yaml.j2", "an empty file is allowed"),
        ("launcher.yaml.j2", "install fljob-launcher again"),
    ],
)
def test_a_missing_file_comes_with_its_cure(name, cure):
    with pytest.raises(InvalidInput, match=f"^{name}: values template is missing") as error:
        build_values(SPEC, SITE, {other: text for other, text in EMPTY.items() if other != name})
    assert cure in error.value.cure


def test_a_name_that_is_never_read_comes_with_those_that_are():
    with pytest.raises(InvalidInput) as error:
        build_values(SPEC, SITE, {**SHIPPED, "study.yaml.j2": ""})
    assert error.value.cure == "use site.yaml.j2, mounts.yaml.j2, job.yaml.j2 or studies/<study>.yaml.j2"


@pytest.mark.parametrize("name", ["site.yaml.j2", "mounts.yaml.j2", "job.yaml.j2", "studies/cancer.yaml.j2"])
def test_a_site_may_replace_or_add(name):
    assert replaced(SHIPPED, {name: "mine"}, "/etc/values") == {**SHIPPED, name: "mine"}


def test_a_site_may_not_replace_the_launchers_own():
    with pytest.raises(
        InvalidInput, match=r"^/etc/values/launcher\.yaml\.j2: belongs to the launcher"
    ) as error:
        replaced(SHIPPED, {"launcher.yaml.j2": "image: {reference: theirs}"}, "/etc/values")
    assert error.value.cure.startswith("delete this file")


def test_a_copy_of_the_whole_folder_is_fine():
    assert replaced(SHIPPED, dict(SHIPPED), "/etc/values") == SHIPPED
