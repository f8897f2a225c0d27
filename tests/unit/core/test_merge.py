"""The merge rule: maps merge, scalars and lists replace, null leaves out; lists of named items by name."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.merge import merge, merge_by_name, named_items
from launcher.errors import InvalidInput
from tests.unit.core.plain_values import KEYS, PLAIN


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": 0}, {"a": 0}),
        ({"a": True}, {"a": False}, {"a": False}),
        ({"a": "x"}, {"a": ""}, {"a": ""}),
        ({"a": {"x": 1}}, {"a": {}}, {"a": {"x": 1}}),
        ({"a": [1]}, {"a": []}, {"a": []}),
        ({}, {"a": {"b": {}}}, {"a": {"b": {}}}),
    ],
)
def test_maps_merge_scalars_and_lists_replace(base, over, merged):
    before = copy.deepcopy((base, over))
    assert merge(base, over, "f") == merged
    assert (base, over) == before


@pytest.mark.parametrize(
    ("base", "over", "where"),
    [
        ({}, {"a": None}, "f: a: null leaves nothing out here"),
        ({"a": {"x": 1}}, {"a": {"y": None}}, "f: a.y: null leaves nothing out here"),
        ({}, {"pod": {"labels": {"x": None}}}, "f: pod.labels.x: null leaves nothing out here"),
        ({}, {"pod": {"spec": {"securityContext": {"runAsuser": None}}}}, "runAsuser: null leaves nothing"),
        ({}, {"a": {"b": [{"c": None}]}}, r"f: a.b\[0\].c: null is refused"),
        ({"a": {"x": 1}}, {"a": 1}, "f: a: 1 cannot replace"),
        ({"a": {"b": [1]}}, {"a": {"b": {}}}, "f: a.b: {} cannot replace"),
    ],
)
def test_merge_refuses_null_and_changes_of_kind(base, over, where):
    with pytest.raises(InvalidInput, match=where) as error:
        merge(base, over, "f")
    assert error.value.cure


NO_CONTEXT = {"pod": {"spec": {"securityContext": {"seccompProfile": {"type": None}, "runAsNonRoot": None}}}}


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        # What a weaker layer said.
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": None}}, {"a": {"y": 2}}),
        ({"a": {"x": 1}}, {"a": None}, {}),
        ({"env": [{"name": "a"}]}, {"env": None}, {}),
        ({}, {"env": None}, {}),
        # A default of the chart: Helm has to see the null.
        ({}, {"podSecurity": None}, {"podSecurity": None}),
        ({"podSecurity": "restricted"}, {"podSecurity": None}, {"podSecurity": None}),
        ({}, {"pod": {"spec": {"securityContext": None}}}, NO_CONTEXT),
        (
            {"pod": {"spec": {"securityContext": {"runAsUser": 1}}}},
            {"pod": {"spec": {"securityContext": None}}},
            NO_CONTEXT,
        ),
        ({"image": {"pullPolicy": "Never"}}, {"image": None}, {"image": {"pullPolicy": None}}),
        # A stronger layer says it again, or something beside it.
        ({"podSecurity": None}, {"podSecurity": "baseline"}, {"podSecurity": "baseline"}),
        (
            NO_CONTEXT,
            {
                "pod": {
                    "spec": {"securityContext": {"runAsUser": 1, "seccompProfile": {"type": "Unconfined"}}}
                }
            },
            {
                "pod": {
                    "spec": {
                        "securityContext": {
                            "seccompProfile": {"type": "Unconfined"},
                            "runAsNonRoot": None,
                            "runAsUser": 1,
                        }
                    }
                }
            },
        ),
    ],
)
def test_null_leaves_out(base, over, merged):
    before = copy.deepcopy((base, over))
    assert merge(base, over, "f") == merged
    assert (base, over) == before


def test_a_null_of_a_manifest_or_of_another_chart_stays():
    base, over = {"b": 1, "c": {"x": 1}}, {"a": None, "b": None, "c": {"x": None}, "d": {"e": None}}
    assert merge(base, over, "f", any_null=True) == {"a": None, "b": None, "c": {"x": None}, "d": {"e": None}}


TREES = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
)
DISJOINT = st.tuples(
    *(st.dictionaries(st.sampled_from(keys), TREES, max_size=2) for keys in ("ab", "cd", "ef"))
)


@given(DISJOINT)
def test_merge_of_disjoint_keys_is_associative_and_commutative(maps):
    one, two, three = maps
    left = merge(merge(one, two, "f"), three, "f")
    assert left == merge(one, merge(two, three, "f"), "f")
    assert left == merge(merge(three, two, "f"), one, "f")


@given(st.dictionaries(KEYS, PLAIN, max_size=3))
def test_merge_with_empty_or_itself_changes_nothing(tree):
    assert merge(tree, {}, "f") == merge({}, tree, "f") == merge(tree, tree, "f") == tree


# --- lists of named items ---------------------------------------------------------------------------------


def test_merge_by_name_replaces_in_place_and_appends():
    base = [{"name": "a", "value": "1"}, {"name": "b", "value": "1", "x": {}}]
    over = [{"name": "c"}, {"name": "b", "value": "2"}]
    before = copy.deepcopy((base, over))
    assert merge_by_name(base, over) == [
        {"name": "a", "value": "1"},
        {"name": "b", "value": "2"},
        {"name": "c"},
    ]
    assert (base, over) == before


def test_merge_by_name_keeps_last_of_duplicates():
    assert merge_by_name([], [{"name": "a", "value": "1"}, {"name": "a"}]) == [{"name": "a"}]


@pytest.mark.parametrize(
    ("value", "items"),
    [
        (None, []),
        ([], []),
        ([{"name": "a", "valueFrom": None}], [{"name": "a"}]),
        (({"name": "a"},), [{"name": "a"}]),
    ],
)
def test_named_items(value, items):
    assert named_items(value, "f: env") == items


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"A": "b"}, 'f: env: must be a list, not {"A": "b"}'),
        ("a", 'f: env: must be a list, not "a"'),
        ([{"name": "a"}, "b"], 'f: env[1]: must be a mapping, not "b"'),
        ([{"value": "1"}], 'f: env[0]: has no name: {"value": "1"}'),
        ([{"name": ""}], 'f: env[0]: has no name: {"name": ""}'),
        ([{"name": 5}], 'f: env[0]: has no name: {"name": 5}'),
        ([{"name": "a", "x": [None]}], "f: env[0].x[0]: null is refused"),
    ],
)
def test_named_items_rejects_other_values(value, message):
    with pytest.raises(InvalidInput) as error:
        named_items(value, "f: env")
    assert error.value.message == message
    assert error.value.cure


ITEMS = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abcd")}, optional={"value": st.integers()}), max_size=5
)


@given(ITEMS, ITEMS)
def test_every_name_occurs_once_with_its_last_item(base, over):
    merged = merge_by_name(base, over)
    assert {item["name"]: item for item in merged} == {item["name"]: item for item in (*base, *over)}
    assert [item["name"] for item in merged] == list(dict.fromkeys(item["name"] for item in (*base, *over)))
    assert merge_by_name(merged, over) == merged
