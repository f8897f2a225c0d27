"""The chart of a site on the disk: a folder or an archive, its metadata and its schema."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from launcher.core.spec.site import SiteConfig
from launcher.edges.disk.chart_files import chart_definitions, chart_metadata, chart_path, named_chart
from launcher.errors import InvalidInput

CHART = {"fljob__Chart_yaml": b"name: fljob\nversion: 1.0.0\n"}


def archive(path, **files):
    with tarfile.open(path, "w:gz") as opened:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/").replace("_", "."))
            entry.size = len(text)
            opened.addfile(entry, io.BytesIO(text))
    return path


def test_the_shipped_chart_is_found():
    assert (chart_path(SiteConfig()) / "templates" / "pod.yaml").is_file()


def test_a_sites_own_chart_wins(tmp_path):
    (tmp_path / "Chart.yaml").write_text("name: mine")
    assert chart_path(SiteConfig(chart=str(tmp_path))) == tmp_path
    assert chart_path(SiteConfig(chart=str(archive(tmp_path / "x.tgz")))) == tmp_path / "x.tgz"


@pytest.mark.parametrize("name", [".", "x" * 300])
def test_a_chart_that_is_none(tmp_path, name):
    with pytest.raises(InvalidInput, match=r"holds no Chart\.yaml\n  cure: correct `chart` in fljob\.yaml"):
        chart_path(SiteConfig(chart=str(tmp_path / name)))


def test_the_definitions_of_the_charts_schema():
    assert "nodeSelector" in chart_definitions(chart_path(SiteConfig()))["k8s.PodSpec"]["properties"]


@pytest.mark.parametrize("schema", [None, b"[]", b"{}", b'{"$defs": []}'])
def test_a_chart_without_definitions(tmp_path, schema):
    files = {} if schema is None else {"fljob__values.schema.json".replace(".", "_"): schema}
    if schema is not None:
        (tmp_path / "values.schema.json").write_bytes(schema)
    assert chart_definitions(tmp_path) == {}
    assert chart_definitions(archive(tmp_path / "x.tgz", **CHART, **files)) == {}


def test_the_definitions_in_an_archive_are_those_of_the_chart_and_of_none_below(tmp_path):
    of = {"$defs": {"a": {}}}
    below = {"$defs": {"b": {}}}
    made = archive(
        tmp_path / "x.tgz",
        **CHART,
        fljob__charts__y__values_schema_json=json.dumps(below).encode(),
        fljob__values_schema_json=json.dumps(of).encode(),
    )
    assert chart_definitions(made) == {"a": {}}


def test_a_schema_that_changes_is_read_again(tmp_path):
    for name in ("a", "ab"):
        (tmp_path / "values.schema.json").write_text(json.dumps({"$defs": {name: {}}}))
        assert chart_definitions(tmp_path) == {name: {}}


def test_a_schema_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "values.schema.json").write_text("{")
    with pytest.raises(InvalidInput, match=r"values\.schema\.json:1:2"):
        chart_definitions(tmp_path)


def test_the_metadata_of_an_archive(tmp_path):
    made = archive(tmp_path / "x.tgz", fljob__Chart_yaml=b"name: fljob\nversion: 1.0.0\n")
    assert chart_metadata(made) == {"name": "fljob", "version": "1.0.0"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "cannot be unpacked"),
        (b"x" * 600, "cannot be unpacked"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "cannot be unpacked"),
    ],
)
def test_a_file_that_is_no_archive(tmp_path, content, why):
    (tmp_path / "x.tgz").write_bytes(content)
    for read in (chart_metadata, chart_definitions):
        with pytest.raises(InvalidInput, match=why):
            read(tmp_path / "x.tgz")


@pytest.mark.parametrize(
    ("text", "why"),
    [(b"[", "Chart.yaml"), (b"- x", "must be a mapping"), (b"\xff", "cannot be unpacked|not UTF-8"), (b"x" * 5_000_000, "more than")],
)  # fmt: skip
def test_metadata_that_is_none(tmp_path, text, why):
    with pytest.raises(InvalidInput, match=why):
        chart_metadata(archive(tmp_path / "x.tgz", fljob__Chart_yaml=text))


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "it holds no Chart.yaml in a folder"),
        ({"Chart_yaml": b"name: fljob\n"}, "it holds no Chart.yaml in a folder"),
        (
            {**CHART, "other__Chart_yaml": b"name: other\n"},
            "more than one Chart.yaml: Helm would mix two charts",
        ),
        ({**CHART, "fljob__..__..__evil": b""}, "it holds 'fljob/../../evil', which leads out of it"),
    ],
)
def test_an_archive_that_is_not_one_chart(tmp_path, files, why):
    with tarfile.open(tmp_path / "x.tgz", "w:gz") as opened:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/").replace("_", "."))
            entry.size = len(text)
            opened.addfile(entry, io.BytesIO(text))
    for read in (chart_metadata, chart_definitions):
        with pytest.raises(InvalidInput, match=why):
            read(tmp_path / "x.tgz")


@pytest.mark.parametrize(
    ("name", "kind"), [("fljob/zeros", tarfile.REGTYPE), ("././@LongLink", tarfile.GNUTYPE_LONGNAME)]
)
def test_an_archive_that_is_larger_than_helm_unpacks(tmp_path, name, kind):
    """A megabyte that is a gigabyte of zeros took a gigabyte of memory where it was said to be a name."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.size = kind, 110 << 20
    with gzip.open(tmp_path / "x.tgz", "wb", compresslevel=1) as file:
        file.write(entry.tobuf())
        for _ in range(110):
            file.write(bytes(1 << 20))
    with pytest.raises(InvalidInput, match="it would have more than 104857600 bytes"):
        chart_metadata(tmp_path / "x.tgz")


def test_a_chart_that_an_option_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert named_chart("x", "--chart") == os.fspath(Path.cwd() / "x")
    reference = "oci://reg/fljob@sha256:" + "0" * 64
    assert named_chart(reference, "--chart") == reference
    with pytest.raises(InvalidInput, match="--chart: must end in a digest"):
        named_chart("oci://reg/fljob:1", "--chart")
