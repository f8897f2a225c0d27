"""Flux installs the parent of a site by digest and signature, with its kit, and rolls it out when the digest changes."""

from __future__ import annotations

import pytest

from tests.cluster.conftest import kubectl
from tests.cluster.gitops.examples import eventually
from tests.cluster.gitops.flux import is_ready
from tests.cluster.gitops.parent import SMALL, WORKSPACE, pack, settings_of, settle

pytestmark = pytest.mark.usefixtures("flux")


def small(document):
    if document["kind"] == "HelmRelease":
        document["spec"]["values"] = SMALL


def test_a_parent_is_installed_with_its_kit_and_follows_the_digest(site, registry, tmp_path):
    names, kit = site
    names.apply("flux/parent.yaml", registry.push(pack(kit, tmp_path / "dist"), "sites"), change=small)
    is_ready(names, "ocirepository", "site-1")
    is_ready(names, "helmrelease", "site-1", 300)
    assert settings_of(names) == (kit / "fljob/fljob.yaml").read_text()
    doctor = ["fljob", "doctor", "-n", names.namespace, "--kit", WORKSPACE]
    said = kubectl("exec", "-n", names.namespace, "deployment/site-1", "--", *doctor)
    assert "ok    rights: all" in said
    assert "FAIL" not in said

    text = settle(kit, pending_timeout=601)
    digest = registry.push(pack(kit, tmp_path / "dist"), "sites")
    names.apply("flux/parent.yaml", digest, change=small)
    is_ready(names, "ocirepository", "site-1")
    eventually(
        lambda: len((names.get("helmrelease", "site-1") or {})["status"].get("history", ())) > 1,
        lambda: names.get("helmrelease", "site-1"),
    )
    is_ready(names, "helmrelease", "site-1", 300)
    assert names.get("helmrelease", "site-1")["status"]["history"][0]["ociDigest"] == digest
    kubectl("rollout", "status", "deployment/site-1", "-n", names.namespace, "--timeout=120s")
    assert settings_of(names) == text
