"""Adopting a prepared kit: what changes, what does not, and what is no kit."""

import json

import pytest
import yaml

from launcher.core.kit import RESOURCES, RIGHTS, ROLE, adopt, undo
from launcher.core.rights import PREPARED, Right, needed, role_rules
from launcher.errors import InvalidInput

FLARE = "nvflare.app_opt.job_launcher.k8s_launcher.ClientK8sJobLauncher"


def kit(path=FLARE, count=1):
    component = {"id": "k8s_launcher", "path": path, "args": {"namespace": "fl"}}
    resources = {"components": [{"id": "other", "path": "x.Y"}, *[component] * count]}
    return {
        RESOURCES: json.dumps(resources, indent=4),
        ROLE: '{{ include "nvflare-client.name" . }}-launcher',
    }


def test_the_launcher_is_swapped_and_the_rest_stays():
    before, after = kit(), adopt(kit())
    assert after[RESOURCES] == before[RESOURCES].replace(FLARE, "launcher.flare.ClientHelmJobLauncher")
    assert after[ROLE] == before[ROLE]


def test_adopting_twice_changes_nothing_and_undo_gives_it_back():
    once = adopt(kit())
    assert adopt(once) == once
    assert undo(once) == kit()
    assert undo(kit()) == kit()


def test_the_server_gets_the_server_launcher():
    assert "launcher.flare.ServerHelmJobLauncher" in adopt(kit(FLARE.replace("Client", "Server")))[RESOURCES]


def test_the_added_rights_are_what_the_prepared_role_lacks():
    text = adopt(kit())[RIGHTS]
    lines = [line for line in text.splitlines() if "{{" not in line]
    (role,) = [one for one in yaml.safe_load_all("\n".join(lines)) if one["kind"] == "Role"]
    assert role["rules"] == role_rules(needed() - PREPARED)
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]},
    ]


def test_configmaps_are_asked_for_only_by_their_driver():
    assert {right.resource for right in needed("configmap") - needed()} == {"configmaps"}
    assert Right("configmaps", "create") not in needed()


@pytest.mark.parametrize(
    ("files", "where"),
    [
        ({}, RESOURCES),
        ({**kit(), RESOURCES: "{"}, RESOURCES),
        ({**kit(), RESOURCES: "[]"}, RESOURCES),
        (kit(count=0), "k8s_launcher"),
        (kit(count=2), "k8s_launcher"),
        (kit("my.Launcher"), "my.Launcher"),
        ({**kit(), ROLE: "something else"}, ROLE),
    ],
)
def test_what_is_no_prepared_kit_is_refused_with_a_cure(files, where):
    with pytest.raises(InvalidInput) as raised:
        adopt(files)
    assert where in str(raised.value)
    assert raised.value.cure
