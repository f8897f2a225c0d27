"""The command line over a recording world, with the meta of a job in the current folder."""

from __future__ import annotations

import json
import os
import sys
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


# Reads the values from stdin as `helm template NAME CHART --values -` does, and shows them in a pod.
PRINTING_HELM = """\
import json, sys
values = json.load(sys.stdin)
pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": values["pod"]["name"]}, "spec": values}
print("---\\n# Source: fljob/templates/pod.yaml\\n" + json.dumps(pod))
"""


@pytest.fixture
def printing_helm(tmp_path_factory, monkeypatch):
    """A helm on PATH whose pod has the chart values as its spec."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "printing.py").write_text(PRINTING_HELM)
    (folder / "helm").write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "{folder}/printing.py"\n')
    (folder / "helm").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


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
