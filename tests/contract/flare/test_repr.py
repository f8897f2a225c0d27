"""What FLARE's side holds of credentials is in no repr, such as that of a traceback."""

from __future__ import annotations

from tests.dataclass_fields import dataclasses_of, shown_keys


def test_no_field_that_may_hold_a_key_is_in_a_repr():
    found = dataclasses_of(lambda name: name.startswith("launcher.flare"))
    assert len(found) > 1
    assert shown_keys(found) == set()
