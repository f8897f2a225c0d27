"""The merge rule: maps merge, scalars and lists replace, null is refused; lists of named items by name."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.merge import merge
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
        ({}, {"a": None}, "f: a: null is refused"),
        ({}, {"a": {"b": [{"c": None}]}}, r"f: a.b\[0\].c: null is refused"),
        ({"a": {"x": 1}}, {"a": 1}, "f: a: 1 cannot replace"),
        ({"a": {"b": [1]}}, {"a": {"b": {}}}, "f: a.b: {} cannot replace"),
    ],
)
def test_what_cannot_be_merged(base, over, where):
    with pytest.raises(InvalidInput, match=where) as error:
        merge(base, over, "f")
    assert error.value.cure


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
def test_merge_with_nothing_and_with_itself_changes_nothing(tree):
    assert merge(tree, {}, "f") == merge({}, tree, "f") == merge(tree, tree, "f") == tree
