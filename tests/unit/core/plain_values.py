"""Generated values that JSON and YAML both have."""

from __future__ import annotations

from hypothesis import strategies as st

__all__ = ["KEYS", "PLAIN"]

SCALARS = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8")),
)
KEYS = st.text(st.characters(codec="utf-8"), max_size=20)
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
