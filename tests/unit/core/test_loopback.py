"""Which hosts are this machine: one that only begins like one is not, and gets no credential in plain text."""

from __future__ import annotations

import pytest

from launcher.core.loopback import is_loopback_authority


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5001", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:5001"]
)
def test_this_machine(host):
    assert is_loopback_authority(host)


@pytest.mark.parametrize(
    "host", ["localhost.example", "127.example:80", "127.0.0.1.example", "10.0.0.1", "[fe80::1]", "", "["]
)
def test_another_machine(host):
    assert not is_loopback_authority(host)
