"""The rules behind a pod, one by one: names, job meta, numbers, defaults, and the older template files."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nvflare.apis.job_launcher_spec import JobProcessEnv, JobReturnCode
from nvflare.app_opt.job_launcher import k8s_launcher, study_runtime
from nvflare.utils import job_launcher_utils

from launcher.core import names
from launcher.core.catalogue.returncodes import PASS_THROUGH, ReturnCode
from launcher.core.flare.meta import parse_meta
from launcher.core.spec.asked import UNSET
from launcher.core.spec.site import SETTINGS, SiteConfig
from launcher.core.spec.study import RESERVED_ENV
from launcher.flare import ClientHelmJobLauncher
from tests.contract.flare import our_side
from tests.contract.flare.case import JOB, V1, V2, Case, write_workspace
from tests.contract.flare.strategies import BLOCK, PORTABLE, datasets, metas, some, templates

same_every_time = settings(derandomize=True, database=None, deadline=None, max_examples=300)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=90)


@same_every_time
@given(texts, texts)
def test_names_equal_flares(job, site):
    slug = k8s_launcher.uuid4_to_rfc1123(job)
    assert names.job_slug(job) == slug
    assert names.pod_name(job, site) == k8s_launcher.job_pod_name(slug, site)
    assert names.site_slug(site) == k8s_launcher.site_name_to_rfc1123(site)
    assert names.dataset_volume_name(job, site) == k8s_launcher.study_dataset_volume_name(job, site)
    assert names.secret_volume_name(job, site) == k8s_launcher.study_secret_volume_name(job, site)


@pytest.mark.parametrize("length", [47, 48, 61, 62, 63, 64])
@pytest.mark.parametrize("end", ["", "-", "-x"])
def test_names_at_length_limits_equal_flares(length, end):
    job = "a" * (length - len(end)) + end
    assert names.job_slug(job) == k8s_launcher.uuid4_to_rfc1123(job)
    assert names.pod_name(job, job) == k8s_launcher.job_pod_name(k8s_launcher.uuid4_to_rfc1123(job), job)


def expected_resources(k8s, portable):
    """Say what FLARE would put into requests and limits, from its own two resolved blocks."""
    limits = {key: k8s.get(key) for key in ("cpu", "memory")}
    requests = {key: k8s.get(f"{key}_request", k8s.get(key)) for key in ("cpu", "memory")}
    for key, name in (("num_of_cpus", "cpu"), ("memory", "memory")):
        if key in portable:
            limits[name] = requests[name] = portable[key]
    limits["nvidia.com/gpu"] = requests["nvidia.com/gpu"] = k8s.get(
        "num_of_gpus", portable.get("num_of_gpus")
    )
    return [{key: str(value) for key, value in part.items() if value} for part in (requests, limits)]


@same_every_time
@given(metas("site-1"))
def test_job_meta_resolves_as_in_flare(meta):
    k8s = job_launcher_utils.get_job_launcher_spec(meta, "site-1", "k8s")
    portable = job_launcher_utils.get_portable_resource_spec(meta, "site-1")
    ours = parse_meta(meta, "site-1")
    assert ours.image == k8s.get("image", "")
    assert ours.python_path == k8s.get("python_path", "")
    assert ours.ephemeral_storage == (k8s.get("ephemeral_storage") or "")
    assert ours.pending_timeout == k8s.get("pending_timeout", UNSET)
    assert [ours.resources.requests, ours.resources.limits] == expected_resources(k8s, portable)


@same_every_time
@given(some({"k8s": some(BLOCK), "process": some(PORTABLE)}), st.one_of(st.none(), some(PORTABLE)))
def test_nested_portable_resources_need_a_default_block(site_block, default):
    default = default and {key: value for key, value in default.items() if not key.startswith("mem_per")}
    spec = {"site-1": site_block} if default is None else {"site-1": site_block, "@default": default}
    meta = {"resource_spec": spec}
    k8s = job_launcher_utils.get_job_launcher_spec(meta, "site-1", "k8s")
    portable = job_launcher_utils.get_portable_resource_spec(meta, "site-1")
    ours = parse_meta(meta, "site-1").resources
    assert [ours.requests, ours.limits] == expected_resources(k8s, portable)


def test_return_codes_equal_flares():
    assert {code.name: code.value for code in ReturnCode} == {
        "OK": JobReturnCode.SUCCESS,
        "ABORTED": JobReturnCode.ABORTED,
        "EXECUTION_EXCEPTION": JobReturnCode.EXCEPTION,
        "UNSAFE_COMPONENT": JobReturnCode.UNSAFE_COMPONENT,
        "CONFIG_ERROR": JobReturnCode.CONFIG_ERROR,
        "INFRASTRUCTURE_ERROR": JobReturnCode.INFRASTRUCTURE_ERROR,
        "UNKNOWN": JobReturnCode.UNKNOWN,
    }
    assert {101, 102, 103, 104} == PASS_THROUGH


def test_reserved_variables_equal_flares():
    assert {
        "PYTHONPATH",
        k8s_launcher.ENV_WORKSPACE_OWNER_FQCN,
        k8s_launcher.ENV_WORKSPACE_TRANSFER_TOKEN,
        JobProcessEnv.AUTH_TOKEN,
        JobProcessEnv.TOKEN_SIGNATURE,
        JobProcessEnv.SSID,
    } == RESERVED_ENV
    for name in RESERVED_ENV:
        with pytest.raises(ValueError, match="launcher-owned"):
            study_runtime._require_env_name(name, "env", "file", "k8s")


def test_site_defaults_equal_flares():
    parameters = inspect.signature(k8s_launcher.K8sJobLauncher).parameters
    ours = SiteConfig()
    shared = (
        "timeout",
        "namespace",
        "pending_timeout",
        "ephemeral_storage",
        "workspace_mount_path",
    )
    assert {name: getattr(ours, name) for name in shared} == {
        name: parameters[name].default for name in shared
    }
    assert ours.default_python_path == k8s_launcher.DEFAULT_PYTHON_PATH


def test_launcher_arguments_equal_flares_in_order():
    flares = list(inspect.signature(k8s_launcher.K8sJobLauncher).parameters)
    ours = list(inspect.signature(ClientHelmJobLauncher).parameters)
    assert ours[: len(flares)] == flares
    assert set(flares) <= {name for row in SETTINGS.values() for name in (row.argument, row.formerly)}


# --- study job spec files: a study's Pod manifest beside a v1 file, not in 2.9.0 -------------------------


@settings(derandomize=True, database=None, deadline=None, max_examples=150)
@given(data=st.data())
def test_study_job_spec_gives_the_same_pod_as_v2(tmp_path_factory, data):
    template = data.draw(templates(JOB, data.draw(st.sampled_from((0, 2)))))
    mounts = data.draw(datasets)
    case = Case(
        meta={"job_id": JOB, "study": "cancer", "launcher_spec": {"default": {"k8s": {"image": "a"}}}},
        files={
            V2: {"format_version": 2, "studies": {"cancer": {"pod_template": template, "datasets": mounts}}}
        },
    )
    older = Case(
        meta=case.meta,
        files={V1: {"cancer": mounts}, "specs.yaml": {"cancer": "pods/a.yaml"}, "pods/a.yaml": template},
        arguments={"study_data_pvc_file_path": V1},
    )
    root = tmp_path_factory.mktemp("study")
    new = our_side.values(case, write_workspace(root / "new", case))
    old = our_side.values(older, write_workspace(root / "old", older), study_job_spec_file="specs.yaml")
    assert old == new


def test_study_job_spec_takes_the_first_container(tmp_path):
    template = {"spec": {"containers": [{"name": "first", "tty": True}, {"name": "second"}]}}
    meta = {"job_id": JOB, "study": "cancer", "launcher_spec": {"default": {"k8s": {"image": "a"}}}}
    older = Case(meta=meta, files={"specs.yaml": {"cancer": "a.yaml"}, "a.yaml": template})
    values = our_side.values(older, write_workspace(tmp_path, older), study_job_spec_file="specs.yaml")
    assert values["container"]["spec"] == {"tty": True}
    newer = Case(
        meta=meta, files={V2: {"format_version": 2, "studies": {"cancer": {"pod_template": template}}}}
    )
    with pytest.raises(ValueError, match="none is marked as the job's"):
        our_side.values(newer, write_workspace(tmp_path, newer))
