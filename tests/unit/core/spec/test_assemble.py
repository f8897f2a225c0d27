"""Assembly: who wins between job, study, site and launcher."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.flare.meta import parse_meta
from launcher.core.spec.asked import UNSET, JobMeta
from launcher.core.spec.assemble import Request, all_warnings, build_jobspec
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
    ("meta", "expected"), [(JobMeta(image="i"), 120.0), (JobMeta(image="i", pending_timeout=None), 604800.0)]
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
        (ask(attempt=10**9), {}, "attempt: must be 1 or more, and at most 999999999"),
        (ask(), {"workspace_mount_path": "ws"}, "site: workspace_mount_path: must be an absolute path"),
        (ask(), {"workspace_mount_path": "/a:b"}, "site: workspace_mount_path: must be .* without ':', not"),
        (ask(), {"ephemeral_storage": "lots"}, "site: ephemeral_storage: must be a quantity"),
    ],
)
def test_bad_requests_and_sites(request_, site, where):
    with pytest.raises(InvalidInput, match=where):
        build(request_, **site)


def expanded(word, variables=()):
    """Return what Kubernetes makes of a word (k8s.io/kubernetes third_party/forked/golang/expansion)."""
    result, rest = "", word
    while rest:
        found = re.match(r"\$\$|\$\((?P<name>[^)]*)\)", rest)
        if found is None:
            result, rest = result + rest[0], rest[1:]
            continue
        name, rest = found["name"], rest[found.end() :]
        result += "$" if name is None else dict(variables).get(name, f"$({name})")
    return result


@given(st.text("$()AB x", max_size=12))
def test_a_command_runs_as_it_is_written(word):
    (made,) = build(ask(command=(word,), args=())).command
    assert expanded(made, {"A": "1", "B": "2", "": "3"}) == word


@pytest.mark.parametrize(
    ("word", "made"),
    [
        ("echo $$", "echo $$$"),
        ("$(hostname)", "$$(hostname)"),
        ("$HOME ${X} $1 5$", "$HOME ${X} $1 5$"),
    ],
)
def test_only_dollars_that_kubernetes_would_read_are_doubled(word, made):
    assert build(ask(command=("sh", "-c", word), args=())).command == ("sh", "-c", made)
    assert build(ask(args=()), command=("sh", "-c", word)).command == ("sh", "-c", made)


def test_what_flare_composes_is_left_to_kubernetes_as_flare_leaves_it():
    spec = build(
        ask(args=("-m", "$(A)$$"), env=(EnvVar("A", value="$(B)$$"),)),
        meta=JobMeta(image="i", python_path="/$(A)"),
    )
    assert (spec.command, spec.args, spec.env[0].value) == (("/$(A)",), ("-m", "$(A)$$"), "$(B)$$")


WEEK = 604800.0


@pytest.mark.parametrize(
    ("asked", "site", "waits"),
    [
        (UNSET, {}, 120.0),
        (60.0, {}, 60.0),
        (3600.0, {}, 3600.0),
        (None, {}, WEEK),
        (WEEK * 9, {}, WEEK),
        (None, {"max_pending_timeout": 600.0}, 600.0),
        (900.0, {"max_pending_timeout": 600.0}, 600.0),
        # The site's own jobs wait longer.
        (None, {"max_pending_timeout": 60.0, "pending_timeout": 300.0}, 300.0),
        (UNSET, {"max_pending_timeout": 60.0, "pending_timeout": 300.0}, 300.0),
        (None, {"pending_timeout": None}, None),
        (None, {"max_pending_timeout": None}, None),
    ],
)
def test_a_job_waits_as_long_as_the_site_lets_it(asked, site, waits):
    meta = JobMeta(image="i", pending_timeout=asked)
    spec = build(meta=meta, **site)
    assert spec.pending_timeout == waits
    told = [warning for warning in all_warnings(meta, Study(), spec) if "max_pending_timeout" in warning]
    assert len(told) == (asked not in (UNSET, waits))


GREEDY = {
    "cpu": "1000000000",
    "memory": "8E",
    "num_of_gpus": 2**63 - 1,
    "ephemeral_storage": "8E",
    "cpu_request": "5000",
    "memory_request": "257Ti",
}


@pytest.mark.parametrize("key", GREEDY)
def test_more_than_any_node_has_is_refused_with_its_place(key):
    meta = parse_meta({"launcher_spec": {"site-1": {"k8s": {"image": "i", key: GREEDY[key]}}}}, "site-1")
    with pytest.raises(
        InvalidInput, match=rf"meta.json: launcher_spec\['site-1'\]\['k8s'\]\['{key}'\]: must be at most"
    ):
        build(meta=meta)


@pytest.mark.parametrize(
    ("key", "value"), [("num_of_gpus", 2000), ("num_of_cpus", 5000), ("memory", "300Ti")]
)
def test_so_is_a_portable_amount(key, value):
    meta = parse_meta(
        {"launcher_spec": {"default": {"k8s": {"image": "i"}}}, "resource_spec": {"site-1": {key: value}}},
        "site-1",
    )
    with pytest.raises(InvalidInput, match=rf"resource_spec\['site-1'\]\['{key}'\]: must be at most"):
        build(meta=meta)


def test_the_site_says_how_much_a_job_may_ask_for():
    def meta(cpu):
        return JobMeta(image="i", resources=Resources({"cpu": cpu}, {"cpu": cpu}), ephemeral_storage="2Gi")

    assert build(meta=meta("8"), max_resources={"cpu": "8"}).resources.limits["cpu"] == "8"
    assert build(meta=meta("9000"), max_resources={"cpu": "1M"}).resources.limits["cpu"] == "9000"
    with pytest.raises(InvalidInput, match=r"must be at most 8 \(max_resources of the site\), not \"8001m\""):
        build(meta=meta("8001m"), max_resources={"cpu": "8"})
    with pytest.raises(InvalidInput, match="ephemeral-storage: must be at most 1Gi"):
        build(meta=meta("1"), max_resources={"ephemeral-storage": "1Gi"})


def test_security_context_keeps_the_nulls_that_leave_a_default_out():
    given = {"runAsUser": 1, "fsGroup": None, "seccompProfile": None, "runAsNonRoot": None}
    assert build(security_context=given).security_context == {
        "runAsUser": 1,
        "seccompProfile": None,
        "runAsNonRoot": None,
    }


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


@pytest.mark.parametrize("asked", [None, 1, 600])
def test_a_job_may_ask_for_a_grace_period_within_the_sites_bound(asked):
    assert build(meta=JobMeta(image="i", grace_period=asked)).grace_period == asked


def test_a_grace_period_above_the_sites_bound_is_refused():
    with pytest.raises(InvalidInput, match=r"grace_period: must be at most 600, the site's max_grace_period"):
        build(meta=JobMeta(image="i", grace_period=601))


def test_a_grace_period_above_the_sites_bound_is_refused_with_its_key_path():
    meta = parse_meta({"launcher_spec": {"default": {"k8s": {"image": "i", "grace_period": 601}}}}, "site-1")
    with pytest.raises(
        InvalidInput, match=r"launcher_spec\['default'\]\['k8s'\]\['grace_period'\]: must be at most 600"
    ):
        build(meta=meta)
