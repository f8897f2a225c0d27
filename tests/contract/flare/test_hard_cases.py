"""Launches written by hand for what generated ones cover too rarely, each with the field it is about."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from launcher.core.names import container_name
from launcher.core.spec.jobspec import Role
from tests.contract.flare import flare_side, our_side
from tests.contract.flare.case import JOB, V1, V2, Case, write_workspace
from tests.contract.flare.compare import ADDITIONS, REPLACED, differences, leaves, normalised
from tests.contract.flare.compare import JOB as JOB_CONTAINER


def meta(k8s=None, **more):
    block = {"image": "acme/job:1", **(k8s or {})}
    return {"job_id": JOB, "launcher_spec": {"default": {"k8s": block}}, "resource_spec": {}, **more}


def study(template=None, **parts):
    """Return a launch whose study ``cancer`` has these parts."""
    content = {**parts, **({} if template is None else {"pod_template": template})}
    files = {V2: {"format_version": 2, "studies": {"cancer": content}}}
    return {"meta": meta(study="cancer"), "files": files}


def template(*containers, metadata=None, **spec):
    return study({"metadata": metadata or {}, "spec": {"containers": list(containers), **spec}})


MAIN = {"name": "nvflare_job"}
CASES: dict[str, dict[str, Any]] = {
    "nothing but an image": {"meta": meta()},
    "server": {"meta": meta(), "site": "server", "role": Role.SERVER},
    "site#1": {"meta": meta(), "site": "site#1"},
    "site1": {"meta": meta(), "site": "site1"},
    "80 characters": {"meta": meta(), "site": "x" * 80},
    "80 characters beyond ASCII": {"meta": meta(), "site": "é😀" * 40},
    "a site without a usable character": {"meta": meta(), "site": "网站"},
    "leading digit": {"meta": {**meta(), "job_id": "0e107d9d-372b-4c81-8c4e-0f1d2b3c4d5e"}},
    "null ephemeral storage": {"meta": meta({"ephemeral_storage": None})},
    "ephemeral storage of site": {"meta": meta(), "arguments": {"ephemeral_storage": "7Gi"}},
    "pending timeout null": {"meta": meta({"pending_timeout": None})},
    "pending timeout zero": {"meta": meta({"pending_timeout": 0}), "arguments": {"pending_timeout": 9}},
    "request without limit": {"meta": meta({"cpu_request": "100m", "memory_request": "1Gi"})},
    "limit with null request": {"meta": meta({"cpu": "1", "cpu_request": None})},
    "limit with zero request": {"meta": meta({"cpu": "1", "cpu_request": 0})},
    "numbers as quantities": {"meta": meta({"cpu": 2, "cpu_request": 0.5, "memory": 1073741824})},
    "portable overrides native": {
        "meta": meta({"cpu": 9}, resource_spec={"@default": {"num_of_cpus": 3, "num_of_gpus": 1}})
    },
    "native gpu null hides portable": {
        "meta": meta({"num_of_gpus": None}, resource_spec={"site-1": {"num_of_gpus": 1}})
    },
    "empty site block hides legacy": {
        **study(None, container={"image": "of-the-study:1"}),
        "meta": {
            "job_id": JOB,
            "study": "cancer",
            "launcher_spec": {"site-1": {"k8s": {}}},
            "resource_spec": {"site-1": {"k8s": {"image": "b", "cpu": 1}}},
        },
    },
    "site over default, one level deep": {
        "meta": {
            "job_id": JOB,
            "launcher_spec": {"site-1": {"k8s": {"cpu": 2}}, "default": {"k8s": {"image": "a", "cpu": 1}}},
        }
    },
    "legacy block beside another mode": {
        "meta": {
            "job_id": JOB,
            "launcher_spec": {"site-1": {"docker": {"image": "x"}}},
            "resource_spec": {"site-1": {"k8s": {"image": "b", "num_of_gpus": 2}, "num_of_gpus": 7}},
        }
    },
    "everything null": {
        "meta": {
            **meta({"cpu": None, "memory": None, "num_of_gpus": None, "ephemeral_storage": None}),
            "resource_spec": None,
            "study": None,
        }
    },
    "arguments that are None": {"meta": meta(), "flags": {"-g": None, "-c": "site-1", "-n": 7}},
    "arguments with blanks": {"meta": meta(), "options": ("a=b c", "--", "$(HOME)")},
    "no options": {"meta": meta(), "options": None},
    "no credentials": {"meta": meta(), "credentials": ("", "", "")},
    "mount path with a slash at the end": {"meta": meta(), "arguments": {"workspace_mount_path": "/fl/"}},
    "pull secrets and security context": {
        "meta": meta(),
        "arguments": {
            "image_pull_secrets": ["b", "a"],
            "security_context": {"runAsUser": 0, "fsGroup": None},
        },
    },
    "v1": {
        "meta": meta(study="cancer"),
        "files": {V1: {"cancer": {"b_x": {"source": "p", "mode": "rw"}, "a": {"source": "p", "mode": "ro"}}}},
        "arguments": {"study_data_pvc_file_path": V1},
    },
    "v1 file that is not there": {"meta": meta(study="x"), "arguments": {"study_data_pvc_file_path": V1}},
    "v1 file that is broken, and no study": {
        "meta": meta(),
        "files": {V1: "[broken"},
        "arguments": {"study_data_pvc_file_path": V1},
    },
    "v2 with everything": study(
        None,
        container={"image": "unused:1"},
        datasets={"images": {"type": "mount", "source": "pvc", "mode": "ro"}},
        env={"ON": True, "N": 2.10, "LINES": "a\nb", "REF": "$(ON)"},
        secret_env={"PASS": {"source": "db", "key": "p"}},
        secret_mounts={"tls": {"source": "s", "mount_path": "/tls", "items": {"z": "z", "a": "a"}}},
    ),
    "v2 with a missing old file configured": {
        **study(None, env={"A": "b"}),
        "arguments": {"study_data_pvc_file_path": "nowhere.yaml"},
    },
    "v2 without the study": {**study(None, env={"A": "b"}), "meta": meta(study="other")},
    "template that is empty": study({}),
    "template namespace differing": template(MAIN, metadata={"namespace": "elsewhere", "name": "x"}),
    "template namespace same": template(MAIN, metadata={"namespace": "default"}),
    "template labels and annotations": template(
        MAIN, metadata={"labels": {"a": "b", "app.kubernetes.io/name": "x"}, "annotations": {"on": "on"}}
    ),
    "template with another default container": template(
        MAIN, {"name": "log"}, metadata={"annotations": {"kubectl.kubernetes.io/default-container": "log"}}
    ),
    "template with sidecars around": template({"name": "z"}, MAIN, {"name": "a", "image": "s"}),
    "template main by container name": template({"name": "a"}, {"name": container_name(JOB), "tty": True}),
    "template main unnamed": template({"imagePullPolicy": "Never", "livenessProbe": None}),
    "template values empty": template(
        {**MAIN, "env": [{"name": "A", "value": ""}, {"name": "B", "value": None}]},
        nodeSelector={},
        tolerations=[],
        volumes=None,
        initContainers=[],
    ),
    "template environment overridden in place": template(
        {
            **MAIN,
            "env": [
                {"name": "PYTHONPATH", "value": "/x"},
                {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {"name": "NVFL_WORKSPACE_TRANSFER_TOKEN", "value": "literal"},
                {"name": "LAST", "value": "$(IP)"},
            ],
        }
    ),
    "template volumes overridden": template(
        {
            **MAIN,
            "volumeMounts": [
                {"name": "workspace-job", "mountPath": "/old"},
                {"name": "s", "mountPath": "/s"},
            ],
        },
        volumes=[{"name": "workspace-job", "emptyDir": {"sizeLimit": "99Gi"}}, {"name": "s", "emptyDir": {}}],
    ),
    "template volume mounted twice": template(
        {**MAIN, "volumeMounts": [{"name": "s", "mountPath": "/1"}, {"name": "s", "mountPath": "/2"}]},
        volumes=[{"name": "s", "emptyDir": {"medium": "Memory"}}],
    ),
    "template security contexts": template(
        {**MAIN, "securityContext": {"privileged": True, "capabilities": {"add": ["SYS_ADMIN"]}}},
        securityContext={"seccompProfile": {"type": "Unconfined"}, "runAsUser": None},
        automountServiceAccountToken=True,
        serviceAccountName="fl",
        terminationGracePeriodSeconds=0,
    ),
    "template security context replaced by the site's": {
        **template(MAIN, securityContext={"runAsUser": 5, "seccompProfile": {"type": "Unconfined"}}),
        "arguments": {"security_context": {"fsGroup": 3}},
    },
    "template restart policy and resources replaced, but for devices": template(
        {**MAIN, "resources": {"limits": {"cpu": "64"}, "claims": [{"name": "x"}]}},
        restartPolicy="OnFailure",
        resourceClaims=[{"name": "x", "resourceClaimTemplateName": "one-gpu"}],
    ),
    "template pull secrets merged": {
        **template(MAIN, imagePullSecrets=[{"name": "b"}, {"name": "z"}]),
        "arguments": {"image_pull_secrets": ["a", "b"]},
    },
    "template text that looks like something else": template(
        {
            **MAIN,
            "command": ["x"],
            "lifecycle": {"preStop": {"exec": {"command": ["{{ .Values }}", "on", "2.10", "a\nb"]}}},
        },
        nodeSelector={"on": "yes", "n": "2.10"},
    ),
}


@pytest.fixture(scope="module")
def launches(tmp_path_factory):
    """Return name -> (case, FLARE's launch, our pod, our launch), rendered by one run of helm."""
    root = tmp_path_factory.mktemp("hard") / "workspace"
    made = {}
    for name, fields in CASES.items():
        case = Case(**fields)
        write_workspace(root, case)
        made[name] = (
            case,
            flare_side.launch(case, root),
            our_side.launch(case, root),
        )
    pods = our_side.render([ours.values for _, _, ours in made.values()], root.parent)
    return {
        name: (case, flare, pod, ours)
        for (name, (case, flare, ours)), pod in zip(made.items(), pods, strict=True)
    }


@pytest.mark.parametrize("name", CASES)
def test_hard_case_is_equal(launches, name):
    case, flare, pod, spec = launches[name]
    assert differences(flare.pod, pod, container_name(case.job_id)) == []
    assert flare.pending_timeout == spec.pending_timeout


def test_similar_site_names_give_different_pods(launches):
    assert launches["site#1"][2]["metadata"]["name"] != launches["site1"][2]["metadata"]["name"]


# What FLARE sends and the API server refuses or ignores; ours drops it.
TIDIED = {
    "a variable twice: server-side apply refuses two of a name, the last one counts": (
        template({**MAIN, "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}),
        lambda pod: [item["value"] for item in pod["spec"]["containers"][0]["env"] if item["name"] == "A"],
        ["1", "2"],
        ["2"],
    ),
    "metadata that belongs to the API server or to Helm": (
        template(MAIN, metadata={"finalizers": ["a/b"], "generateName": "x"}),
        lambda pod: [key for key in ("finalizers", "generateName") if key in pod["metadata"]],
        ["finalizers", "generateName"],
        [],
    ),
}


@pytest.mark.parametrize("name", TIDIED)
def test_duplicates_and_server_fields_are_dropped(tmp_path, name):
    fields, read, in_flares, in_ours = TIDIED[name]
    case = Case(**fields)
    write_workspace(tmp_path / "workspace", case)
    assert read(flare_side.launch(case, tmp_path / "workspace").pod) == in_flares
    assert read(our_side.render_one(our_side.values(case, tmp_path / "workspace"))) == in_ours


# --- the comparison itself ------------------------------------------------------------------------------


def drop(*path):
    def act(pod):
        for key in path[:-1]:
            pod = pod[key]
        del pod[path[-1]]

    return act


def put(*path, to):
    def act(pod):
        for key in path[:-1]:
            pod = pod[key]
        pod[path[-1]] = to

    return act


def swap(*path):
    def act(pod):
        for key in path:
            pod = pod[key]
        pod[0], pod[1] = pod[1], pod[0]

    return act


JOB_PATH = ("spec", "containers", 0)
PERTURBATIONS = {
    "one variable less": drop(*JOB_PATH, "env", 1),
    "variables swapped": swap(*JOB_PATH, "env"),
    "a variable's value": put(*JOB_PATH, "env", 0, "value", to="x"),
    "one argument less": drop(*JOB_PATH, "args", 3),
    "arguments swapped": swap(*JOB_PATH, "args"),
    "image": put(*JOB_PATH, "image", to="other:1"),
    "pull policy": put(*JOB_PATH, "imagePullPolicy", to="Never"),
    "command": put(*JOB_PATH, "command", to=["sh"]),
    "one mount less": drop(*JOB_PATH, "volumeMounts", 1),
    "mount writable": put(*JOB_PATH, "volumeMounts", 1, "readOnly", to=False),
    "one volume less": drop("spec", "volumes", 0),
    "a volume's claim": put("spec", "volumes", 2, "persistentVolumeClaim", "claimName", to="x"),
    "size limit": put("spec", "volumes", 0, "emptyDir", "sizeLimit", to="2Gi"),
    "cpu limit": put(*JOB_PATH, "resources", "limits", "cpu", to="3"),
    "a request less": drop(*JOB_PATH, "resources", "requests", "ephemeral-storage"),
    "restart policy": put("spec", "restartPolicy", to="Always"),
    "pod name": put("metadata", "name", to="x"),
    "an unlisted label": put("metadata", "labels", "example.com/x", to="x"),
    "an unlisted field": put("spec", "hostPID", to=True),
    "a listed addition with another value": put("spec", "terminationGracePeriodSeconds", to=30),
    "token mounted": put("spec", "automountServiceAccountToken", to=True),
    "true for 1": put("spec", "terminationGracePeriodSeconds", to=True),
    "a sidecar": lambda pod: pod["spec"]["containers"].append({"name": "x"}),
}


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_comparison_detects(launches, name):
    case, flare, pod, _ = launches["v2 with everything"]
    pod = copy.deepcopy(pod)
    PERTURBATIONS[name](pod)
    assert differences(flare.pod, pod, container_name(case.job_id)) != []


def test_comparison_detects_fields_of_flare_only(launches):
    case, flare, pod, _ = launches["v2 with everything"]
    in_flares = copy.deepcopy(flare.pod)
    in_flares["spec"]["hostPID"] = True
    assert differences(in_flares, pod, container_name(case.job_id)) == [
        "spec.hostPID: FLARE has True, ours has nothing"
    ]


def test_every_listed_difference_occurs(launches):
    """A row that no launch needs could hide a mistake."""
    added, replaced = set(), set()
    for case, flare, pod, _ in launches.values():
        container = container_name(case.job_id)
        in_flares, in_ours = (dict(leaves(normalised(side, container))) for side in (flare.pod, pod))
        added |= in_ours.keys() - in_flares.keys()
        replaced |= {path for path in in_flares if in_flares[path] != in_ours.get(path)}
    assert added == ADDITIONS.keys()
    assert replaced == REPLACED.keys()


def test_additions_do_not_override_a_template(launches):
    pod = normalised(launches["template security contexts"][2], container_name(JOB))
    assert pod["spec"]["securityContext"] == {"seccompProfile": {"type": "Unconfined"}}
    assert pod["spec"]["terminationGracePeriodSeconds"] == 0
    assert "allowPrivilegeEscalation" not in pod["spec"]["containers"][JOB_CONTAINER]["securityContext"]
