"""The rows of the site settings: one for each field, and each true to itself."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

import pytest
import yaml

from launcher.core.spec.settings import (
    COUNT,
    FILE,
    LIMIT,
    LONGEST_SECONDS,
    PROGRAM,
    QUANTITY,
    SECONDS,
    SECRET_NAMES,
    SWITCH,
    TEXT,
    Kind,
    Setting,
    choice,
    setting,
    settings_of,
)
from launcher.core.spec.site import SETTINGS, PendingPolicy, Retention, SiteConfig, Timeouts

ROWS = pytest.mark.parametrize("row", SETTINGS.values(), ids=SETTINGS)


def test_every_field_has_a_row_in_its_order():
    above = [field.name for field in dataclasses.fields(SiteConfig)]
    kept = [f"retention.{field.name}" for field in dataclasses.fields(Retention)]
    below = [*kept, *(f"timeouts.{field.name}" for field in dataclasses.fields(Timeouts))]
    assert [name for name in SETTINGS if "." not in name] == above
    assert [name for name in SETTINGS if "." in name] == below


@ROWS
def test_the_default_of_a_row_is_that_of_the_field(row):
    section, _, name = row.name.rpartition(".")
    owner = getattr(SiteConfig(), section) if section else SiteConfig()
    assert getattr(owner, name) == row.default


@ROWS
def test_a_sample_is_a_value_of_its_kind_and_can_be_written(row):
    assert row.kind.accepts(row.sample)
    assert yaml.safe_load(json.dumps(row.sample)) == row.sample


@ROWS
def test_a_default_is_a_value_of_its_kind_or_nothing(row):
    assert row.is_section or not row.plain_default or row.kind.accepts(row.plain_default)


@ROWS
def test_every_row_can_explain_itself(row):
    assert row.kind.rule.startswith("must be ")
    assert row.cure
    assert "{" not in row.cure.replace(json.dumps(row.sample), "")
    assert row.meaning
    assert not row.meaning.endswith(".")
    assert "|" not in row.meaning


@ROWS
def test_a_conversion_gives_the_type_of_the_field(row):
    assert (
        row.is_section
        or row.default is None
        or isinstance(row.kind.converted(row.sample), (type(row.default), int))
    )


def test_names_are_used_once():
    names = [name for row in SETTINGS.values() for name in (row.argument, row.formerly) if name]
    assert len(names) == len(set(names))
    assert not {row.flare for row in SETTINGS.values() if row.flare} & SETTINGS.keys()


def test_what_only_the_file_and_the_command_line_decide_is_no_argument():
    without = {row.name for row in SETTINGS.values() if not row.argument}
    below = {name for name in SETTINGS if "." in name}
    assert without - below == {"site", "role", "command", "retention", "timeouts", "study_runtime_file"}
    assert below <= without


def test_an_argument_that_takes_null_says_what_it_means():
    assert {
        row.name for row in SETTINGS.values() if row.kind is LIMIT and row.argument and not row.null
    } == set()
    assert {row.name for row in SETTINGS.values() if row.null and not row.argument} == set()


@pytest.mark.parametrize(
    ("kind", "value", "is_fine"),
    [
        (TEXT, "a", True),
        (TEXT, " ", False),
        (TEXT, None, False),
        (TEXT, 1, False),
        (LIMIT, None, True),
        (SECONDS, None, False),
        (SECONDS, 10**400, True),
        (SECONDS, True, False),
        (SECONDS, float("nan"), False),
        (SECONDS, float("inf"), False),
        (COUNT, 1, True),
        (COUNT, 0, False),
        (COUNT, -1, False),
        (COUNT, 2.0, False),
        (COUNT, "2", False),
        (COUNT, True, False),
        (COUNT, None, False),
        (SWITCH, True, True),
        (SWITCH, False, True),
        (SWITCH, 1, False),
        (SWITCH, "true", False),
        (SWITCH, None, False),
        (QUANTITY, "1.5Gi", True),
        (QUANTITY, 1, False),
        (QUANTITY, "-1", False),
        (SECRET_NAMES, [], True),
        (SECRET_NAMES, ["a", "b.c"], True),
        (SECRET_NAMES, ["a", "B"], False),
        (SECRET_NAMES, "a", False),
        (choice("a", "b"), "b", True),
        (choice("a", "b"), "ab", False),
        (choice("a", "b"), ["a"], False),
    ],
)
def test_a_kind_accepts(kind, value, is_fine):
    assert kind.accepts(value) is is_fine


@pytest.mark.parametrize(
    ("kind", "value", "converted"),
    [
        (LIMIT, None, None),
        (LIMIT, 10**400, LONGEST_SECONDS),
        (QUANTITY, "+2Gi", "2Gi"),
        (SECRET_NAMES, ["a"], ("a",)),
        (choice("strict", convert=PendingPolicy), "strict", PendingPolicy.STRICT),
    ],
)
def test_a_kind_converts(kind, value, converted):
    assert kind.converted(value) == converted


@pytest.mark.parametrize(
    ("kind", "paths", "others"), [(FILE, ("a", "/a"), ()), (PROGRAM, ("./a",), ("a",)), (TEXT, (), ("/a",))]
)
def test_a_kind_knows_paths(kind: Kind, paths, others):
    assert all(map(kind.is_path, paths))
    assert not any(map(kind.is_path, others))


def test_a_new_setting_is_one_row():
    @dataclasses.dataclass(frozen=True)
    class Below:
        limit: float = setting(SECONDS, 5.0, "for a while")

    @dataclasses.dataclass(frozen=True)
    class Config:
        labels: Mapping[str, str] = setting(
            Kind(bool, "must be", "write {json}"), {"a": "b"}, "labels", null="x"
        )
        section: Below = setting(TEXT, Below(), "below", is_argument=False)

    assert settings_of(Config) == {
        "labels": dataclasses.replace(
            Config.__dataclass_fields__["labels"].metadata["setting"], name="labels"
        ),
        "section": Setting(TEXT, Below(), "below", is_argument=False, name="section"),
        "section.limit": Setting(SECONDS, 5.0, "for a while", name="section.limit"),
    }
    assert settings_of(Config)["labels"].cure == 'write {"a": "b"}'
    assert Config().labels == {"a": "b"}
    assert Config().labels is not Config().labels
