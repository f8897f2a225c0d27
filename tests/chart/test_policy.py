"""The rules of examples/policy: what the chart prints and the examples ask for breaks none, and each finds its pod."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from regopy import Interpreter

from tests.chart.conftest import ALL_CASES, CHART

ROOT = CHART.parents[1]
POLICY = ROOT / "examples" / "policy" / "jobs.rego"
SHIPPED = yaml.safe_load((POLICY.parent / "data.yaml").read_text())
GOLDENS = Path(__file__).parent / "goldens"
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/meta.json"))
# What a hardened site asks for and the cases do not say: podSecurity is baseline, and nobody gave amounts.
HARDENING = {"capabilities-kept", "root", "no-limit"}
WARNED = {
    "full": {"no-limit"},
    "gpu": HARDENING - {"no-limit"},
    "restricted": {"no-limit"},
    # Containers of a study bring their own securityContext.
    "sidecars": HARDENING | {"privilege-escalation"},
}


def findings(level: str, documents: list[Any], data: Mapping[str, Any] = SHIPPED) -> list[str]:
    """Return the sentences of `deny` or `warn` about all documents, sorted."""
    found: list[str] = []
    for document in documents:
        rego = Interpreter()
        rego.add_module("jobs", POLICY.read_text())
        rego.add_data(dict(data))
        rego.set_input(document)
        found += rego.query(f"data.main.{level}").results[0].expressions[0]
    return sorted(found)


def rules(sentences: list[str]) -> set[str]:
    return {sentence.partition(":")[0] for sentence in sentences}


def documents(text: str) -> list[Any]:
    return [item for item in yaml.safe_load_all(text) if item]


@pytest.mark.parametrize("case", ALL_CASES)
def test_what_the_chart_prints_breaks_no_rule(case):
    made = documents((GOLDENS / f"{case}.yaml").read_text())
    assert findings("deny", made) == []
    assert rules(findings("warn", made)) == WARNED.get(case, HARDENING)


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_the_examples_ask_for_breaks_no_rule(example):
    words = ["template", f"examples/{example}", "--config", "examples/fljob.yaml", "--study", "penguins"]
    done = subprocess.run(
        [sys.executable, "-m", "launcher", *words], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert findings("deny", documents(done.stdout)) == []


def test_what_a_new_site_applies_first_breaks_no_rule():
    assert findings("deny", documents((ROOT / "examples" / "new-site.yaml").read_text())) == []


def hardened() -> dict[str, Any]:
    """Return the pod of the case `restricted`, with amounts: nothing is wrong with it."""
    (pod,) = documents((GOLDENS / "restricted.yaml").read_text())
    pod["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "1", "memory": "1Gi"}}
    return pod


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the hardened pod with something else at a dotted path below spec; `job` is its container."""
    pod = hardened()
    place = pod["spec"]
    *above, last = path.split(".")
    for key in above:
        place = place["containers"][0] if key == "job" else place.setdefault(key, {})
    place[last] = copy.deepcopy(value)
    return pod


def test_a_hardened_pod_breaks_no_rule():
    assert findings("deny", [hardened()]) == []
    assert findings("warn", [hardened()]) == []


VOLUME = {"name": "v"}
# (path below spec, value, level, the sentence, as far as it matters)
BROKEN: list[tuple[str, Any, str, str]] = [
    ("hostNetwork", True, "deny", "host-namespaces: spec.hostNetwork"),
    ("hostPID", True, "deny", "host-namespaces: spec.hostPID"),
    ("hostIPC", True, "deny", "host-namespaces: spec.hostIPC"),
    ("volumes", [VOLUME | {"emptyDir": {}}, VOLUME | {"hostPath": {"path": "/"}}], "deny", "host-path: spec.volumes[1]: v is a folder of the node"),
    ("job.ports", [{"containerPort": 80}, {"containerPort": 80, "hostPort": 80}], "deny", "host-port: spec.containers[0].ports[1].hostPort"),
    ("job.securityContext.privileged", True, "deny", "privileged: spec.containers[0].securityContext.privileged"),
    ("job.securityContext.capabilities", {"drop": ["ALL"], "add": ["SYS_ADMIN"]}, "deny", "capabilities-added: spec.containers[0].securityContext.capabilities.add: SYS_ADMIN"),
    ("job.securityContext.capabilities", {"drop": ["ALL"], "add": ["CHOWN"]}, "warn", "capabilities-added: spec.containers[0].securityContext.capabilities.add: CHOWN"),
    ("job.securityContext.capabilities", {"drop": ["KILL"]}, "warn", "capabilities-kept: spec.containers[0]"),
    ("job.securityContext.seccompProfile", {"type": "Unconfined"}, "deny", "seccomp-unconfined: spec.containers[0]"),
    ("securityContext.seccompProfile", {"type": "Unconfined"}, "deny", "seccomp-unconfined: spec.containers[0]"),
    ("securityContext.seccompProfile", {}, "warn", "seccomp-unset: spec.containers[0]"),
    ("securityContext.appArmorProfile", {"type": "Unconfined"}, "deny", "apparmor-unconfined: spec.containers[0]"),
    ("job.securityContext.procMount", "Unmasked", "deny", "proc-mount: spec.containers[0].securityContext.procMount"),
    ("securityContext.seLinuxOptions", {"type": "spc_t"}, "deny", "selinux: spec.containers[0]"),
    ("securityContext.seLinuxOptions", {"user": "root"}, "deny", "selinux: spec.containers[0]"),
    ("securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}], "deny", "sysctls: spec.securityContext.sysctls[0]: kernel.msgmax"),
    ("job.image", "a/b", "deny", "image-moves: spec.containers[0].image: a/b has no tag"),
    ("job.image", "a/b:latest", "deny", "image-moves: "),
    ("job.image", "r.example:5000/a/b", "deny", "image-moves: "),
    ("initContainers", [{"name": "x", "image": "a"}], "deny", "image-moves: spec.initContainers[0].image"),
    ("restartPolicy", "OnFailure", "deny", "runs-twice: spec.restartPolicy: OnFailure"),
    ("volumes", [VOLUME | {"nfs": {"server": "s", "path": "/"}}], "warn", "volume-type: spec.volumes[0]: v is nfs"),
    ("job.securityContext.allowPrivilegeEscalation", True, "warn", "privilege-escalation: spec.containers[0]"),
    ("securityContext.runAsNonRoot", False, "warn", "root: spec.containers[0]: securityContext.runAsNonRoot"),
    ("job.securityContext.runAsUser", 0, "warn", "root: spec.containers[0]: securityContext.runAsUser is 0"),
    ("job.resources", {"limits": {"cpu": "1"}}, "warn", "no-limit: spec.containers[0].resources.limits: has no memory"),
    ("automountServiceAccountToken", True, "warn", "api-token: spec.automountServiceAccountToken"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "level", "said"), BROKEN, ids=lambda value: str(value)[:50])
def test_a_pod_that_breaks_a_rule_is_found(path, value, level, said):
    found = findings(level, [changed(path, value)])
    assert [sentence for sentence in found if sentence.startswith(said)]
    other = {"deny": "warn", "warn": "deny"}[level]
    own = said.partition(":")[0]
    assert own not in rules(findings(other, [changed(path, value)]))


def test_every_rule_is_broken_by_some_pod():
    named = set(re.findall(r'"rule": "([a-z-]+)"', POLICY.read_text()))
    assert named == {said.partition(":")[0] for _, _, _, said in BROKEN} | {"image-registry"}


ALLOWED = [
    ("job.image", "r.example:5000/a/b:1.2"),
    ("job.image", "a/b@sha256:" + "0" * 64),
    ("job.image", "a/b:latest@sha256:" + "0" * 64),
    ("job.securityContext.capabilities", {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
    ("job.securityContext.seccompProfile", {"type": "Localhost", "localhostProfile": "x.json"}),
    ("securityContext.seLinuxOptions", {"level": "s0:c1,c2", "type": "container_t"}),
    ("securityContext.sysctls", [{"name": "net.ipv4.tcp_fin_timeout", "value": "1"}]),
    ("volumes", [VOLUME | {"projected": {"sources": []}}]),
    ("hostNetwork", False),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), ALLOWED, ids=lambda value: str(value)[:50])
def test_what_is_allowed_is_not_found(path, value):
    pod = changed(path, value)
    assert findings("deny", [pod]) + findings("warn", [pod]) == []


def test_a_pod_may_use_the_token_of_an_account_that_it_names():
    pod = changed("automountServiceAccountToken", value=True)
    pod["spec"]["serviceAccountName"] = "reader"
    assert findings("warn", [pod]) == []


@pytest.mark.parametrize(
    ("registries", "image", "found"),
    [
        ([], "anywhere/a:1", 0),
        (["r.example"], "r.example/a:1", 0),
        (["r.example/"], "r.example/a:1", 0),
        (["r.example/team", "s.example"], "s.example/a:1", 0),
        (["r.example/team"], "r.example/teams/a:1", 1),
        (["r.example"], "r.example.org/a:1", 1),
        (["r.example"], "a:1", 1),
    ],
)
def test_images_come_from_the_registries_of_the_site(registries, image, found):
    data = {"fljob": {"registries": registries, "except": []}}
    sentences = findings("deny", [changed("job.image", image)], data)
    assert len(sentences) == found
    assert rules(sentences) <= {"image-registry"}


def test_null_hides_nothing():
    pod = changed("job.image", "a/b:latest")
    pod["spec"] |= {"securityContext": None, "volumes": None, "initContainers": None}
    pod["spec"]["containers"][0] |= {"securityContext": None, "resources": None, "ports": None}
    assert rules(findings("deny", [pod])) == {"image-moves"}
    assert rules(findings("warn", [pod])) == HARDENING | {"privilege-escalation", "seccomp-unset"}
    pod["spec"]["containers"][0]["securityContext"] = {"capabilities": None, "seccompProfile": None}
    assert rules(findings("deny", [pod])) == {"image-moves"}


@pytest.mark.parametrize("data", [{}, {"fljob": {}}])
def test_rules_hold_without_data(data):
    assert rules(findings("deny", [changed("hostNetwork", value=True)], data)) == {"host-namespaces"}


def test_a_rule_can_be_left_out():
    data = {"fljob": {"registries": [], "except": ["host-namespaces", "no-limit"]}}
    pod = changed("hostNetwork", value=True)
    del pod["spec"]["containers"][0]["resources"]
    assert findings("deny", [pod], data) + findings("warn", [pod], data) == []


def test_other_objects_are_left_alone():
    deployment = {
        "kind": "Deployment",
        "spec": {"hostNetwork": True, "containers": [{"name": "x", "image": "a"}]},
    }
    assert findings("deny", [deployment, {}]) + findings("warn", [deployment, {}]) == []
