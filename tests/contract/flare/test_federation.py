"""Which jobs a new parent removes: those that its predecessor launched, by their federation mark."""

from __future__ import annotations

import re

import pytest
from nvflare.apis.event_type import EventType

from launcher.core.names import LABEL_FEDERATION, credential_secret_name
from launcher.flare.context import federation
from tests.contract.flare import our_side
from tests.contract.flare.in_memory import CASE, CREDENTIALS, Launch, until
from tests.fakes import make_pod


@pytest.fixture
def kit(tmp_path):
    """Return a function that writes a startup kit and returns its folder."""

    def write(name, root):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "client.crt").write_text(name)
        if root:
            (folder / "rootCA.pem").write_text(root)
        return str(folder)

    return write


def test_all_kits_of_a_federation_have_the_same_mark(kit):
    mark = federation(kit("server", "a"))
    assert re.fullmatch("[0-9a-f]{16}", mark)
    assert federation(kit("site-1", "a")) == mark
    assert federation(kit("site-2", "b")) != mark


def test_kits_without_root_certificate_do_not_share_a_mark(tmp_path):
    marks = []
    for name, text in (
        ("a", '{"servers": "a:8002"}'),
        ("b", '{"servers": "b:8002"}'),
        ("a-again", '{"servers": "a:8002"}'),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "fed_server.json").write_text(text)
        marks.append(federation(str(tmp_path / name)))
    assert marks[0] == marks[2] != marks[1]
    assert all(re.fullmatch("[0-9a-f]{16}", mark) for mark in marks)
    (tmp_path / "a/rootCA.pem").write_text("")
    assert federation(str(tmp_path / "a")) not in marks


@pytest.mark.parametrize("files", [(), ("sub_start.sh",), ("fed_client.json",)])
def test_a_kit_that_tells_nothing_of_its_federation_launches_nothing(launch, files):
    startup = launch.root / "startup"
    (startup / "rootCA.pem").unlink()
    for name in files:
        (startup / name).write_text("")
    with pytest.raises(RuntimeError, match=r"(?s)has neither rootCA\.pem nor fed_client\.json, .*\n  cure: "):
        launch()
    assert not launch.fake.secrets.items


def of_another_federation(launch, root, startup):
    """Return a launch in the same namespace, of a site of the same name, from another startup kit."""
    other = Launch(root)
    (root / "startup/rootCA.pem").unlink()
    for name, text in startup.items():
        (root / "startup" / name).write_text(text)
    other.launcher.fake = other.fake = launch.fake
    return other


def test_two_federations_without_authority_share_no_secret_and_sweep_nothing(launch, tmp_path):
    startup = launch.root / "startup"
    (startup / "rootCA.pem").unlink()
    (startup / "fed_client.json").write_text('{"servers": "a:8002"}')
    (startup / "client.key").write_text("key of a")
    other = of_another_federation(
        launch, tmp_path / "other", {"fed_client.json": '{"servers": "b:8002"}', "client.key": "key of b"}
    )
    launch()
    other({**CASE.meta, "job_id": "another-job"})
    shared = {
        name: files["client.key"]
        for name, files in launch.fake.secrets.items.items()
        if "client.key" in files
    }
    assert len(shared) == 2
    used = {
        values["startupKit"]["secretName"]: values["labels"][LABEL_FEDERATION]
        for values in launch.fake.releases.values.values()
    }
    assert {name: files.decode() for name, files in shared.items()} == dict(
        zip(used, ["key of a", "key of b"], strict=True)
    )
    before = set(launch.fake.releases.items)
    successor = our_side.make_launcher(CASE, other.root)
    successor.fake = launch.fake
    successor.handle_event(EventType.SYSTEM_START, other.context)
    assert until(lambda: len(launch.fake.releases.items) == 1)
    assert set(launch.fake.releases.items) < before
    (left,) = launch.fake.releases.items
    assert launch.fake.releases.values[left]["labels"][LABEL_FEDERATION] == federation(str(startup))


def test_unreadable_root_certificate_is_an_error(kit, tmp_path):
    folder = kit("site-1", "")
    (tmp_path / "site-1" / "rootCA.pem").mkdir()
    with pytest.raises(RuntimeError, match=r"cannot read .*rootCA\.pem: Is a directory"):
        federation(folder)


def test_pod_release_and_secret_have_the_mark(launch):
    launch()
    mark = federation(str(launch.root / "startup"))
    (values,) = launch.fake.releases.values.values()
    assert values["labels"][LABEL_FEDERATION] == mark
    assert launch.fake.pods.items[launch.pod].labels[LABEL_FEDERATION] == mark
    assert launch.fake.secrets.list("fl")[CREDENTIALS].federation == mark


def test_new_parent_removes_only_jobs_of_its_predecessor(launch):
    launch()
    secrets = launch.fake.secrets.items
    (theirs,) = launch.fake.releases.items
    (pod,) = launch.fake.pods.items.values()
    by_hand = {**pod.annotations, "meta.helm.sh/release-name": "by-hand"}
    launch.fake.pods.show(make_pod("by-hand", annotations=by_hand, uid="by-hand"))
    secrets[credential_secret_name("by-hand")] = {}
    parent = our_side.make_launcher(CASE, launch.root)
    parent.fake = launch.fake
    parent.handle_event(EventType.SYSTEM_START, launch.context)
    assert until(lambda: theirs not in launch.fake.releases.items and CREDENTIALS not in secrets)
    assert list(launch.fake.pods.items) == ["by-hand"]
    assert credential_secret_name("by-hand") in secrets
