"""What names a chart in a registry, and what does not."""

from __future__ import annotations

import pytest

from launcher.core.chart_reference import chart_reference, in_registry, refuse_address
from launcher.errors import InvalidInput

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "is_loopback"),
    [
        (f"oci://reg.example.org/charts/fljob@{DIGEST}", "reg.example.org", "charts/fljob", "", False),
        (f"oci://reg:5000/a/b-c/fljob:0.1.0@{DIGEST}", "reg:5000", "a/b-c/fljob", "0.1.0", False),
        (f"oci://localhost:5001/fljob:1.0.0_x@{DIGEST}", "localhost:5001", "fljob", "1.0.0_x", True),
        (f"oci://127.0.0.1/fljob@{DIGEST}", "127.0.0.1", "fljob", "", True),
        (f"oci://[::1]:5000/fljob@{DIGEST}", "[::1]:5000", "fljob", "", True),
        (f"oci://127.0.0.1.example.org/fljob@{DIGEST}", "127.0.0.1.example.org", "fljob", "", False),
        (f"oci://localhost.example.org/fljob@{DIGEST}", "localhost.example.org", "fljob", "", False),
    ],
)
def test_a_reference_is_read_and_written(text, host, repository, tag, is_loopback):
    chart = chart_reference(text, "f: chart")
    assert (chart.host, chart.repository, chart.tag, chart.digest) == (host, repository, tag, DIGEST)
    assert chart.is_loopback is is_loopback
    assert chart.name == "fljob"
    assert str(chart) == text
    assert chart.by_digest == f"oci://{host}/{repository}@{DIGEST}"


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("oci://reg/charts/fljob", "`helm show chart oci://reg/charts/fljob` prints it"),
        (
            "oci://reg/charts/fljob:1.2.3_a",
            "`helm show chart oci://reg/charts/fljob --version 1.2.3+a` prints it",
        ),
        (
            "oci://localhost:5001/fljob:1",
            "`helm show chart oci://localhost:5001/fljob --version 1 --plain-http`",
        ),
        (f"oci://reg/fljob@{DIGEST[:-1]}", "`helm show chart oci://reg/fljob` prints it"),
        (f"oci://reg/fljob@{DIGEST.upper()}", "write `oci://reg/fljob@sha256:...`"),
        ("oci://reg/fljob@sha512:" + "0" * 128, "write `oci://reg/fljob@sha256:...`"),
    ],
)
def test_without_a_digest_it_is_refused_and_the_cure_prints_one(text, cure):
    with pytest.raises(
        InvalidInput, match=r"f: chart: must end in a digest \(@sha256: and 64 digits\)"
    ) as error:
        chart_reference(text, "f: chart")
    assert cure in error.value.cure


@pytest.mark.parametrize(
    "text",
    [
        f"oci://@{DIGEST}",
        f"oci://reg@{DIGEST}",
        f"oci://reg/@{DIGEST}",
        f"oci://reg/Charts/fljob@{DIGEST}",
        f"oci://reg//fljob@{DIGEST}",
        f"oci://reg/../fljob@{DIGEST}",
        f"oci://reg/fljob:@{DIGEST}",
        f"oci://reg/fljob:1.0.0+x@{DIGEST}",
        f"oci://user:word@reg/fljob@{DIGEST}",
        f"oci://--insecure/fljob@{DIGEST}",
        f"oci://reg/fl job@{DIGEST}",
        f"oci://reg/fljob\n@{DIGEST}",
        f"oci://reg/fljob?x@{DIGEST}",
    ],
)
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(InvalidInput, match="f: chart: must name a chart in a registry"):
        chart_reference(text, "f: chart")


def test_a_path_is_no_place_in_a_registry():
    assert not any(map(in_registry, ("", "/opt/chart", "chart.tgz", "OCI://x", "oci:/x")))
    assert in_registry("oci://x")


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/fljob-1.0.0.tgz",
        "OCI://reg/fljob",
        "oci:reg/fljob",
        "file:///opt/fljob",
        "docker://reg/fljob",
    ],
)
def test_another_address_is_not_taken_for_a_path(text):
    with pytest.raises(InvalidInput, match="f: chart: must be a path, or begin with `oci://`, not"):
        refuse_address(text, "f: chart")


@pytest.mark.parametrize(
    "text", ["fljob", "/opt/a:b", "../a", "./a:/b", "c:\\fljob", f"oci://reg/fljob@{DIGEST}"]
)
def test_a_path_is_no_address(text):
    refuse_address(text, "f: chart")
