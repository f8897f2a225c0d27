"""Options that several commands share: the configuration file and the name of the site."""

from __future__ import annotations

import pytest


def test_an_unknown_key_of_the_configuration_is_named_with_the_right_one(fljob, folder):
    (folder / "fljob.yaml").write_text("pending_timout: 3\n")
    code, _, err = fljob("list", "-n", "fl")
    assert code == 2
    assert "pending_timout" in err
    assert "pending_timeout" in err


@pytest.mark.parametrize(
    ("options", "role"),
    [(("server",), "server_runner"), (("server", "--role", "client"), "client"), (("site-1",), "client")],
)
def test_the_site_server_is_the_server(fljob, options, role):
    _, out, _ = fljob("render", "meta.json", "--site", *options, "-o", "json")
    assert ("runner_process" in out) == (role == "server_runner")
