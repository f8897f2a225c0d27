"""From a digest to the archive of a chart: whatever else the bytes may be is refused."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from launcher.core.chart_manifest import (
    LARGEST_ARCHIVE,
    Archive,
    ChainBroken,
    archive_of,
    refuse_other_bytes,
)
from launcher.errors import Reason

SHA = f"sha256:{'a' * 64}"
CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
LAYER = {"mediaType": CHART, "digest": SHA, "size": 9}
PROVENANCE = {"mediaType": "application/vnd.cncf.helm.chart.provenance.v1.prov", "digest": SHA, "size": 1}
OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = {"schemaVersion": 2, "mediaType": OCI, "layers": [LAYER]}


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def read(manifest):
    content = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    return archive_of(content, digest(content))


@pytest.mark.parametrize(
    "manifest",
    [
        MANIFEST,
        {"layers": [LAYER]},  # the field is optional in an image's manifest
        {**MANIFEST, "layers": [PROVENANCE, LAYER, "x", None]},
        {**MANIFEST, "layers": [{**LAYER, "size": 9}], "annotations": {"manifests": "x"}},
    ],
)
def test_the_layer_of_the_chart(manifest):
    assert read(manifest) == Archive(SHA, 9)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (b"", "is no JSON"),
        (b"\xff", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        ([], "is no JSON object"),
        ({}, "names 0 layers of"),
        ({"layers": 3}, "names 0 layers of"),
        ({**MANIFEST, "layers": [PROVENANCE]}, "names 0 layers of"),
        ({**MANIFEST, "layers": [{**LAYER, "mediaType": "application/tar+gzip"}]}, "names 0 layers of"),
        ({**MANIFEST, "layers": [LAYER, LAYER]}, "names 2 layers of"),
        ({**MANIFEST, "mediaType": INDEX}, f"is '{INDEX}', and not"),
        ({**MANIFEST, "mediaType": 7}, "is '7', and not"),
        ({"mediaType": INDEX, "manifests": [LAYER]}, "of an index of manifests, and not of one chart"),
        ({**MANIFEST, "manifests": []}, "of an index of manifests"),
        ({**MANIFEST, "layers": [{**LAYER, "digest": None}]}, "and not by a sha256"),
        ({**MANIFEST, "layers": [{**LAYER, "digest": f"sha512:{'a' * 128}"}]}, "and not by a sha256"),
        ({**MANIFEST, "layers": [{**LAYER, "digest": SHA + "\n"}]}, "and not by a sha256"),
        *(({**MANIFEST, "layers": [{**LAYER, "size": size}]}, "and not 1 to") for size in (0, -1, True, "9", None, 9.0, LARGEST_ARCHIVE + 1)),
    ],
)  # fmt: skip
def test_what_is_no_manifest_of_a_chart(manifest, words):
    with pytest.raises(ChainBroken, match=re.escape(words)) as refused:
        read(manifest)
    assert refused.value.reason is Reason.CHART_IS_NONE


def test_bytes_of_another_digest_are_not_looked_at():
    content = json.dumps(MANIFEST).encode()
    with pytest.raises(ChainBroken, match=f"the manifest has {digest(content)}, and not {SHA}") as refused:
        archive_of(content, SHA)
    assert refused.value.reason is Reason.CHART_OTHER_BYTES
    refuse_other_bytes("the archive", b"x", digest(b"x"))
    with pytest.raises(ChainBroken, match="the archive has"):
        refuse_other_bytes("the archive", b"x", digest(b"y"))
