"""Which jobs a new parent removes: those that its predecessor launched, by their federation mark."""

from __future__ import annotations

import re

import pytest
from nvflare.apis.event_type import EventType

from launcher.core.names import LABEL_FEDERATION, credential_secret_name
from launcher.flare.context import federation
from tests.contract.flare import our_side
from tests.contract.flare.in_memory import CASE, CREDENTIALS, until
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


def test_kit_without_root_certificate_has_a_mark(kit, tmp_path):
    assert federation(kit("site-1", "")) == federation(str(tmp_path / "nowhere")) == "unsigned"


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
