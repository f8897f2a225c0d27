"""Generated launches: every key of the k8s block, every place of meta, and the studies of both FLARE formats.

Only what FLARE accepts and a cluster would accept; what is refused has its own tests.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from launcher.core.names import container_name
from launcher.core.spec.jobspec import Role
from tests.contract.flare.case import CLIENT_FLAGS, SERVER_FLAGS, V1, V2, Case

__all__ = ["ARGUMENTS", "KINDS", "cases", "launchable_names", "metas", "sites", "templates"]

# Text that YAML, JSON or a shell could read as something else.
HARD = (
    "on",
    "2.10",
    "007",
    "null",
    "~",
    "a: b",
    "- x",
    "#",
    "a\nb",
    " x ",
    "é✓",
    "{{ job.image }}",
    "$(POD_IP)",
    '"',
    "'",
)
words = st.sampled_from(("a", "b-1", "value", *HARD))
names = st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,9}[a-z0-9])?", fullmatch=True)
dns = st.from_regex(r"[a-z]([a-z0-9-]{0,9}[a-z0-9])?", fullmatch=True)
env_names = st.sampled_from(("A", "DB_HOST", "FLAG", "lower", "X_1"))
paths = st.sampled_from(("/certs", "/data/extra", "/opt/x y"))
# Hypothesis likes the first and smallest of everything, which is true here.
rarely_false = st.integers(0, 19).map(lambda number: number < 19)
images = st.sampled_from(("acme/job:1", "r.example:5000/a/b@sha256:0a1b", "é"))
cpus = st.sampled_from(("500m", "2", 1, 4, 0.5, 1.5, "", 0, None))
memories = st.sampled_from(("1Gi", "512Mi", "1.5Gi", "1e9", 1073741824, "", None))
sites = st.one_of(
    st.sampled_from(
        ("site-1", "site1", "site#1", "server", "Hôpital Nº1", "1site", "---", "网站", "a" * 80, "é" * 80)
    ),
    st.text(
        st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="/"),
        min_size=1,
        max_size=80,
    ).filter(lambda text: text.strip() and text not in (".", "..", "default", "@default")),
)
job_ids = st.one_of(
    st.uuids(version=4).map(str),
    st.sampled_from(("9e107d9d-372b-4c81-8c4e-0f1d2b3c4d5e", "simulate_job", "A.b-C", "0", "x" * 50, "job-")),
)

BLOCK = {
    "image": images,
    "python_path": st.sampled_from(("/opt/python", "python3")),
    "ephemeral_storage": st.sampled_from(("2Gi", "100M", None)),
    "pending_timeout": st.sampled_from((None, 0, 5, 0.5, 3600)),
    "num_of_gpus": st.sampled_from((0, 1, 8, None)),
    "cpu": cpus,
    "cpu_request": cpus,
    "memory": memories,
    "memory_request": memories,
    "unknown_key": st.just(1),
}
PORTABLE = {
    "num_of_gpus": st.sampled_from((0, 1, 2)),
    "num_of_cpus": st.sampled_from((1, 16)),
    "memory": st.sampled_from(("8Gi", "100Mi")),
    "mem_per_gpu_in_GiB": st.just(4),
}


def some(
    parts: dict[str, st.SearchStrategy[Any]], **always: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    """Return mappings that have any of ``parts`` and all of ``always``."""
    return st.fixed_dictionaries(
        always, optional={key: part for key, part in parts.items() if key not in always}
    )


@st.composite
def metas(draw: st.DrawFn, site: str) -> dict[str, Any]:
    """Return job meta; mostly with an image somewhere."""
    block = st.one_of(some(BLOCK), some(BLOCK, image=images))
    modes = some({"k8s": block, "docker": st.just({"image": "other"}), "process": st.just({})})
    meta = {"name": "job", "job_id": draw(job_ids), "resource_spec": draw(st.sampled_from(({}, None)))}
    if draw(st.booleans()):
        meta["launcher_spec"] = draw(
            st.fixed_dictionaries(
                {}, optional={"default": modes, site: st.one_of(modes, st.none()), "other": modes}
            )
        )
    if draw(st.booleans()):
        nested = some({"k8s": block, "process": st.just({"num_of_gpus": 1}), "docker": st.just({})})
        places = {site: st.one_of(some(PORTABLE), nested), "other": some(PORTABLE)}
        portable = some({key: part for key, part in PORTABLE.items() if key != "mem_per_gpu_in_GiB"})
        meta["resource_spec"] = draw(st.fixed_dictionaries({}, optional={**places, "@default": portable}))
    if draw(rarely_false):
        _put_image(meta, site, draw(st.sampled_from(("default", "site", "legacy"))), draw(images))
    return meta


def _put_image(meta: dict[str, Any], site: str, place: str, image: str) -> None:
    """Put an image where ``place`` says; the old place counts only if the new one has no block."""
    top, name = ("resource_spec", site) if place == "legacy" else ("launcher_spec", site)
    if place == "default":
        name = "default"
    tree = meta
    for key in (top, name, "k8s"):
        tree[key] = tree.get(key) or {}
        tree = tree[key]
    tree["image"] = image


security_contexts = st.sampled_from(
    (
        {},
        {"runAsUser": 1000, "runAsGroup": None},
        {"seccompProfile": {"type": "Unconfined"}},
        {"allowPrivilegeEscalation": True},
        {"privileged": True},
        {"capabilities": {"add": ["SYS_ADMIN"]}},
        {"capabilities": {"drop": ["ALL"]}},
    )
)
pod_contexts = st.sampled_from(
    ({}, {"runAsUser": 1000, "supplementalGroups": [1, 2]}, {"seccompProfile": {"type": "Unconfined"}}, None)
)
env_items = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(("A", "POD_IP", "PYTHONPATH", "NVFLARE_JOB_SSID")),
                "value": st.one_of(words, st.just("")),
            }
        ),
        st.fixed_dictionaries(
            {
                "name": st.sampled_from(("POD_IP", "DB_HOST", "NVFL_WORKSPACE_TRANSFER_TOKEN")),
                "valueFrom": st.sampled_from(
                    (
                        {"fieldRef": {"fieldPath": "status.podIP"}},
                        {"secretKeyRef": {"name": "s", "key": "k", "optional": True}},
                    )
                ),
            }
        ),
    ),
    unique_by=lambda item: item["name"],
    max_size=4,
)
volume_items = st.lists(
    st.sampled_from(
        (
            {"name": "workspace-job", "emptyDir": {"sizeLimit": "99Gi"}},
            {"name": "startup-kit", "hostPath": {"path": "/x"}},
            {"name": "scratch", "emptyDir": {}},
            {"name": "cache", "persistentVolumeClaim": {"claimName": "cache", "readOnly": True}},
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": None}},
        )
    ),
    unique_by=lambda item: item["name"],
    max_size=4,
)
mount_items = st.lists(
    st.sampled_from(
        (
            {"name": "scratch", "mountPath": "/scratch"},
            {"name": "scratch", "mountPath": "/scratch2", "subPath": "two"},
            {"name": "workspace-job", "mountPath": "/elsewhere"},
            {"name": "shm", "mountPath": "/dev/shm", "readOnly": False},
        )
    ),
    unique_by=lambda item: item["mountPath"],
    max_size=3,
)
SIDECAR = {
    "image": st.just("acme/side:1"),
    "env": env_items,
    "volumeMounts": mount_items,
    "restartPolicy": st.just("Always"),
    "resources": st.just({"limits": {"cpu": 1}}),
    "securityContext": security_contexts,
}
MAIN = {
    "image": st.just("ignored:1"),
    "imagePullPolicy": st.sampled_from(("IfNotPresent", "Never")),
    "command": st.just(["ignored"]),
    "args": st.just(["ignored"]),
    "env": st.one_of(st.none(), env_items),
    "envFrom": st.just([{"configMapRef": {"name": "settings"}}]),
    "volumeMounts": mount_items,
    "resources": st.just({"limits": {"cpu": "64"}}),
    "securityContext": security_contexts,
    "workingDir": st.just("/app"),
    "ports": st.just([{"containerPort": 8080, "name": None}]),
    "lifecycle": st.just({"preStop": {"exec": {"command": ["sh", "-c", "echo {{ x }}\n"]}}}),
    "livenessProbe": st.just({"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 10}),
    "terminationMessagePolicy": st.just("FallbackToLogsOnError"),
    "tty": st.booleans(),
}
POD = {
    "restartPolicy": st.just("Always"),
    "nodeSelector": st.sampled_from(({"disk": "ssd"}, {})),
    "tolerations": st.sampled_from(([], [{"key": "gpu", "operator": "Exists", "tolerationSeconds": 0}])),
    "affinity": st.just(
        {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{}]}}}
    ),
    "serviceAccountName": st.just("fl-job"),
    "automountServiceAccountToken": st.booleans(),
    "securityContext": pod_contexts,
    "terminationGracePeriodSeconds": st.sampled_from((0, 30)),
    "activeDeadlineSeconds": st.just(3600),
    "priorityClassName": st.just("high"),
    "hostNetwork": st.booleans(),
    "dnsPolicy": st.just("None"),
    "dnsConfig": st.just({"nameservers": ["10.0.0.1"], "options": [{"name": "ndots", "value": "2"}]}),
    "enableServiceLinks": st.sampled_from((False,)),
    "imagePullSecrets": st.lists(st.sampled_from(({"name": "registry"}, {"name": "extra"})), unique_by=str),
    "volumes": st.one_of(st.none(), volume_items),
    "initContainers": st.lists(
        some(SIDECAR, name=dns.map("i{}".format)), unique_by=lambda item: item["name"], max_size=2
    ),
    "schedulingGates": st.none(),
}
METADATA = {
    "name": st.just("ignored"),
    "namespace": st.sampled_from(("fl", "elsewhere")),
    "labels": st.sampled_from(({}, {"team": "x"}, {"app.kubernetes.io/name": "mine", "a/b": ""}, None)),
    "annotations": st.dictionaries(
        st.sampled_from(("note", "kubectl.kubernetes.io/default-container", "sidecar.istio.io/inject")), words
    ),
    "creationTimestamp": st.none(),
}


@st.composite
def templates(draw: st.DrawFn, job_id: str, most: int = 2) -> dict[str, Any]:
    """Return a Pod manifest with a marked job container and 1 to ``most`` sidecars, or with it alone."""
    template = draw(
        some(
            {"apiVersion": st.just("v1"), "kind": st.sampled_from(("Pod", None)), "metadata": some(METADATA)}
        )
    )
    spec = draw(some(POD))
    mark = st.sampled_from(("nvflare_job", container_name(job_id)))
    sidecars = draw(
        st.lists(
            some(SIDECAR, name=dns), min_size=most and 1, max_size=most, unique_by=lambda item: item["name"]
        )
    )
    main = draw(
        some(MAIN, name=mark) if sidecars else some({**MAIN, "name": st.one_of(mark, dns.map("m{}".format))})
    )
    if sidecars or draw(st.booleans()):
        at = draw(st.integers(0, len(sidecars)))
        spec["containers"] = [*sidecars[:at], main, *sidecars[at:]]
    elif draw(st.booleans()):
        spec["containers"] = draw(st.sampled_from(([], None, [{}])))
    if draw(rarely_false):
        template["spec"] = spec
    return template


datasets = st.dictionaries(
    names, st.fixed_dictionaries({"source": dns, "mode": st.sampled_from(("ro", "rw"))}), max_size=3
)
scalars = st.one_of(words, st.sampled_from((True, False)), st.integers(0, 9), st.just(1.5))


@st.composite
def studies(draw: st.DrawFn, template: Any) -> dict[str, Any]:
    """Return a v2 study with ``template``, which may be the name of a file."""
    study = draw(some({"container": st.fixed_dictionaries({"image": images}), "datasets": datasets}))
    variables = draw(st.lists(env_names, unique=True))
    cut = draw(st.integers(0, len(variables)))
    ref = st.fixed_dictionaries({"source": dns, "key": words})
    study["env"] = {name: draw(scalars) for name in variables[:cut]}
    study["secret_env"] = {name: draw(ref) for name in variables[cut:]}
    items = st.dictionaries(st.sampled_from(("ca", "tls.key")), st.sampled_from(("a", "b/c")), min_size=1)
    mount = some({"items": items, "mode": st.just("ro")}, source=dns, mount_path=paths)
    unique = (lambda pair: pair[0], lambda pair: pair[1]["mount_path"])
    study["secret_mounts"] = dict(draw(st.lists(st.tuples(names, mount), max_size=2, unique_by=unique)))
    if template is not None:
        study["pod_template"] = template
    return study


ARGUMENTS = {
    "namespace": st.just("fl"),
    "pending_timeout": st.sampled_from((None, 0, 7.5)),
    "python_path": st.just("/old/python"),
    "default_python_path": st.just("/new/python"),
    "security_context": st.sampled_from(
        (
            None,
            {},
            {"runAsUser": 0, "fsGroup": 2000},
            {"seccompProfile": {"type": "Localhost", "localhostProfile": "x"}},
        )
    ),
    "ephemeral_storage": st.just("5Gi"),
    "workspace_mount_path": st.sampled_from(("/fl", "/fl/", "/a b/é")),
    "image_pull_secrets": st.sampled_from((None, [], ["registry"], ["b", "a"])),
}


@st.composite
def launchable_names(draw: st.DrawFn) -> tuple[str, str]:
    """Return a job id and a site name."""
    return draw(job_ids), draw(sites)


KINDS = ("meta", "v1", "v2", "template", "sidecars", "template file")


@st.composite
def _study_files(draw: st.DrawFn, kind: str, study: str, job_id: str) -> dict[str, Any]:
    if kind == "meta":
        return {}
    if kind == "v1":
        return {V1: {study: draw(datasets), "zz-other": {}}}
    template = None if kind == "v2" else draw(templates(job_id, 2 if kind == "sidecars" else 0))
    in_file = kind == "template file"
    content = draw(studies("./pods/a.yaml" if in_file else template))
    return {
        V2: {"format_version": 2, "studies": {study: content}},
        **({"local/pods/a.yaml": template} if in_file else {}),
    }


@st.composite
def cases(draw: st.DrawFn, kind: str) -> Case:
    """Return a launch; ``kind`` says what the study has."""
    site = draw(sites)
    role = draw(st.sampled_from((Role.CLIENT, Role.SERVER)))
    meta = draw(metas(site))
    study = draw(st.one_of(names, st.just("default")))
    files = draw(_study_files(kind, study, meta["job_id"]))
    arguments = draw(some(ARGUMENTS)) | ({"study_data_pvc_file_path": V1} if V1 in files else {})
    order = CLIENT_FLAGS if role is Role.CLIENT else SERVER_FLAGS
    value = st.one_of(words, st.integers(1, 9999), st.none())
    return Case(
        meta={
            **meta,
            "study": study if draw(rarely_false) else draw(st.sampled_from(("unlisted", "", None))),
        },
        site=site,
        role=role,
        files=files,
        arguments=arguments,
        flags=draw(st.fixed_dictionaries({}, optional=dict.fromkeys(order, value))),
        options=draw(st.sampled_from((None, (), ("secure_train=true", "org=acme corp")))),
        credentials=draw(st.sampled_from((("t", "s", "i"), ("t", "", "i")))),
    )
