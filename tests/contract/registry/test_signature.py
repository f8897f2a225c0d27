"""With `chart_key` a chart is used only when cosign says that its digest is signed with that key."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.contract.registry.conftest import publish
from tests.contract.registry.test_chart import AWAY, DENIED, HTPASSWD, NO_PROGRAM, REFUSED, WRONG, refused
from tests.registries import CHART_CONFIG, CHART_LAYER, serve

PASSWORD = "of-the-test"


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> Path:
    """A folder with two pairs of keys: ours and another's."""
    if shutil.which("cosign") is None:
        pytest.fail('cosign is not on PATH: `scripts/test contract`, or `eval "$(scripts/tools cosign)"`')
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ours", "another"):
        subprocess.run(
            ["cosign", "generate-key-pair", "--output-key-prefix", name],
            cwd=folder,
            env={**os.environ, "COSIGN_PASSWORD": PASSWORD},
            check=True,
            capture_output=True,
        )
    return folder


@pytest.fixture
def sign(registry, package, keys):
    """Return a function that publishes the chart, signed with a key."""

    def signed(name: str) -> str:
        words = (f"oci://{registry.host}/charts", "--package", package, "--key", keys / f"{name}.key")
        done = publish(*words, COSIGN_PASSWORD=PASSWORD)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[2] == f"signed with: {keys / f'{name}.key'}"
        return done.stdout.splitlines()[1].removeprefix("chart: ")

    return signed


def test_what_is_signed_is_used_and_asked_for_once(site, sign, keys, registry):
    chart = sign("ours")
    code, printed, error = site(chart, chart_key=str(keys / "ours.pub"))
    assert code == 0, error
    assert printed == site()[1]
    registry.stop()
    assert site(chart, chart_key=str(keys / "ours.pub"))[0] == 0


def test_what_nobody_has_signed(site, by_tag, keys, cached):
    refused(site(by_tag, chart_key=str(keys / "ours.pub")), REFUSED, "nobody has signed it")
    assert cached() == []


def test_what_another_has_signed(site, sign, keys, cached):
    refused(
        site(sign("another"), chart_key=str(keys / "ours.pub")),
        REFUSED,
        "is signed, and not with `chart_key`",
    )
    assert cached() == []


def test_what_both_have_signed(site, sign, keys):
    sign("another")
    assert site(sign("ours"), chart_key=str(keys / "ours.pub"))[0] == 0


def test_the_signature_of_another_digest(site, sign, registry, keys, package, cached):
    """Who may write into the registry can copy it there."""
    signed = sign("ours").rpartition("@")[2]
    layers = {package.read_bytes(): CHART_LAYER}
    planted = registry.put("charts/fljob", "planted", layers, CHART_CONFIG, {"name": "fljob"})
    registry.copy("charts/fljob", signed.replace(":", "-"), planted.replace(":", "-"))
    chart = f"oci://{registry.host}/charts/fljob@{planted}"
    assert site(chart)[0] == 0
    shutil.rmtree("cache")
    refused(site(chart, chart_key=str(keys / "ours.pub")), REFUSED, "chart_key")
    assert cached() == []


def test_a_chart_that_was_fetched_without_a_key_or_with_another_is_verified(site, sign, keys, registry):
    chart = sign("ours")
    assert site(chart)[0] == 0
    refused(site(chart, chart_key=str(keys / "another.pub")), REFUSED, "not with `chart_key`")
    assert site(chart, chart_key=str(keys / "ours.pub"))[0] == 0
    registry.stop()
    refused(site(chart, chart_key=str(keys / "another.pub")), AWAY, "does not answer")
    assert site(chart)[0] == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file"), ("", "no public key"), ("nonsense", "PEM decoding failed"), ("private", "Are you passing the correct public key")],
)  # fmt: skip
def test_a_key_that_is_none(site, sign, keys, cached, content, words):
    chart = sign("ours")
    if content is not None:
        Path("key.pub").write_text((keys / "ours.key").read_text() if content == "private" else content)
    refused(site(chart, chart_key="key.pub"), WRONG, "chart_key", words)
    assert cached() == []


def test_without_cosign(site, by_digest, keys, cached):
    found = site(by_digest, chart_key=str(keys / "ours.pub"), cosign="no-such-cosign")
    refused(found, NO_PROGRAM, "there is no program 'no-such-cosign'", "set `cosign` to its path")
    assert cached() == []


def test_cosign_has_the_credentials_of_helm(site, sign, keys, registry, tmp_path, monkeypatch):
    digest = sign("ours").rpartition("@")[2]
    registry.stop()
    with serve(tmp_path / "registry", HTPASSWD) as closed:
        chart = f"oci://{closed.host}/charts/fljob@{digest}"
        refused(site(chart, chart_key=str(keys / "ours.pub")), DENIED, "refuses the credentials")
        config = tmp_path / "home" / ".config" / "helm" / "registry" / "config.json"
        config.parent.mkdir(parents=True)
        config.write_text(json.dumps({"auths": {closed.host: {"auth": "cmVhZGVyOnNlY3JldA=="}}}))
        code, _, error = site(chart, chart_key=str(keys / "ours.pub"))
        assert code == 0, error


def test_a_key_that_cannot_sign_publishes_no_signature(registry, package, keys):
    words = (f"oci://{registry.host}/charts", "--package", package, "--key", keys / "ours.key")
    done = publish(*words, COSIGN_PASSWORD="wrong")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: `cosign sign` failed:")
