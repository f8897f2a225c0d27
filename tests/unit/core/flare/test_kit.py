"""Adopting a prepared kit: what changes, what does not, and what is no kit."""

import json
import re

import pytest
import yaml

from launcher.core.flare.kit import RESOURCES, RIGHTS, ROLE, adopt, namespace, undo, with_arguments
from launcher.core.flare.kit_steps import next_steps
from launcher.core.rights import PREPARED, WRITE_EVENTS, Right, granted, needed, role_rules
from launcher.core.spec.site import SiteConfig
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
    assert role["rules"] == role_rules(granted() - PREPARED)
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "verbs": ["create", "delete", "list", "patch"],
        },
    ]


def test_what_a_site_switches_on_is_granted_to_its_parent():
    text = adopt(kit(), more=WRITE_EVENTS)[RIGHTS]
    assert '- apiGroups: [""]\n  resources: ["events"]\n  verbs: ["create", "patch"]' in text


@pytest.mark.parametrize(
    ("argument", "of_the_site", "wanted"),
    [(None, True, True), (None, False, False), (False, True, False), (True, False, True), ("no", True, True)],
)
def test_an_argument_of_the_launcher_decides_about_events(argument, of_the_site, wanted):
    given = {} if argument is None else {"events": argument}
    assert with_arguments(SiteConfig(events=of_the_site), given).events is wanted


def prepared(**arguments):
    """Return a kit as FLARE 2.9.0 writes it, with these arguments of the launcher, too."""
    files = kit()
    tree = json.loads(files[RESOURCES])
    tree["components"][1]["args"] |= arguments
    return files | {RESOURCES: json.dumps(tree, indent=4) + "\n"}


def driver_of(files):
    """Return the launcher's argument and the kind of the records that the rights are for."""
    (component,) = (one for one in json.loads(files[RESOURCES])["components"] if one["id"] == "k8s_launcher")
    return component["args"].get("storage_driver"), "configmap" if "configmaps" in files[RIGHTS] else "secret"


def test_the_storage_driver_is_an_argument_of_the_launcher_and_has_its_rights():
    once = adopt(prepared(), "configmap")
    assert driver_of(once) == ("configmap", "configmap")
    assert adopt(once, "configmap") == once
    assert adopt(once) == once
    assert undo(once) == prepared()
    assert adopt(once, "secret") == adopt(prepared())


@pytest.mark.parametrize(
    ("argument", "of_the_site", "said", "expected"),
    [
        (None, "secret", None, (None, "secret")),
        (None, "configmap", None, (None, "configmap")),
        (None, "configmap", "configmap", (None, "configmap")),
        (None, "configmap", "secret", ("secret", "secret")),
        ("configmap", "configmap", "secret", ("secret", "secret")),
        ("configmap", "secret", None, ("configmap", "configmap")),
        ("secret", "secret", None, ("secret", "secret")),
        ("sql", "secret", "secret", (None, "secret")),
    ],
)
def test_what_is_said_wins_over_the_argument_and_that_over_the_file_of_the_site(
    argument, of_the_site, said, expected
):
    files = prepared() if argument is None else prepared(storage_driver=argument)
    assert driver_of(adopt(files, said, default=of_the_site)) == expected


@pytest.mark.parametrize("value", ["sql", 3, None, ["secret"]])
def test_a_storage_driver_that_is_none_of_ours_is_refused_with_its_place(value):
    with pytest.raises(
        InvalidInput, match=r"args\.storage_driver: must be secret or configmap, not"
    ) as raised:
        adopt(prepared(storage_driver=value))
    assert raised.value.cure


WORKSPACE = {"persistence": {"workspace": {"mountPath": "/ws"}}}
STAGED = {
    "configMapName": "nvflare-local-site-1",
    "items": [{"key": "f0-a", "path": "x"}, {"key": "f1-b", "path": "resources.json.default"}],
}


def test_what_must_follow_names_the_parent_and_its_claim():
    assert namespace(kit()) == "fl"
    assert next_steps("my kit", {"name": "site-1", **WORKSPACE}, "fl") == [
        "helm upgrade --install site-1 'my kit'/helm_chart -n fl",
        "tar -C 'my kit' -cf - local startup | kubectl exec -i -n fl deployment/site-1 -- tar -C /ws -xf -",
        "kubectl rollout restart deployment/site-1 -n fl",
    ]


def test_a_staged_kit_is_read_from_its_configmap():
    _, put, _ = next_steps("kit", {"name": "site-1", "workspaceConfig": {"local": STAGED}}, "fl")
    assert put == (
        "kubectl patch configmap nvflare-local-site-1 -n fl --type merge -p "
        '"{\\"binaryData\\": {\\"f1-b\\": \\"$(base64 -w0 kit/local/resources.json.default)\\"}}"'
    )


@pytest.mark.parametrize("values", [{}, {"persistence": 3}, {"workspaceConfig": {"local": {"items": [3]}}}])
def test_what_must_follow_has_placeholders_for_what_the_values_do_not_say(values):
    assert "deployment/PARENT -- tar -C MOUNT_PATH" in next_steps("kit", values, "fl")[1]


def test_configmaps_are_asked_for_only_by_their_driver():
    assert {right.resource for right in needed("configmap") - needed()} == {"configmaps"}
    assert Right("configmaps", "create") not in needed()


ONE = '{"id": "k8s_launcher"'


def listed(text):
    return {**kit(), RESOURCES: text}


@pytest.mark.parametrize(
    ("files", "where"),
    [
        ({}, RESOURCES),
        (listed("{"), f"{RESOURCES}:1:2: Expecting property name"),
        (listed("[" * 100_000), f"{RESOURCES}: is not JSON"),
        (listed("[]"), f"{RESOURCES}: must be a mapping, not []"),
        (listed("{}"), f"{RESOURCES}: components: must be a list, not null"),
        (listed('{"components": {"a": 1}}'), f'{RESOURCES}: components: must be a list, not {{"a": 1}}'),
        (listed('{"components": [3]}'), f"{RESOURCES}: components[0]: must be a mapping, not 3"),
        (
            listed(f'{{"components": [{{}}, {ONE}}}]}}'),
            "components[1].path: must be a non-empty string, not null",
        ),
        (
            listed(f'{{"components": [{ONE}, "path": 7}}]}}'),
            "components[0].path: must be a non-empty string, not 7",
        ),
        (
            listed(f'{{"components": [{ONE}, "args": [1]}}]}}'),
            "components[0].args: must be a mapping, not [1]",
        ),
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


@pytest.mark.parametrize("odd", ["a; touch x", "$(touch x)", "`touch x`", "a'b", 'a"b', "a\nb"])
def test_next_steps_are_quoted_for_the_shell(odd):
    local = {"configMapName": odd, "items": [{"key": odd, "path": "resources.json.default"}]}
    staged = {"workspaceConfig": {"local": local}}
    mounted = {"persistence": {"workspace": {"mountPath": odd}}}
    for values in (staged, mounted):
        for step in next_steps(odd, {"name": odd, **values}, odd):
            # What the shell would take for itself stands in single quotes, but for our own $(base64 ...).
            rest = re.sub(r"'[^']*'|\"'\"", "", step.replace("$(base64", ""))
            assert not set(rest) & set(";`\n")
            assert "touch x" not in rest
            assert "$(" not in rest
