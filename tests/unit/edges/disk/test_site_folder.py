"""The site's files move out of `local/` and are found in either place, whatever happens on the way."""

from __future__ import annotations

import os
import stat

import pytest

from launcher.core.spec.site import SiteConfig
from launcher.edges.disk.config import load_config
from launcher.edges.disk.private_files import move_file
from launcher.edges.disk.site_folder import exposed, located, move, site_file
from launcher.errors import InvalidInput

SITE_TEXT = "values_dir: values\nstudy_job_spec_file: specs.yaml\n"


@pytest.fixture
def kit(tmp_path):
    """A workspace whose site files are all in `local/`."""
    files = {
        "fljob.yaml": SITE_TEXT,
        "values/site.yaml.j2": "a: 1",
        "values/studies/s.yaml.j2": "b: 1",
        "specs.yaml": "s: pods/a.yaml\nt: pods/a.yaml\n",
        "pods/a.yaml": "kind: Pod",
        "resources.json.default": "{}",
    }
    (tmp_path / "startup").mkdir()
    for name, text in files.items():
        path = tmp_path / "local" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


ALL = [
    "local/fljob.yaml",
    "local/pods/a.yaml",
    "local/specs.yaml",
    "local/values/site.yaml.j2",
    "local/values/studies/s.yaml.j2",
]


def exposed_of(kit):
    return exposed(kit, load_config(site_file(kit)))


def settings(kit):
    """Return what the site's configuration says, with each path as it is below the kit."""
    site = load_config(site_file(kit))
    named = (site.values_dir, site.study_job_spec_file)
    return [os.path.relpath(path, kit).partition("/")[2] for path in named], all(map(os.path.exists, named))


def test_exposed_are_the_files_that_the_site_names(kit):
    assert exposed_of(kit) == ALL


def test_moving_leaves_only_flares_files(kit):
    assert list(move(kit, exposed_of(kit))) == [(name, True) for name in ALL]
    assert exposed_of(kit) == []
    assert [path.name for path in (kit / "local").iterdir()] == ["resources.json.default"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (kit / "fljob").rglob("*") if path.is_file()} == {
        0o600
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in (kit / "fljob").rglob("*") if path.is_dir()} <= {
        0o700
    }


@pytest.mark.parametrize("after", range(len(ALL) + 1))
def test_a_move_that_was_interrupted_is_found_and_finished(kit, after):
    expected = settings(kit)
    moving = move(kit, exposed_of(kit))
    for _ in range(after):
        next(moving)
    assert settings(kit) == expected
    assert expected[1]
    list(move(kit, exposed_of(kit)))
    assert exposed_of(kit) == []
    assert settings(kit) == expected


def test_a_file_that_is_there_counts_and_is_not_replaced(kit):
    (kit / "fljob").mkdir()
    (kit / "fljob/fljob.yaml").write_text(SITE_TEXT + "pending_timeout: 3\n")
    (kit / "fljob/specs.yaml").write_bytes((kit / "local/specs.yaml").read_bytes())
    done = dict(move(kit, exposed_of(kit)))
    assert done == dict.fromkeys(ALL, True) | {"local/fljob.yaml": False}
    assert load_config(site_file(kit)).pending_timeout == 3
    assert exposed_of(kit) == ["local/fljob.yaml"]


@pytest.mark.parametrize("name", ["local/fljob.yaml", "local/values"])
@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_links_and_pipes_are_refused_and_stay(kit, tmp_path_factory, name, kind):
    outside = tmp_path_factory.mktemp("outside") / "victim"
    (kit / name).rename(outside)
    (kit / name).symlink_to(outside) if kind == "link" else os.mkfifo(kit / name)
    site = SiteConfig(values_dir=str(kit / "local/values"))
    with pytest.raises(InvalidInput, match="cannot be moved") as raised:
        list(move(kit, exposed(kit, site)))
    assert str(kit / name) in str(raised.value)
    assert "by hand" in raised.value.cure
    assert outside.exists()
    assert os.path.lexists(kit / name)


@pytest.mark.parametrize("folder", ["fljob", "local"])
def test_a_link_in_place_of_the_folder_is_refused(kit, tmp_path_factory, folder):
    outside = tmp_path_factory.mktemp("outside") / "there"
    if folder == "local":
        (kit / folder).rename(outside)
    else:
        outside.mkdir()
    before = sorted(outside.rglob("*"))
    (kit / folder).symlink_to(outside)
    with pytest.raises(InvalidInput, match="cannot be moved"):
        list(move(kit, exposed(kit, SiteConfig(values_dir=str(kit / "local/values")))))
    assert sorted(outside.rglob("*")) == before


def test_two_files_of_a_megabyte_are_compared_to_their_end(tmp_path):
    big = b"x" * (3 << 20)
    for name, content in (("a", big), ("b", big), ("c", big[:-1] + b"y")):
        (tmp_path / name).write_bytes(content)
    assert not move_file(tmp_path, "c", "a")
    assert move_file(tmp_path, "b", "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]


def test_a_path_outside_a_workspace_is_left_alone(tmp_path):
    for name in ("local", "fljob"):  # /usr/local has no `startup` beside it
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text(name)
    assert located(tmp_path / "local/x") == tmp_path / "local/x"
    (tmp_path / "startup").mkdir()
    assert located(tmp_path / "local/x") == tmp_path / "fljob/x"
    assert located(tmp_path / "local/nowhere") == tmp_path / "local/nowhere"


@pytest.mark.parametrize(
    ("line", "moved"),
    [
        ("study_data_file: claims.yaml", ["local/claims.yaml"]),
        ("study_data_file: study_data.yaml", []),
        ("study_runtime_file: rt.yaml", ["local/pods/a.yaml", "local/rt.yaml"]),
        ("study_runtime_file: study_runtime.yaml", []),
        ("kubeconfig: ./kube", ["local/kube"]),
        ("helm: bin/helm", ["local/bin/helm"]),
        ("helm: helm", []),
        ("chart: chart", ["local/chart/Chart.yaml"]),
        ("study_job_spec_file: list.yaml", ["local/list.yaml"]),
    ],
)
def test_each_setting_that_names_a_file(kit, line, moved):
    texts = {"rt.yaml": "studies: {s: {pod_template: pods/a.yaml}}", "list.yaml": "[1]"}
    for name in (
        "claims.yaml",
        "study_data.yaml",
        "study_runtime.yaml",
        "kube",
        "bin/helm",
        "chart/Chart.yaml",
        *texts,
    ):
        (kit / "local" / name).parent.mkdir(exist_ok=True)
        (kit / "local" / name).write_text(texts.get(name, "{}"))
    (kit / "local/fljob.yaml").write_text(line)
    before = load_config(site_file(kit))
    assert exposed_of(kit) == sorted(["local/fljob.yaml", *moved])
    list(move(kit, exposed_of(kit)))
    assert exposed_of(kit) == []
    key = line.partition(":")[0]
    named = [getattr(site, key) for site in (before, load_config(site_file(kit)))]
    assert named[1] == (named[0].replace("/local/", "/fljob/") if moved else named[0])


def test_a_manifest_that_flare_reads_too_stays_and_is_found(kit):
    (kit / "local/study_runtime.yaml").write_text("studies: {x: {pod_template: pods/a.yaml}}")
    list(move(kit, exposed_of(kit)))
    assert (kit / "local/pods/a.yaml").is_file()
    assert located(kit / "fljob/pods/a.yaml") == kit / "local/pods/a.yaml"


def test_templates_beside_the_site_file_are_moved_with_it(kit):
    (kit / "local/fljob.yaml").write_text("values_dir: .\n")
    (kit / "local/site.yaml.j2").write_text("a: 2")
    moved = ["local/fljob.yaml", "local/site.yaml.j2", *(name for name in ALL if name.endswith(".j2"))]
    assert exposed_of(kit) == sorted(moved)
    list(move(kit, exposed_of(kit)))
    assert (exposed_of(kit), load_config(site_file(kit)).values_dir) == ([], str(kit / "fljob"))
    assert located(kit / "local") == kit / "fljob"


@pytest.mark.parametrize("value", ["resources.json.default", "..", "/etc", "nowhere", "study_data.yaml"])
def test_what_flare_needs_and_what_is_elsewhere_stays(kit, value):
    (kit / "local/study_data.yaml").write_text("{}")
    named = str((kit / "local" / value).absolute())
    site = SiteConfig(values_dir=named, chart=named, kubeconfig=named, study_job_spec_file=named)
    assert exposed(kit, site) == ["local/fljob.yaml"]
