"""``fljob kit secrets``: the Secrets of startup kits are listed, and go when they are named."""

from __future__ import annotations

from launcher.core.names import startup_secret_name
from launcher.usecases.startup import put_startup_kit
from tests.jobs import make_spec

NAME = startup_secret_name("site-1")


def test_they_are_listed_and_removed(fake, fljob):
    assert fljob("kit", "secrets", "-n", "fl") == (0, "", "no Secrets of startup kits in namespace fl\n")
    put_startup_kit(fake.world, make_spec(startup_secret=NAME), "fed", {"rootCA.pem": b"x"})
    listed = f"{NAME}  site site-1, federation fed, made 2026-01-01, used by 0 pods\n"
    assert fljob("kit", "secrets", "-n", "fl") == (0, listed, "")
    assert fljob("kit", "secrets", "-n", "fl", "--remove", NAME) == (0, f"removed secret {NAME}\n", "")
    assert fljob("kit", "secrets", "-n", "fl", "--remove", NAME)[0] == 3


def test_a_namespace_that_is_not_there_is_not_one_without_secrets(fake, fljob, monkeypatch):
    monkeypatch.setattr(fake.pods, "has_namespace", lambda _: False)
    code, out, err = fljob("kit", "secrets", "-n", "fl")
    assert (code, out) == (3, "")
    assert err.startswith("error: there is no namespace 'fl'\n")
