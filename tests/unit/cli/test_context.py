"""What every command is given: the use cases of the site that its options name, over the ports of a test."""

from __future__ import annotations

from launcher.cli.context import Cli
from launcher.core.spec.site import PendingPolicy, SiteConfig
from tests.jobs import make_spec


def test_the_use_cases_are_those_of_the_site_over_the_given_ports(fake):
    service = Cli(fake.world).service(SiteConfig(policy=PendingPolicy.STRICT, pending_timeout=7.0))
    assert service.world == fake.world
    assert (service.policy.mode, service.policy.pending_timeout) == (PendingPolicy.STRICT, 7.0)
    assert service.render(make_spec())["image"]["reference"] == "img:1"
