"""A sample of the hostile inputs of tests/fuzz: no trace, nothing slow, no control character in any output."""

from __future__ import annotations

import pytest

from tests.fuzz.run import run


@pytest.mark.parametrize(
    ("kind", "cases"),
    [("inputs", 300), ("objects", 150), ("commands", 150), ("answers", 300), ("kits", 40), ("forgeries", 60)],
)
def test_hostile_input_is_survived(kind, cases):
    result = run(kind, range(cases))
    assert result.wrong == []
    assert result.cases == cases
    assert result.refused < cases
