"""Whoever can write into the cache of charts cannot have another chart used than the digest in the settings names."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.core.chart_reference import chart_reference
from launcher.edges.charts.cache import ChartCache
from launcher.edges.charts.manifests import RegistryManifests
from launcher.edges.charts.programs import RegistryPrograms
from tests.contract.registry.conftest import VERSION
from tests.contract.registry.test_chart import AWAY, MISSING, REFUSED, WRONG, refused
from tests.registries import CHART_CONFIG, CHART_LAYER, changed

ARCHIVE, MANIFEST, RECORD = "chart.tgz", "manifest.json", "record.json"
INDEX = "application/vnd.oci.image.index.v1+json"


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture
def kept(site, by_digest, digest, tmp_path) -> Path:
    """The folder of a chart that was fetched."""
    assert site(by_digest)[0] == 0
    return tmp_path / "site" / "cache" / digest.replace(":", "-")


def planted(kept: Path) -> bytes:
    """Return the chart with a line that would be in each pod."""
    with gzip.open(kept / ARCHIVE) as old:
        content = old.read()
    comment, line = b"  # FLARE decides whether a job runs again.", b"  hostNetwork: true"
    assert comment in content, "the place where the test plants something"
    return gzip.compress(content.replace(comment, line.ljust(len(comment))))


def other_archive(kept: Path) -> None:
    (kept / ARCHIVE).write_bytes(planted(kept))


def one_bit_of_the_manifest(kept: Path) -> None:
    content = (kept / MANIFEST).read_bytes()
    (kept / MANIFEST).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def both_as_one(kept: Path) -> None:
    """Change archive, manifest and record so that each fits the others: only the reference does not."""
    archive = planted(kept)
    manifest = json.loads((kept / MANIFEST).read_bytes())
    for layer in manifest["layers"]:
        if layer["mediaType"] == CHART_LAYER:
            layer |= {"digest": sha256(archive), "size": len(archive)}
    content = json.dumps(manifest).encode()
    record = json.loads((kept / RECORD).read_bytes()) | {
        "archive": sha256(archive),
        "digest": sha256(content),
    }
    (kept / ARCHIVE).write_bytes(archive)
    (kept / MANIFEST).write_bytes(content)
    (kept / RECORD).write_text(json.dumps(record))


def without_manifest(kept: Path) -> None:
    """As an earlier version has left it."""
    (kept / MANIFEST).unlink()
    record = {"digest": "x", "tag": "", "key": "", "archive": sha256((kept / ARCHIVE).read_bytes())}
    (kept / RECORD).write_text(json.dumps(record))


def endless(name: str):
    def change(kept: Path) -> None:
        with (kept / name).open("r+b") as opened:
            opened.truncate(8 * 1024**3)  # holes, no bytes on the disk

    return change


CHANGES = {
    "another archive": other_archive,
    "one bit of the manifest": one_bit_of_the_manifest,
    "both, as one": both_as_one,
    "no manifest": without_manifest,
    "no archive": lambda kept: (kept / ARCHIVE).unlink(),
    "a folder for the manifest": lambda kept: ((kept / MANIFEST).unlink(), (kept / MANIFEST).mkdir()),
    "no JSON in the manifest": lambda kept: (kept / MANIFEST).write_bytes(b"{"),
    "no JSON in the record": lambda kept: (kept / RECORD).write_bytes(b"[" * 60_000),
    "a list in the record": lambda kept: (kept / RECORD).write_bytes(b"[]"),
    "an archive of eight gigabytes": endless(ARCHIVE),
    "a manifest of eight gigabytes": endless(MANIFEST),
    "a record of eight gigabytes": endless(RECORD),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_not_whole_is_not_used_and_fetched_anew(site, by_digest, kept, name):
    printed = site()[1]
    sound = {one: (kept / one).read_bytes() for one in (ARCHIVE, MANIFEST)}
    CHANGES[name](kept)
    code, out, err = site(by_digest)
    assert (code, out) == (0, printed), err
    assert {one: (kept / one).read_bytes() for one in sound} == sound


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_not_whole_is_not_used_while_the_registry_is_away(site, by_digest, kept, registry, name):
    registry.stop()
    CHANGES[name](kept)
    refused(site(by_digest), AWAY, f"registry {registry.host} does not answer")


def test_the_planted_chart_would_print_something_else(site, kept, tmp_path):
    """Were it used, the tests above would fail."""
    (tmp_path / "planted.tgz").write_bytes(planted(kept))
    code, out, err = site(str(tmp_path / "planted.tgz"))
    assert code == 0, err
    assert "hostNetwork: true" in out


def test_a_whole_chart_needs_no_registry(site, by_digest, kept, registry):
    registry.stop()
    code, out, _ = site(by_digest)
    assert (code, out) == (0, site()[1])
    assert sorted(path.name for path in kept.iterdir()) == [ARCHIVE, MANIFEST, RECORD]
    assert sha256((kept / MANIFEST).read_bytes()) == by_digest.rpartition("@")[2]


def test_why_it_is_fetched_again_is_a_warning(registry, by_digest, tmp_path, caplog):
    cache, chart = cache_in(tmp_path), chart_reference(by_digest, "")
    kept = cache.archive(chart).parent
    one_bit_of_the_manifest(kept)
    cache.archive(chart)
    assert "is not whole and not used, it is fetched again: the manifest has sha256:" in caplog.text


def cache_in(folder: Path) -> ChartCache:
    programs = RegistryPrograms(helm="helm", cosign="cosign", environ=os.environ)
    return ChartCache(folder / "cache", programs, RegistryManifests(environ=os.environ))


def test_what_was_compared_for_the_values_is_compared_again_for_helm_when_it_was_touched(
    registry, by_digest, tmp_path
):
    cache, chart = cache_in(tmp_path), chart_reference(by_digest, "")
    archive = cache.archive(chart)
    sound, status = archive.read_bytes(), archive.stat()
    registry.stop()
    assert cache.compared(chart) == archive
    archive.write_bytes(sound[:-1] + b"x")
    os.utime(archive, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(Exception, match="does not answer"):
        cache.compared(chart)
    registry.start()
    assert cache.compared(chart).read_bytes() == sound
    shutil.rmtree(archive.parent)
    assert cache.compared(chart).read_bytes() == sound


# Counts how often a process opens the archive; helm is a process of its own.
COUNTED = """
import sys
opened = []
sys.addaudithook(lambda event, words: opened.append(1) if event == "open" and str(words[0]).endswith("chart.tgz") else None)
from launcher.cli import main
try:
    main(sys.argv[1:])
finally:
    print(len(opened), file=sys.stderr)
"""


def test_a_launch_reads_the_archive_once_for_its_digest_and_once_for_its_schema(site, by_digest, kept):
    words = ["template", "meta.json", "--config", "fljob.yaml"]
    done = subprocess.run([sys.executable, "-c", COUNTED, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "2"


@pytest.mark.parametrize("form", ["by_digest", "by_tag"])
def test_a_registry_that_changes_the_manifest_is_found_out_by_the_digest(
    site, registry, form, request, cached
):
    chart = request.getfixturevalue(form)
    with changed(registry, "/manifests/") as host:
        found = site(chart.replace(registry.host, host))
    refused(found, REFUSED, "sends other bytes than the digest names: the manifest has sha256:")
    assert cached() == []


def test_a_digest_that_is_gone_while_its_tag_names_another(site, registry, digest, cached):
    gone = "sha256:" + "0" * 64
    chart = f"oci://{registry.host}/charts/fljob"
    refused(site(f"{chart}:{VERSION}@{gone}"), WRONG, f"tag {VERSION} names {digest} now, and not {gone}")
    refused(site(f"{chart}:no-such-tag@{gone}"), MISSING, "has no such chart")
    assert cached() == []


def test_an_index_is_refused(site, registry, digest, cached):
    """Which of its manifests is taken would be for a client to say."""
    kind = "application/vnd.oci.image.manifest.v1+json"
    size = len(registry.get("charts/fljob", digest))
    body = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{"mediaType": kind, "digest": digest, "size": size}],
    }
    index = registry.put_manifest("charts/fljob", "all", json.dumps(body).encode(), INDEX)
    for tag in ("", ":all"):
        refused(
            site(f"oci://{registry.host}/charts/fljob{tag}@{index}"),
            WRONG,
            "there is no chart: the digest is that of an index of manifests, and not of one chart",
            "name the digest of a chart",
        )
    assert cached() == []


def test_two_charts_in_one_manifest_and_a_chart_without_end(site, registry, package, cached):
    layers = {package.read_bytes(): CHART_LAYER, b"x": CHART_LAYER}
    two = registry.put("charts/fljob", "two", layers, CHART_CONFIG, {"name": "fljob"})
    refused(site(f"oci://{registry.host}/charts/fljob@{two}"), WRONG, "names 2 layers of")
    manifest = json.loads(registry.get("charts/fljob", two))
    large = {**manifest, "layers": [{**manifest["layers"][0], "size": 10**10}]}
    body = json.dumps(large).encode()
    endless = registry.put_manifest("charts/fljob", "large", body, manifest["mediaType"])
    refused(
        site(f"oci://{registry.host}/charts/fljob@{endless}"), WRONG, "its archive has '10000000000' bytes"
    )
    assert cached() == []
    assert site(f"oci://{registry.host}/charts/fljob:{VERSION}@{sha256(body)}")[0] == WRONG
