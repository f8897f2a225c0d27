"""``fljob plan``: what it says before any cluster is asked."""

from __future__ import annotations

import json

import pytest

JOB = ("plan", "meta.json", "--site", "site-1", "-n", "fl")


def test_a_job_is_named(fljob):
    code, out, err = fljob("plan")
    assert (code, out) == (2, "")
    assert "META" in err


@pytest.mark.usefixtures("printing_helm")
def test_what_makes_no_manifests_is_told_as_a_launch_would(fljob, folder):
    (folder / "fljob.yaml").write_text("values: {job: {id: mine}}\n")
    code, out, _ = fljob(*JOB, "-o", "json", "--", "x")
    shown = json.loads(out)
    assert (code, shown["returnCode"], shown["code"]) == (104, 104, "SiteInvalid")
    assert shown["checks"][0]["cure"]
    code, out, _ = fljob(*JOB, "--", "x")
    assert code == 104
    assert out.splitlines()[1].split() == ["manifests", "fails", "SiteInvalid", "at", "once"]


@pytest.mark.usefixtures("printing_helm")
def test_a_kubeconfig_that_is_not_there_is_an_error(fljob):
    code, out, err = fljob(*JOB, "--kubeconfig", "nonesuch", "--", "x")
    assert (code, out) == (2, "")
    assert "nonesuch" in err
