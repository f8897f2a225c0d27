"""The packaged chart: what is in it, and that it is made the same every time, with any Helm."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.chart.conftest import CHART, case_arguments, helm

ROOT = CHART.parents[1]
WHEN = 1_700_000_000
VERSION = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
STEM = f"fljob-{VERSION}"
# Of the folder, what is for those who work on it.
NOT_PACKED = ("ci/", "tests/", ".helmignore")


def packed(root: Path, output: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/package of a checkout."""
    return subprocess.run(
        ["scripts/package", "--output", str(output)],
        cwd=root,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of what makes the package, in no repository, its files of another time."""
    root = tmp_path_factory.mktemp("checkout")
    (root / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "package", root / "scripts")
    shutil.copytree(CHART, root / "charts" / "fljob", copy_function=shutil.copyfile)
    return root


@pytest.fixture(scope="module")
def made(checkout):
    output = checkout / "made"
    done = packed(checkout, output, SOURCE_DATE_EPOCH=str(WHEN))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{output / STEM}.tgz\n"
    return output


def test_packed_twice_it_is_the_same_bytes(made, checkout, tmp_path):
    for path in (checkout / "charts").rglob("*"):
        os.utime(path, (1, 1))
    (checkout / "charts" / "fljob" / "values.yaml").chmod(0o600)
    assert packed(checkout, tmp_path, SOURCE_DATE_EPOCH=str(WHEN), TZ="Asia/Tokyo").returncode == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in made.iterdir()
    }


def test_the_package_holds_the_files_of_the_chart_and_nothing_of_helm(made):
    """So it is the same with any Helm: this test runs with Helm 4 and with Helm 3."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "."],
        cwd=CHART,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    with tarfile.open(made / f"{STEM}.tgz") as archive:
        members = archive.getmembers()
        content = {one.name: archive.extractfile(one).read() for one in members}
    assert list(content) == [f"fljob/{one}" for one in sorted(listed) if not one.startswith(NOT_PACKED)]
    assert all(
        content[f"fljob/{one}"] == (CHART / one).read_bytes() for one in listed if f"fljob/{one}" in content
    )
    assert {(one.mtime, one.mode, one.uid, one.gid, one.uname) for one in members} == {
        (WHEN, 0o644, 0, 0, "")
    }


def test_helm_reads_it(made):
    package = str(made / f"{STEM}.tgz")
    assert helm("show", "readme", package).stdout.strip() == (CHART / "README.md").read_text().strip()
    assert yaml.safe_load(helm("show", "chart", package).stdout)["version"] == VERSION
    assert helm("lint", "--strict", package, *case_arguments("minimal")).returncode == 0
    for case in ("minimal", "full"):
        folder, package_ = (
            helm("template", "x", chart, *case_arguments(case)) for chart in (str(CHART), package)
        )
        assert (folder.stdout, folder.returncode) == (package_.stdout, 0)


def test_the_bill_of_materials_is_one(made):
    text = (made / f"{STEM}.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert document["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    readme = next(one for one in document["components"] if one["name"] == "fljob/README.md")
    assert readme["hashes"][0]["content"] == hashlib.sha256((CHART / "README.md").read_bytes()).hexdigest()


def test_the_provenance_names_what_was_made_and_of_what(made, tmp_path):
    statement = json.loads((made / f"{STEM}.intoto.json").read_text())
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    for subject in statement["subject"]:
        digest = hashlib.sha256((made / subject["name"]).read_bytes()).hexdigest()
        assert subject["digest"] == {"sha256": digest}
    (source,) = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert source == {"name": "charts/fljob", "annotations": {"committed": False}}


def test_the_sums_are_those_of_the_files(made):
    done = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=made, capture_output=True)
    assert done.returncode == 0
    assert len(list(made.iterdir())) == 4


def test_a_committed_chart_is_of_the_time_and_name_of_its_commit(checkout, tmp_path):
    root = shutil.copytree(checkout, tmp_path / "repository", ignore=shutil.ignore_patterns("made"))
    git = ["git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "x", "--date", "@1600000000 +0000")):
        subprocess.run(
            [*git, *words], check=True, env={**os.environ, "GIT_COMMITTER_DATE": "@1600000000 +0000"}
        )
    head = subprocess.run(
        [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    env = {"SOURCE_DATE_EPOCH": ""}
    assert packed(root, tmp_path / "out", **env).returncode == 0
    with gzip.open(tmp_path / "out" / f"{STEM}.tgz") as file, tarfile.open(fileobj=file) as archive:
        assert {one.mtime for one in archive.getmembers()} == {1_600_000_000}
    statement = json.loads((tmp_path / "out" / f"{STEM}.intoto.json").read_text())
    assert statement["predicate"]["buildDefinition"]["resolvedDependencies"][0]["digest"] == {
        "gitCommit": head
    }


@pytest.mark.parametrize("when", ["", "yesterday", "-1"])
def test_without_a_time_nothing_is_made(checkout, tmp_path, when):
    done = packed(
        checkout, tmp_path / "out", SOURCE_DATE_EPOCH=when, GIT_CEILING_DIRECTORIES=str(checkout.parent)
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: SOURCE_DATE_EPOCH")
    assert "cure: " in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_chart_that_helm_refuses_is_not_packed(checkout, tmp_path):
    root = shutil.copytree(checkout, tmp_path / "broken", ignore=shutil.ignore_patterns("made"))
    (root / "charts" / "fljob" / "templates" / "pod.yaml").write_text("{{ nonsense }}")
    done = packed(root, tmp_path / "out", SOURCE_DATE_EPOCH=str(WHEN))
    assert done.returncode == 1
    assert "nonsense" in done.stderr
    assert not (tmp_path / "out").exists()
