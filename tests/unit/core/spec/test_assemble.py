"""Assembly: who wins between job, study, site and launcher."""

from __future__ import annotations

import dataclasses

import pytest

from launcher.core.spec.asked import JobMeta
from launcher.core.spec.assemble import Request, build_jobspec
from launcher.core.spec.jobspec import EnvVar, Resources, Role, SecretKey
from launcher.core.spec.site import SiteConfig
from launcher.core.spec.study import Study
from launcher.errors import InvalidInput

REQUEST = Request(job_id="7f4e9c1a-3b2d", site="site-1", args=("-u", "-m", "job"))
META = JobMeta(image="acme/job:1")


def build(request=REQUEST, meta=META, study=None, **site):
    return build_jobspec(request, meta, study or Study(), SiteConfig(**site))


def ask(**changes):
    return dataclasses.replace(REQUEST, **changes)


def test_names_and_identity():
    spec = build(ask(role=Role.SERVER, site="server", study="cancer", attempt=2), namespace="fl")
    assert (spec.job_id, spec.site, spec.role, spec.study, spec.attempt) == (
        "7f4e9c1a-3b2d",
        "server",
        Role.SERVER,
        "cancer",
        2,
    )
    assert spec.release.startswith("fj-7f4e9c1a-server-")
    assert spec.pod_name.startswith("j7f4e9c1a-3b2d-server-")
    assert (spec.container_name, spec.namespace) == ("container-j7f4e9c1a-3b2d", "fl")


@pytest.mark.parametrize(("job", "study", "image"), [("j", "s", "j"), ("j", "", "j"), ("", "s", "s")])
def test_the_jobs_image_wins_over_the_studys(job, study, image):
    assert build(meta=JobMeta(image=job), study=Study(image=study)).image == image


@pytest.mark.parametrize(
    ("job", "study", "image"), [("j", "s", "j"), ("j", "", "j"), ("", "s", "s"), ("", "", "site")]
)
def test_the_sites_image_is_for_jobs_whose_meta_and_study_name_none(job, study, image):
    assert build(meta=JobMeta(image=job), study=Study(image=study), image="site").image == image


def test_a_missing_image_names_every_place():
    with pytest.raises(InvalidInput, match="no image for the job at site 'site-1'") as error:
        build(meta=JobMeta())
    for place in (
        "launcher_spec['site-1']['k8s']['image']",
        "launcher_spec['default']['k8s']['image']",
        "resource_spec['site-1']['k8s']['image']",
        "studies.<study>.container.image",
        "image in the site's fljob.yaml",
    ):
        assert place in error.value.cure


def test_a_missing_image_names_the_file_and_what_may_have_been_meant_to_be_one():
    warnings = ("m.yml: ['iamge'] is read by nobody; did you mean image?",)
    with pytest.raises(InvalidInput, match=r"^m.yml: no image .*; m.yml: \['iamge'\] is read by nobody"):
        build(meta=JobMeta(source="m.yml", warnings=warnings))


@pytest.mark.parametrize(
    ("request_", "python_path", "command", "expected"),
    [
        (ask(command=("sh", "-c"), args=("x",)), "/p", ("site",), ("sh", "-c")),
        (ask(), "/p", ("site",), ("/p",)),
        (ask(), "", ("site",), ("/usr/bin/py",)),
        (ask(args=()), "/p", ("site", "x"), ("site", "x")),
    ],
)
def test_command(request_, python_path, command, expected):
    meta = dataclasses.replace(META, python_path=python_path)
    assert build(request_, meta, command=command, default_python_path="/usr/bin/py").command == expected


def test_nothing_to_run():
    with pytest.raises(InvalidInput, match="command: nothing to run") as error:
        build(ask(args=()))
    assert error.value.cure


def test_environment_is_in_flares_order_without_empty_values():
    token, password = SecretKey("cred", "TOKEN"), SecretKey("db", "password")
    study = Study(
        env=(EnvVar("FLAG", "true"), EnvVar("X", "1")), secret_env=(EnvVar("PASS", secret=password),)
    )
    request = ask(
        env=(EnvVar("PYTHONPATH", "/p"), EnvVar("EMPTY", ""), EnvVar("X", "2")),
        secret_env=(EnvVar("TOKEN", secret=token),),
    )
    assert build(request, study=study).env == (
        EnvVar("FLAG", "true"),
        EnvVar("X", "2"),
        EnvVar("PYTHONPATH", "/p"),
        EnvVar("TOKEN", secret=token),
        EnvVar("PASS", secret=password),
    )


@pytest.mark.parametrize(("job", "expected"), [("", "1Gi"), ("5Gi", "5Gi")])
def test_ephemeral_storage_is_request_limit_and_volume_size(job, expected):
    spec = build(
        meta=JobMeta(image="i", ephemeral_storage=job, resources=Resources({"cpu": "1"}, {"cpu": "2"}))
    )
    assert spec.ephemeral_storage == expected
    assert spec.resources.requests == {"ephemeral-storage": expected, "cpu": "1"}
    assert spec.resources.limits == {"ephemeral-storage": expected, "cpu": "2"}


@pytest.mark.parametrize(
    ("meta", "expected"), [(JobMeta(image="i"), 120.0), (JobMeta(image="i", pending_timeout=None), None)]
)
def test_a_jobs_null_pending_timeout_is_not_the_sites(meta, expected):
    assert build(meta=meta).pending_timeout == expected


@pytest.mark.parametrize("job_id", ["", "-a", ".a", "a/b", "a b", "a\n", "é", "../x"])
def test_job_ids_that_cannot_be_names(job_id):
    with pytest.raises(InvalidInput, match="job id: must be a name") as error:
        build(ask(job_id=job_id))
    assert error.value.cure


@pytest.mark.parametrize(
    ("request_", "site", "where"),
    [
        (ask(site=" "), {}, "site: must be a non-empty string"),
        (ask(site="a\udcff"), {}, "site: must be valid Unicode"),
        (ask(attempt=0), {}, "attempt: must be 1 or more"),
        (ask(), {"workspace_mount_path": "ws"}, "site: workspace_mount_path: must be an absolute path"),
        (ask(), {"workspace_mount_path": "/a:b"}, "site: workspace_mount_path: must be .* without ':', not"),
        (ask(), {"ephemeral_storage": "lots"}, "site: ephemeral_storage: must be a quantity"),
    ],
)
def test_bad_requests_and_sites(request_, site, where):
    with pytest.raises(InvalidInput, match=where):
        build(request_, **site)


def test_security_context_loses_its_nulls():
    assert build(security_context={"runAsUser": 1, "fsGroup": None}).security_context == {"runAsUser": 1}


@pytest.mark.parametrize(("by_name", "fails"), [(True, True), (False, False)])
def test_the_study_format_decides_whether_the_main_container_needs_a_mark(by_name, fails):
    template = {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}
    study = Study(pod_template=template, template_source="pod.yaml", main_by_name=by_name)
    if fails:
        with pytest.raises(InvalidInput, match=r"pod.yaml: spec.containers: .*a, b"):
            build(study=study)
    else:
        prepared = build(study=study).pod_template
        assert prepared is not None
        assert [c["name"] for c in prepared["spec"]["containers"]] == ["container-j7f4e9c1a-3b2d", "b"]
