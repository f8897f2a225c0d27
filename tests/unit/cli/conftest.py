"""The command line over a recording world, with the meta of a job in the current folder."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import launcher.cli

META = {"name": "x", "launcher_spec": {"default": {"k8s": {"image": "img:1"}}}}
LAUNCH = ("launch", "meta.json", "--site", "site-1", "-n", "fl", "--job-id", "a1")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder of the commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLJOB_CONFIG", raising=False)
    (tmp_path / "meta.json").write_text(json.dumps(META))
    return tmp_path


@pytest.fixture
def fljob(fake, folder, capsys):
    """Return a function that runs a command and returns (exit code, stdout, stderr)."""

    def run(*args):
        with pytest.raises(SystemExit) as done:
            launcher.cli.main(list(args), world=fake.world)
        return (done.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def release(fake, fljob):
    """The release of a job that was launched."""
    fljob(*LAUNCH, "--", "x")
    (name,) = fake.releases.items
    return name


def installed(fake):
    """Return the name of the one release there is, and its pod."""
    (name,) = fake.releases.items
    (pod,) = fake.pods.items.values()
    return name, pod


def known_as(fake, pod):
    """Return a pod with the names of the one there is."""
    (known,) = fake.pods.items.values()
    return replace(pod, name=known.name, labels=known.labels, annotations=known.annotations)


def show(fake, pod):
    """Show a state of the one pod there is, keeping its names."""
    fake.pods.show(known_as(fake, pod))
