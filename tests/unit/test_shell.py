"""A command that is printed as a cure does what it says when it is pasted, whatever the names in it."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from launcher.core.catalogue.reasons import REASONS, cure_of
from launcher.core.flare.kit_steps import next_steps
from launcher.core.foreign import word
from launcher.errors import Reason

WORDS = (
    "namespace",
    "host",
    "quota",
    "object",
    "verb",
    "resource",
    "user",
    "name",
    "kind",
    "group",
    "webhook",
    "policy",
)
HOSTILE = (
    "a; rm -rf ~",
    "a b",
    "a'b",
    'a"b',
    "$(id)",
    "`id`",
    "a|b",
    "a\nb",
    "-rf",
    "--all",
    "a&b",
    "a>b",
    "*",
    "~",
    "\x1b[31m",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_one_word_and_no_option(name):
    (found,) = shlex.split(word(name))
    assert found in {name, "NAME", "a\\nb", "\\x1b[31m"}
    assert not found.startswith("-")


def test_a_good_name_stays_as_it_is():
    assert word("fj-a1-site-1.x") == "fj-a1-site-1.x"


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("name", ["x; echo pwned", "$(echo pwned)", "`echo pwned`", "x'; echo pwned '", "-x"])
def test_what_a_server_names_runs_nothing_in_a_cure(reason, name):
    if reason not in REASONS:
        return
    cure = cure_of(reason, dict.fromkeys(WORDS, name))
    # As somebody would paste it, from the first word of a program on.
    for program in ("kubectl", "fljob", "helm"):
        _, found, command = cure.partition(f"{program} ")
        if not found:
            continue
        script = (
            f"{program}() {{ :; }}; {program} {command.partition(chr(96))[0] if chr(96) not in name else ''}"
        )
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
        assert "pwned" not in done.stdout


@pytest.mark.parametrize("name", HOSTILE)
def test_the_steps_after_a_kit_was_adopted(name):
    values = {"name": name, "persistence": {"workspace": {"mountPath": name}}}
    staged = {
        "name": name,
        "workspaceConfig": {
            "local": {"configMapName": name, "items": [{"key": name, "path": "resources.json.default"}]}
        },
    }
    for given in (values, staged):
        for step in next_steps(name, given, name):
            script = f"helm() {{ :; }}; kubectl() {{ :; }}; tar() {{ :; }}; base64() {{ :; }}; id() {{ echo pwned; }}; rm() {{ echo pwned; }}; b() {{ echo pwned; }}; {step}"
            done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
            assert "pwned" not in done.stdout + done.stderr
