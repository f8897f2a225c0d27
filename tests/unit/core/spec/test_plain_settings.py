"""The settings of a site as JSON: those that are no defaults, the same for two checkouts of one thing."""

from __future__ import annotations

from launcher.core.spec.jobspec import Role
from launcher.core.spec.plain_settings import plain_settings
from launcher.core.spec.retention import Retention
from launcher.core.spec.site import PendingPolicy, SiteConfig
from launcher.core.spec.timeouts import Timeouts


def test_defaults_are_left_out():
    assert plain_settings(SiteConfig(), "/kit") == {}


def test_every_kind_of_value():
    site = SiteConfig(
        role=Role.SERVER,
        policy=PendingPolicy.STRICT,
        image_pull_secrets=("a",),
        timeouts=Timeouts(pull=5.0),
        retention=Retention(failed=1.0),
        values={"a": [1]},
        pending_timeout=None,
    )
    found = plain_settings(site, "/kit")
    assert found.keys() == {
        "role", "policy", "image_pull_secrets", "timeouts", "retention", "values", "pending_timeout",
    }  # fmt: skip
    assert (found["role"], found["policy"], found["image_pull_secrets"]) == ("server", "strict", ["a"])
    assert (found["timeouts"]["pull"], found["retention"]["failed"]) == (5.0, 1.0)
    assert (found["values"], found["pending_timeout"]) == ({"a": [1]}, None)


def test_a_path_below_the_folder_is_shown_without_it():
    site = SiteConfig(values_dir="/kit/fljob/values", chart="/opt/chart", helm="helm")
    assert plain_settings(site, "/kit/") == {"values_dir": "fljob/values", "chart": "/opt/chart"}
