"""Pod templates: the job replaces what it owns, by name, and nothing else."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest

from launcher.core.spec.asked import JobMeta
from launcher.core.spec.assemble import Request, build_jobspec
from launcher.core.spec.jobspec import Dataset, SecretMount
from launcher.core.spec.podtemplate import (
    check_template,
    prepare_template,
    template_values,
    template_warnings,
)
from launcher.core.spec.site import SiteConfig
from launcher.core.spec.study import Study
from launcher.errors import InvalidInput

NAME = "container-abc"
TEMPLATE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "ignored",
        "namespace": "elsewhere",
        "creationTimestamp": None,
        "finalizers": ["x/y"],
        "labels": {"team": "a"},
        "annotations": {"note": "b"},
    },
    "spec": {
        "restartPolicy": "Always",
        "nodeSelector": {"disk": "ssd"},
        "securityContext": {"fsGroup": 1},
        "imagePullSecrets": [{"name": "theirs"}],
        "volumes": [
            {"name": "workspace-job", "emptyDir": {"sizeLimit": "99Gi"}},
            {"name": "startup-kit", "emptyDir": {}},
            {"name": "cache", "emptyDir": {}},
            {"name": "data-1", "hostPath": {"path": "/"}},
            {"name": "secret-1", "emptyDir": {}},
        ],
        "initContainers": [{"name": "init", "image": "i"}],
        "containers": [
            {"name": "proxy", "image": "p", "volumeMounts": [{"name": "startup-kit", "mountPath": "/kit"}]},
            {
                "name": "nvflare_job",
                "image": "ignored:1",
                "imagePullPolicy": "IfNotPresent",
                "command": ["x"],
                "args": ["y"],
                "resources": {"limits": {"cpu": "9"}},
                "env": [{"name": "KEPT", "value": "1"}, {"name": "NULL", "valueFrom": None}],
                "volumeMounts": [
                    {"name": "workspace-job", "mountPath": "/w"},
                    {"name": "cache", "mountPath": "/a", "subPath": "a"},
                    {"name": "cache", "mountPath": "/b", "subPath": "b"},
                ],
                "securityContext": {"runAsUser": 5},
                "livenessProbe": {"exec": {"command": ["true"]}},
                "ports": [{"containerPort": 80}],
            },
        ],
    },
    "status": {"phase": "Running"},
}


def spec_of(template, **site):
    study = Study(
        name="s",
        pod_template=template,
        template_source="pod.yaml",
        datasets=(Dataset("data-1", "pvc", "/data/s/d", read_only=True),),
        secret_mounts=(SecretMount("secret-1", "tls", "/tls"),),
    )
    request = Request(job_id="abc", site="site-1", command=("run",), startup_secret="kit")
    return build_jobspec(request, JobMeta(image="job:1"), study, SiteConfig(**site))


def containers(*names):
    return {"spec": {"containers": [{"name": name} for name in names]}}


def test_a_job_without_a_template_contributes_nothing():
    spec = spec_of(None)
    assert template_values(spec) == {}
    assert template_warnings(spec) == ()


def test_what_stays_and_what_goes():
    assert template_values(spec_of(TEMPLATE)) == {
        "image": {"pullPolicy": "IfNotPresent"},
        "imagePullSecrets": [{"name": "theirs"}],
        "env": [{"name": "KEPT", "value": "1"}, {"name": "NULL"}],
        "pod": {
            "labels": {"team": "a"},
            "annotations": {"note": "b"},
            "spec": {"nodeSelector": {"disk": "ssd"}, "securityContext": {"fsGroup": 1}},
        },
        "container": {
            "spec": {
                "securityContext": {"runAsUser": 5},
                "livenessProbe": {"exec": {"command": ["true"]}},
                "ports": [{"containerPort": 80}],
            }
        },
        "extra": {
            "volumes": [{"name": "cache", "emptyDir": {}}],
            "volumeMounts": [
                {"name": "cache", "mountPath": "/a", "subPath": "a"},
                {"name": "cache", "mountPath": "/b", "subPath": "b"},
            ],
            "initContainers": [{"name": "init", "image": "i"}],
            "containers": [TEMPLATE["spec"]["containers"][0]],
        },
    }


def test_a_site_security_context_replaces_the_templates_as_a_whole():
    pod = template_values(spec_of(TEMPLATE, security_context={"runAsUser": 1}))["pod"]
    assert pod["spec"] == {"nodeSelector": {"disk": "ssd"}}


def test_without_a_startup_kit_the_template_may_use_the_name():
    spec = dataclasses.replace(spec_of(TEMPLATE), startup_secret="")
    assert {"name": "startup-kit", "emptyDir": {}} in template_values(spec)["extra"]["volumes"]


def test_the_template_is_not_changed():
    template = copy.deepcopy(TEMPLATE)
    template_values(spec_of(template))
    assert template == TEMPLATE


def test_warnings_name_what_is_lost():
    assert template_warnings(spec_of(TEMPLATE, namespace="fl")) == (
        "pod template: metadata.finalizers is left out: only labels and annotations are carried over",
        "pod template: spec.restartPolicy 'Always' is replaced by 'Never'",
        "pod template: metadata.namespace 'elsewhere' is replaced by the site's, 'fl'",
    )


@pytest.mark.parametrize("namespace", [{}, {"namespace": "default"}, {"namespace": None}])
def test_no_warning_for_the_sites_own_namespace(namespace):
    assert template_warnings(spec_of({"metadata": namespace})) == ()


@pytest.mark.parametrize(
    ("template", "by_name", "names"),
    [
        (containers("a", "nvflare_job", "b"), True, ["a", NAME, "b"]),
        (containers("a", NAME, "nvflare_job"), True, ["a", NAME, "nvflare_job"]),
        (containers("a"), True, [NAME]),
        (containers("a", "b"), False, [NAME, "b"]),
        (containers("a", "nvflare_job"), False, ["a", NAME]),
        ({"spec": {"containers": None}}, True, [NAME]),
        ({"spec": {"containers": []}}, True, [NAME]),
        ({}, True, [NAME]),
    ],
)
def test_which_container_is_the_jobs(template, by_name, names):
    prepared = prepare_template(template, "pod.yaml", NAME, main_by_name=by_name)
    assert [container["name"] for container in prepared["spec"]["containers"]] == names


def test_an_unmarked_main_container_among_several_is_an_error():
    with pytest.raises(
        InvalidInput, match=r"pod.yaml: spec.containers: 2 containers and none is marked .*: a, b"
    ) as error:
        prepare_template(containers("a", "b"), "pod.yaml", NAME)
    assert "nvflare_job" in error.value.cure


@pytest.mark.parametrize(
    ("template", "where"),
    [
        (None, "pod.yaml: must be a mapping"),
        ({"kind": "Deployment"}, "pod.yaml: kind: must be Pod"),
        ({"metadata": []}, "pod.yaml: metadata: must be a mapping"),
        ({"metadata": {"labels": ["a"]}}, "pod.yaml: metadata.labels: must be a mapping"),
        ({"metadata": {"labels": {"a": True}}}, "pod.yaml: metadata.labels.a: must be text, not true"),
        ({"spec": "x"}, "pod.yaml: spec: must be a mapping"),
        ({"spec": {"containers": {}}}, "pod.yaml: spec.containers: must be a list"),
        ({"spec": {"containers": ["x"]}}, r"pod.yaml: spec.containers\[0\]: must be a mapping"),
        ({"spec": {"volumes": "x"}}, "pod.yaml: spec.volumes: must be a list"),
        ({"spec": {"tolerations": [None]}}, r"pod.yaml: spec.tolerations\[0\]: null is refused"),
        ({True: 1}, "pod.yaml: must have text as keys, not true"),
    ],
)
def test_templates_that_are_no_pod(template, where):
    with pytest.raises(InvalidInput, match=where) as error:
        check_template(template, "pod.yaml")
    assert error.value.cure


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ({"containers": [{"env": {"A": "1"}}]}, r"spec.containers\[0\].env: must be a list"),
        ({"containers": [{"env": [{"value": "1"}]}]}, r"spec.containers\[0\].env\[0\]: has no name"),
        (
            {"containers": [{"volumeMounts": ["x"]}]},
            r"spec.containers\[0\].volumeMounts\[0\]: must be a mapping",
        ),
        ({"volumes": [{"name": ""}]}, r"spec.volumes\[0\]: has no name"),
    ],
)
def test_lists_that_cannot_be_merged_by_name(spec, where):
    with pytest.raises(InvalidInput, match=where) as error:
        prepare_template({"spec": spec}, "pod.yaml", NAME)
    assert error.value.cure


CLAIMS = [{"name": "gpu"}, {"name": "nic", "request": "fast"}]


def test_devices_of_the_template_stay_and_its_amounts_go():
    """Both halves of dynamic resource allocation: the claim of the pod, and its use by the job container."""
    claims = [{"name": "gpu", "resourceClaimTemplateName": "one-gpu"}]
    main = {"resources": {"limits": {"cpu": "9"}, "claims": CLAIMS}}
    pieces = template_values(spec_of({"spec": {"resourceClaims": claims, "containers": [main]}}))
    assert pieces["resources"] == {"claims": CLAIMS}
    assert pieces["pod"]["spec"] == {"resourceClaims": claims}


@pytest.mark.parametrize(
    "resources", [None, "x", {}, {"claims": None}, {"claims": []}, {"limits": {"cpu": 1}}]
)
def test_template_without_devices_says_nothing_of_resources(resources):
    assert "resources" not in template_values(spec_of({"spec": {"containers": [{"resources": resources}]}}))


@pytest.mark.parametrize(
    ("claims", "where"),
    [("gpu", r"resources.claims: must be a list"), (["gpu"], r"resources.claims\[0\]: must be a mapping")],
)
def test_claims_that_are_none(claims, where):
    with pytest.raises(InvalidInput, match=rf"pod.yaml: spec.containers\[0\].{where}"):
        prepare_template({"spec": {"containers": [{"resources": {"claims": claims}}]}}, "pod.yaml", NAME)


RESTART_ALL = [{"action": "Restart"}, {"action": "RestartAllContainers"}]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"containers": [{"restartPolicy": "Always"}]},
            'containers[0].restartPolicy: must not be set, not "Always"',
        ),
        (
            {"containers": [{"restartPolicyRules": RESTART_ALL[:1]}]},
            "containers[0].restartPolicyRules: must not be",
        ),
        (
            {
                "containers": [
                    {"name": "a", "restartPolicy": "Always"},
                    {"name": NAME, "restartPolicy": "OnFailure"},
                ]
            },
            "containers[1].restartPolicy: must not be set",
        ),
        (
            {"containers": [{"name": NAME}, {"name": "a", "restartPolicyRules": RESTART_ALL}]},
            "containers[1].restartPolicyRules[1].action: must not restart the job",
        ),
        (
            {"initContainers": [{"restartPolicyRules": RESTART_ALL}]},
            "initContainers[0].restartPolicyRules[1].action: must not restart the job",
        ),
    ],
)
def test_template_by_which_the_job_would_run_again_is_refused(spec, message):
    with pytest.raises(InvalidInput) as error:
        prepare_template({"spec": spec}, "pod.yaml", NAME)
    assert f"pod.yaml: spec.{message}" in str(error.value)
    assert "FLARE decides whether a job runs again" in error.value.cure


@pytest.mark.parametrize(
    "containers",
    [
        [{"restartPolicy": "Never"}],
        [{"restartPolicy": None, "restartPolicyRules": []}],
        [{"name": NAME}, {"name": "a", "restartPolicy": "Always", "restartPolicyRules": RESTART_ALL[:1]}],
        [
            {"name": NAME},
            {"name": "a", "restartPolicyRules": ["x"]},
            {"name": "b", "restartPolicyRules": "x"},
        ],
    ],
)
def test_template_whose_sidecars_alone_restart_is_fine(containers):
    assert prepare_template({"spec": {"containers": containers}}, "pod.yaml", NAME)
