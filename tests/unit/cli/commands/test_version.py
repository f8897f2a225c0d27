"""``fljob version``."""

from __future__ import annotations


def test_the_version_is_an_option_too(fljob):
    assert fljob("--version") == fljob("version")
    assert fljob("--version")[0] == 0
