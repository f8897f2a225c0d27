"""A chart in a real registry, fetched by the real helm: what is used is what the digest names, or nothing."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import stat
import tarfile
import threading
from pathlib import Path

import pytest

import launcher.cli
from launcher import composition
from launcher.core.chart_reference import chart_reference
from launcher.core.spec.site import SiteConfig
from launcher.edges.charts.cache import ChartCache
from launcher.edges.charts.manifests import RegistryManifests
from launcher.edges.charts.programs import RegistryPrograms
from launcher.edges.charts.site_chart import chart_of, fetch_chart
from launcher.errors import InvalidInput
from tests.contract.registry.conftest import VERSION, publish
from tests.kits import write_kit
from tests.registries import CHART_CONFIG, CHART_LAYER, changed, serve

# Exit codes of the command line.
WRONG, MISSING, AWAY, DENIED, REFUSED, NO_PROGRAM = 2, 3, 5, 6, 7, 8
NONE = "sha256:" + "0" * 64
# `secret` of user `reader`
HTPASSWD = "reader:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"


def refused(found, code, *words):
    """Check that a command failed with this exit code and one error, which has these words and a cure."""
    returned, out, err = found
    assert (returned, out) == (code, ""), err
    assert err.count("error:") == 1, err
    assert err.count("cure: ") == 1, err
    for word in words:
        assert word in err
    assert "Traceback" not in err


def archive(**files: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as opened:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"fljob/{name.replace('_', '.')}")
            entry.size = len(text.encode())
            opened.addfile(entry, io.BytesIO(text.encode()))
    return made.getvalue()


@pytest.mark.parametrize("form", ["by_digest", "by_tag"])
def test_by_digest_it_prints_what_the_folder_prints(site, form, request):
    code, printed, _ = site(request.getfixturevalue(form))
    assert code == 0
    assert printed == site()[1]


def test_it_is_fetched_once_and_kept_for_its_owner(site, by_tag, registry, digest, cached, tmp_path):
    assert site(by_tag)[0] == 0
    registry.stop()
    assert site(by_tag)[0] == 0
    folder = digest.replace(":", "-")
    assert cached() == [f"{folder}/chart.tgz", f"{folder}/manifest.json", f"{folder}/record.json"]
    assert stat.S_IMODE((tmp_path / "site" / "cache").stat().st_mode) == 0o700


def test_a_relative_cache_is_that_of_the_user_without_a_setting(site, by_digest, tmp_path):
    assert site(by_digest, chart_cache="")[0] == 0
    assert [path.name for path in (tmp_path / "home" / ".cache" / "fljob" / "charts").iterdir()]


def test_a_tag_that_moved_is_refused_with_both_digests(
    site, by_tag, registry, digest, package, cached, tmp_path
):
    changed_chart = tmp_path / "x.tgz"
    with gzip.open(package) as old, gzip.open(changed_chart, "wb") as new:
        new.write(old.read().replace(b"One federated-learning job", b"0ne federated-learning job"))
    repository = "charts/fljob"
    moved = registry.put(
        repository, VERSION, {changed_chart.read_bytes(): CHART_LAYER}, CHART_CONFIG, {"name": "fljob"}
    )
    refused(site(by_tag), WRONG, f"tag {VERSION} names {moved} now, and not {digest}")
    assert cached() == []
    assert site(by_tag.replace(f":{VERSION}@", "@"))[0] == 0


def test_a_chart_that_is_there_is_used_though_its_tag_moves_and_doctor_says_so(
    site, by_tag, registry, package
):
    assert site(by_tag)[0] == 0
    layers = {b"x": CHART_LAYER}
    moved = registry.put("charts/fljob", VERSION, layers, CHART_CONFIG, {"name": "fljob"})
    assert site(by_tag)[0] == 0
    from launcher.cli.commands.doctor.site import _registry  # noqa: PLC0415 - the command wants a cluster
    from launcher.edges.disk.config import load_config  # noqa: PLC0415

    config = load_config(Path("fljob.yaml"))
    with pytest.raises(InvalidInput, match=moved):
        _registry(config)
    registry.stop()
    assert _registry(config).startswith("not asked, and what was fetched before is used: chart oci://")


def test_a_digest_that_is_not_there(site, registry, digest, cached):
    refused(
        site(f"oci://{registry.host}/charts/fljob@{NONE}"), MISSING, registry.host, "has no such chart", NONE
    )
    refused(site(f"oci://{registry.host}/charts/nothing@{digest}"), MISSING, "has no such chart")
    assert cached() == []


@pytest.mark.parametrize(("part", "name"), [("/manifests/", "fljob"), ("/blobs/", "fljob")])
@pytest.mark.parametrize("tag", ["", f":{VERSION}"])
def test_other_bytes_than_the_digest_names(site, registry, digest, cached, part, name, tag):
    with changed(registry, part) as host:
        refused(
            site(f"oci://{host}/charts/{name}{tag}@{digest}"),
            REFUSED,
            "sends other bytes than the digest names",
        )
    assert cached() == []


def test_what_is_no_chart(site, registry, cached):
    image = registry.put("box", "1", {b"x": "application/vnd.oci.image.layer.v1.tar+gzip"}, "application/vnd.oci.image.config.v1+json", {})  # fmt: skip
    refused(site(f"oci://{registry.host}/box@{image}"), WRONG, "there is no chart")
    rubbish = registry.put("charts/fljob", "1", {b"x": CHART_LAYER}, CHART_CONFIG, {"name": "fljob"})
    refused(
        site(f"oci://{registry.host}/charts/fljob@{rubbish}"),
        WRONG,
        "there is no chart",
        "cannot be unpacked",
    )
    empty = registry.put("charts/fljob", "2", {archive(README_md="x"): CHART_LAYER}, CHART_CONFIG, {})
    refused(site(f"oci://{registry.host}/charts/fljob@{empty}"), WRONG, "there is no chart", "no Chart.yaml")
    other = registry.put(
        "charts/fljob",
        "3",
        {archive(Chart_yaml="name: other\nversion: 3.0.0\n"): CHART_LAYER},
        CHART_CONFIG,
        {},
    )
    refused(
        site(f"oci://{registry.host}/charts/fljob@{other}"), WRONG, "it is the chart 'other', and not 'fljob'"
    )
    assert cached() == []


def test_a_registry_that_does_not_answer(site, by_digest, registry, cached):
    registry.stop()
    refused(site(by_digest), AWAY, f"registry {registry.host} does not answer", "Connection refused")
    assert cached() == []


def test_a_file_that_was_changed_in_the_cache_is_not_used(site, by_digest, registry, digest, tmp_path):
    first = site(by_digest)[1]
    kept = tmp_path / "site" / "cache" / digest.replace(":", "-") / "chart.tgz"
    sound = kept.read_bytes()
    kept.write_bytes(sound[:-9] + b"x" + sound[-8:])
    assert site(by_digest)[1] == first
    assert kept.read_bytes() == sound
    kept.write_bytes(b"x")
    registry.stop()
    refused(site(by_digest), AWAY, "does not answer")
    assert not [path for path in kept.parents[1].iterdir() if path.name.startswith(".part")]


def test_a_cache_that_others_may_write(site, by_digest, tmp_path):
    (tmp_path / "site" / "cache").mkdir(mode=0o777)
    (tmp_path / "site" / "cache").chmod(0o777)
    refused(site(by_digest), WRONG, "chart_cache: ", "may be written by others", "chmod 700")


def test_a_cache_that_cannot_be_written(site, by_digest):
    Path("file").touch()
    refused(site(by_digest, chart_cache="file"), WRONG, "chart_cache: ", "cannot be written")


def test_credentials_of_helm_count(site, registry, digest, cached, tmp_path, monkeypatch):
    registry.stop()
    with serve(tmp_path / "registry", HTPASSWD) as closed:
        chart = f"oci://{closed.host}/charts/fljob@{digest}"
        refused(
            site(chart),
            DENIED,
            f"registry {closed.host} refuses the credentials",
            f"helm registry login {closed.host}",
        )
        config = tmp_path / "login.json"
        monkeypatch.setenv("HELM_REGISTRY_CONFIG", str(config))
        # base64 of reader:wrong and reader:secret
        config.write_text(json.dumps({"auths": {closed.host: {"auth": "cmVhZGVyOndyb25n"}}}))
        refused(site(chart), DENIED, "refuses the credentials")
        assert cached() == []
        config.write_text(json.dumps({"auths": {closed.host: {"auth": "cmVhZGVyOnNlY3JldA=="}}}))
        assert site(chart)[0] == 0


def test_many_launches_at_once_fetch_it_once(registry, by_digest, tmp_path):
    calls = tmp_path / "calls"
    (tmp_path / "helm").write_text(f'#!/bin/sh\necho "$1" >> {calls}\nexec {shutil.which("helm")} "$@"\n')
    (tmp_path / "helm").chmod(0o755)
    programs = RegistryPrograms(helm=str(tmp_path / "helm"), cosign="cosign", environ=os.environ)
    cache = ChartCache(tmp_path / "cache", programs, RegistryManifests(environ=os.environ))
    chart, found = chart_reference(by_digest, ""), []
    threads = [threading.Thread(target=lambda: found.append(cache.archive(chart))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert calls.read_text() == "pull\n"


def test_without_helm(site, by_digest):
    refused(site(by_digest, helm="no-such-helm"), NO_PROGRAM, "there is no program 'no-such-helm' on PATH")


def test_a_parent_fetches_it_when_it_starts_and_a_registry_that_is_away_is_a_line_in_its_log(
    registry, by_digest, tmp_path, caplog
):
    site = SiteConfig(chart=by_digest, chart_cache=str(tmp_path / "cache"))
    registry.stop()
    fetch_chart(site)
    assert "jobs cannot be launched yet: chart oci://" in caplog.text
    assert not list((tmp_path / "cache").iterdir())
    registry.start()
    fetch_chart(site)
    registry.stop()
    assert chart_of(site).name == "chart.tgz"


def test_a_service_that_only_looks_at_jobs_fetches_nothing(by_digest, tmp_path):
    composition.helm_edge(SiteConfig(chart=by_digest, chart_cache=str(tmp_path / "cache")))
    assert not (tmp_path / "cache").exists()


def test_the_parent_of_a_kit_has_it_too_and_the_kit_decides_about_no_cache_here(
    site, by_digest, capsys, tmp_path
):
    settings = {"chart": by_digest, "image": "img:1", "chart_cache": "of-the-kit", "cosign": "bin/evil"}
    kit, printed = write_kit(tmp_path / "kit"), []
    (kit / "fljob").mkdir()
    for one in ({"image": "img:1"}, settings):
        (kit / "fljob" / "fljob.yaml").write_text(json.dumps(one))
        with pytest.raises(SystemExit) as done:
            launcher.cli.main(["template", "--kit", str(kit)])
        out, err = capsys.readouterr()
        assert done.value.code == 0, err
        printed.append(out)
    assert printed[0] == printed[1]
    assert not (kit / "fljob" / "of-the-kit").exists()
    assert list((tmp_path / "home" / ".cache" / "fljob" / "charts").iterdir())


def test_diff_takes_a_reference(site, by_tag, registry):
    code, out, err = site("", "diff", "--to-chart", by_tag)
    assert (code, err) == (0, ""), out
    refused(
        site("", "diff", "--to-chart", f"oci://{registry.host}/charts/fljob:{VERSION}"),
        WRONG,
        "--to-chart",
        "digest",
    )


def test_published_twice_it_has_the_same_digest_and_never_another_content(
    registry, digest, package, tmp_path
):
    again = tmp_path / "again.tgz"
    shutil.copy(package, again)
    done = publish(f"oci://{registry.host}/charts", "--package", again, TZ="Asia/Tokyo")
    assert done.stdout.startswith(f"digest: {digest}\n"), done.stderr
    with tarfile.open(package) as old, tarfile.open(again, "w:gz") as new:
        for one in old:
            new.addfile(one, old.extractfile(one))
    done = publish(f"oci://{registry.host}/charts", "--package", again)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is there with another content\n  cure: raise the version" in done.stderr
