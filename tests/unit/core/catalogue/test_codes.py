"""Codes and clocks by name: they appear in JSON, so the names are stable; clocks are settings of the site."""

from __future__ import annotations

import re
from operator import attrgetter

import pytest

from launcher.core.catalogue.codes import Code, Limit
from launcher.core.spec.site import SiteConfig


@pytest.mark.parametrize("limit", [limit for limit in Limit if limit not in (Limit.NOW, Limit.NEVER)])
def test_clock_is_a_setting_of_the_site(limit):
    seconds = attrgetter(limit.clock)(SiteConfig())
    assert seconds is None or seconds > 0


def test_permanent_causes_and_ends_have_no_clock():
    assert (Limit.NOW.clock, Limit.NEVER.clock) == ("", "")


def test_clock_of_resources_is_flares_own_setting():
    assert (Limit.RESOURCES.clock, Limit.PULL.clock) == ("pending_timeout", "timeouts.pull")


@pytest.mark.parametrize("code", Code)
def test_code_is_named_after_its_member(code):
    assert re.fullmatch(r"[A-Z][A-Za-z]+", code.value)
    assert code.value.lower() == code.name.replace("_", "").lower()
