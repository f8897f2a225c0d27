"""Helm's records in ConfigMaps: with the rights that are printed for that driver, and nothing of them in a Secret."""

from __future__ import annotations

import base64
import json
import os

import pytest
import yaml

from tests.cluster.conftest import kubectl
from tests.cluster.flare_parent import Parent

pytestmark = pytest.mark.cluster


@pytest.fixture
def parent(fljob, namespace, tmp_path):
    """Options of commands that are run by an account which has the printed rights, with the driver `configmap`."""
    kubectl("create", "serviceaccount", "parent", "-n", namespace)
    words = ("-n", namespace, "--service-account", "parent", "--driver", "configmap")
    kubectl("apply", "-f", "-", stdin=fljob("rbac", *words, check=0).stdout)
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    config["users"][0]["user"] = {"token": kubectl("create", "token", "parent", "-n", namespace).strip()}
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    site = {"kubeconfig": "kubeconfig", "namespace": namespace, "storage_driver": "configmap"}
    (tmp_path / "fljob.yaml").write_text(yaml.safe_dump(site))
    return ("--config", str(tmp_path / "fljob.yaml"))


def records(namespace: str) -> dict[str, list[str]]:
    """Return the names of Helm's records by the kind of object that they are in."""
    return {
        kind: kubectl("get", kind, "-n", namespace, "-l", "owner=helm", "-o", "name").split()
        for kind in ("configmap", "secret")
    }


def test_a_job_has_its_record_in_a_configmap_until_it_is_terminated(fljob, job_folder, namespace, parent):
    launch = ("launch", str(job_folder()), "--site", "site-1", *parent, "-o", "json", "--", "sleep", "60")
    release = json.loads(fljob(*launch, check=0).stdout)["release"]
    assert records(namespace) == {"configmap": [f"configmap/sh.helm.release.v1.{release}.v1"], "secret": []}
    (row,) = json.loads(fljob("list", *parent, "-o", "json", check=0).stdout)
    assert row["helm"]["status"] == "deployed"
    fljob("terminate", release, *parent, check=0)
    assert records(namespace) == {"configmap": [], "secret": []}
    assert kubectl("get", "pod", "-n", namespace, "-o", "name") == ""


def test_success_takes_the_record_away(fljob, job_folder, namespace, parent):
    launch = ("launch", str(job_folder()), "--site", "site-1", *parent, "--wait", "--", "true")
    assert "SUCCEEDED" in fljob(*launch, check=0).stdout
    assert records(namespace) == {"configmap": [], "secret": []}


def test_a_flare_parent_keeps_its_records_there_too(namespace, image, tmp_path):
    made = Parent(tmp_path / "workspace", namespace, image, storage_driver="configmap")
    try:
        handle = made.launch("sleep 300")
        found = records(namespace)
        assert [len(names) for names in found.values()] == [1, 0]
        handle.terminate()
        handle.wait()
        assert handle.poll() == 9
        assert records(namespace) == {"configmap": [], "secret": []}
    finally:
        made.close()


def test_the_doctor_finds_the_printed_rights_enough_for_the_driver_of_the_site(fljob, parent):
    lines = fljob("doctor", *parent, check=0).stdout.splitlines()
    assert any(line.startswith("ok    rights: all ") for line in lines)


def test_without_the_rights_of_the_driver_the_missing_one_is_named(fljob, job_folder, namespace, parent):
    kubectl("delete", "role", "fljob", "-n", namespace)
    words = ("-n", namespace, "--service-account", "parent", "--driver", "secret")
    kubectl("apply", "-f", "-", stdin=fljob("rbac", *words, check=0).stdout)
    launch = ("launch", str(job_folder()), "--site", "site-1", *parent, "--", "true")
    assert "configmaps" in fljob(*launch, check=6).stderr
    lines = fljob("doctor", *parent, check=1).stdout.splitlines()
    assert "FAIL  right: list configmaps is not granted" in "\n".join(lines)
    assert "--driver configmap" in "\n".join(lines)


@pytest.mark.parametrize("driver", ["secret", "configmap"])
def test_values_that_no_record_can_hold_are_refused_in_the_same_sentence(
    fljob, job_folder, namespace, tmp_path, driver
):
    """More than 1 MiB, also when Helm has compressed it."""
    parts = [{"name": f"PART_{n}", "value": base64.b64encode(os.urandom(60_000)).decode()} for n in range(14)]
    site = {"namespace": namespace, "storage_driver": driver, "values": {"env": parts}}
    (tmp_path / "fljob.yaml").write_text(json.dumps(site))
    config = ("--config", str(tmp_path / "fljob.yaml"))
    refused = fljob("launch", str(job_folder()), "--site", "site-1", *config, "--", "true")
    assert refused.returncode != 0
    assert "the values are too big: Helm keeps a release in one object of at most 1 MiB" in refused.stderr
    assert records(namespace) == {"configmap": [], "secret": []}
    assert kubectl("get", "pod", "-n", namespace, "-o", "name") == ""
