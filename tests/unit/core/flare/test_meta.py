"""Job meta: which block counts, which key wins, and errors that name the place."""

from __future__ import annotations

import pytest

from launcher.core.flare.meta import parse_meta
from launcher.core.spec.asked import UNSET, JobMeta
from launcher.core.spec.settings import LONGEST_SECONDS
from launcher.errors import InvalidInput


def k8s(**site):
    """Return a meta with ``site`` as the k8s block of site-1."""
    return {"launcher_spec": {"site-1": {"k8s": site}}}


def test_every_key_that_flare_reads_is_known():
    block = k8s(
        image="i", python_path="/p", cpu="1", memory="1Gi", cpu_request="1", memory_request="1Gi",
        num_of_gpus=1, ephemeral_storage="1Gi", pending_timeout=3,
    )  # fmt: skip
    assert parse_meta(block, "site-1").warnings == ()


@pytest.mark.parametrize(
    ("meta", "warning"),
    [
        (
            {"launcher_spec": {"default": {"k8s": {"memroy": "1Gi"}}}},
            "meta.json: launcher_spec['default']['k8s']['memroy'] is read by nobody; did you mean memory?",
        ),
        (
            {"resource_spec": {"site-1": {"k8s": {"zzz": 1}}}},
            "meta.json: resource_spec['site-1']['k8s']['zzz'] is read by nobody; known keys: cpu, cpu_request, ",
        ),
    ],
)
def test_a_key_that_nobody_reads_is_a_warning_with_the_nearest_one(meta, warning):
    (found,) = parse_meta(meta, "site-1").warnings
    assert found.startswith(warning)


@pytest.mark.parametrize(
    ("meta", "where", "value"),
    [
        ({"launcher_spec": []}, "launcher_spec", "[]"),
        ({"launcher_spec": {"default": ""}}, "launcher_spec['default']", '""'),
        ({"launcher_spec": {"site-1": {"k8s": []}}}, "launcher_spec['site-1']['k8s']", "[]"),
        ({"resource_spec": 0}, "resource_spec", "0"),
    ],
)
def test_what_is_empty_and_no_mapping_is_a_warning(meta, where, value):
    (found,) = parse_meta(meta, "site-1", source="m.yml").warnings
    assert found == f"m.yml: {where} must be a mapping, not {value}: it is read as empty"


@pytest.mark.parametrize(
    "block", [{"cpu": "1", "cpu_request": "1100m"}, {"memory": "1Gi", "memory_request": "2G"}]
)
def test_a_request_above_its_limit_is_a_warning_with_both_keys(block):
    limit, request = block
    (found,) = parse_meta(k8s(**block), "site-1").warnings
    place = "meta.json: launcher_spec['site-1']['k8s']"
    told = f"{place}['{request}'] ({block[request]}) is more than {place}['{limit}'] ({block[limit]}), and Kubernetes"
    assert found.startswith(told)


@pytest.mark.parametrize(
    "block",
    [
        {"cpu": "1", "cpu_request": "1000m"},
        {"cpu": None, "cpu_request": "2"},
        {"memory": "1Gi", "memory_request": "1G"},
    ],
)
def test_a_request_within_its_limit_is_none(block):
    assert parse_meta(k8s(**block), "site-1").warnings == ()


def test_portable_amounts_make_up_for_a_request_above_its_limit():
    meta = {**k8s(cpu="1", cpu_request="2"), "resource_spec": {"site-1": {"num_of_cpus": 3}}}
    assert parse_meta(meta, "site-1").warnings == ()


@pytest.mark.parametrize(
    ("key", "amount", "meant"),
    [
        ("memory", "512m", "did you mean 512Mi?"),
        ("memory", "64", "did you mean 64Mi?"),
        ("memory", 64, "did you mean 64Mi?"),
        ("memory", "1.5", "write an amount such as 512Mi"),
        ("ephemeral_storage", "500m", "did you mean 500Mi?"),
        ("ephemeral_storage", "100k", "did you mean 100Mi?"),
    ],
)
def test_an_amount_that_nothing_fits_in_is_a_warning(key, amount, meant):
    (found,) = parse_meta(k8s(**{key: amount}), "site-1").warnings
    place = f"meta.json: launcher_spec['site-1']['k8s']['{key}']"
    assert found == f"{place} ({amount}) is less than 1Mi, in which nothing runs; {meant}"


@pytest.mark.parametrize("amount", ["0", "1Mi", "1G", "1e9"])
def test_any_other_amount_is_none(amount):
    assert parse_meta(k8s(memory=amount), "site-1").warnings == ()


def test_nothing_and_null_are_empty():
    assert (
        parse_meta({"launcher_spec": None, "resource_spec": {"site-1": {"k8s": None}}}, "site-1").warnings
        == ()
    )


@pytest.mark.parametrize(
    ("meta", "image"),
    [
        ({"launcher_spec": {"default": {"k8s": {"image": "d"}}, "site-1": {"k8s": {"image": "s"}}}}, "s"),
        ({"launcher_spec": {"default": {"k8s": {"image": "d"}}, "site-1": {"k8s": {"cpu": "1"}}}}, "d"),
        ({"launcher_spec": {"default": {"k8s": {"image": "d"}}, "site-1": {}}}, "d"),
        ({"launcher_spec": {"default": {"k8s": {"image": "d"}}, "site-2": {"k8s": {"image": "s"}}}}, "d"),
        ({"launcher_spec": {"default": {"k8s": {"image": "d"}}, "site-1": {"k8s": {"image": None}}}}, ""),
        ({"resource_spec": {"site-1": {"k8s": {"image": "old"}}}}, "old"),
        ({"resource_spec": {"site-1": {"k8s": {"image": "old"}}}, **k8s()}, ""),
        (
            {
                "resource_spec": {"site-1": {"k8s": {"image": "old"}}},
                "launcher_spec": {"site-1": {"docker": {}}},
            },
            "old",
        ),
        (
            {
                "resource_spec": {"site-1": {"k8s": {"image": "old"}}},
                "launcher_spec": {"default": {"k8s": {}}},
            },
            "old",
        ),
        ({"resource_spec": {"site-1": {"image": "flat"}}}, ""),
        ({"launcher_spec": None, "resource_spec": None}, ""),
        ({}, ""),
    ],
)
def test_which_block_counts(meta, image):
    assert parse_meta(meta, "site-1").image == image


def test_the_server_is_a_site_called_server():
    assert parse_meta({"launcher_spec": {"server": {"k8s": {"image": "s"}}}}, "server").image == "s"


@pytest.mark.parametrize(
    ("block", "requests", "limits"),
    [
        ({"cpu": "2"}, {"cpu": "2"}, {"cpu": "2"}),
        ({"cpu": 2}, {"cpu": "2"}, {"cpu": "2"}),
        ({"cpu": 0.5}, {"cpu": "0.5"}, {"cpu": "0.5"}),
        ({"cpu": "2", "cpu_request": "500m"}, {"cpu": "500m"}, {"cpu": "2"}),
        ({"cpu_request": "500m"}, {"cpu": "500m"}, {}),
        ({"cpu": "2", "cpu_request": None}, {}, {"cpu": "2"}),
        ({"memory": "8Gi", "memory_request": "1Gi"}, {"memory": "1Gi"}, {"memory": "8Gi"}),
        ({"cpu": 0, "memory": "", "num_of_gpus": None}, {}, {}),
        ({"num_of_gpus": 2}, {"nvidia.com/gpu": "2"}, {"nvidia.com/gpu": "2"}),
        ({"num_of_gpus": 0}, {}, {}),
    ],
)
def test_native_resources(block, requests, limits):
    resources = parse_meta(k8s(**block), "site-1").resources
    assert (resources.requests, resources.limits) == (requests, limits)


@pytest.mark.parametrize(
    ("resource_spec", "limits"),
    [
        ({"site-1": {"num_of_gpus": 2}}, {"nvidia.com/gpu": "2"}),
        ({"site-1": {"k8s": {"image": "x"}, "num_of_gpus": 2}}, {}),
        (
            {"@default": {"num_of_cpus": 2, "memory": "8Gi"}, "site-1": {"num_of_cpus": 4}},
            {"cpu": "4", "memory": "8Gi"},
        ),
        (
            {
                "@default": {"num_of_cpus": 2},
                "site-1": {"process": {"num_of_gpus": 1}, "k8s": {"image": "x"}},
            },
            {"cpu": "2", "nvidia.com/gpu": "1"},
        ),
        ({"@default": {"num_of_cpus": 2}, "site-1": {"docker": {}}}, {"cpu": "2"}),
        ({"@default": None, "site-1": {"num_of_cpus": 2}}, {"cpu": "2"}),
        ({"site-2": {"num_of_cpus": 2}}, {}),
    ],
)
def test_portable_resources(resource_spec, limits):
    resources = parse_meta({"resource_spec": resource_spec}, "site-1").resources
    assert resources.limits == limits
    assert resources.requests == limits


def test_portable_amounts_overwrite_request_and_limit():
    meta = {**k8s(cpu="8", cpu_request="1"), "resource_spec": {"site-1": {"num_of_cpus": 3}}}
    resources = parse_meta(meta, "site-1").resources
    assert (resources.requests, resources.limits) == ({"cpu": "3"}, {"cpu": "3"})


@pytest.mark.parametrize(
    ("native", "limits"), [({"num_of_gpus": 4}, "4"), ({"num_of_gpus": 0}, None), ({}, "2")]
)
def test_native_gpus_win_by_presence(native, limits):
    meta = {**k8s(**native), "resource_spec": {"site-1": {"num_of_gpus": 2}}}
    assert parse_meta(meta, "site-1").resources.limits.get("nvidia.com/gpu") == limits


@pytest.mark.parametrize(
    ("block", "field", "value"),
    [
        ({}, "pending_timeout", UNSET),
        ({}, "grace_period", None),
        ({"grace_period": None}, "grace_period", None),
        ({"grace_period": 45}, "grace_period", 45),
        ({"pending_timeout": None}, "pending_timeout", None),
        ({"pending_timeout": 0}, "pending_timeout", 0.0),
        ({"pending_timeout": 1.5}, "pending_timeout", 1.5),
        ({"pending_timeout": 10**400}, "pending_timeout", LONGEST_SECONDS),
        ({"pending_timeout": 1e300}, "pending_timeout", LONGEST_SECONDS),
        ({}, "ephemeral_storage", ""),
        ({"ephemeral_storage": None}, "ephemeral_storage", ""),
        ({"ephemeral_storage": "2Gi"}, "ephemeral_storage", "2Gi"),
        ({"python_path": "/usr/bin/python3"}, "python_path", "/usr/bin/python3"),
        ({}, "python_path", ""),
    ],
)
def test_other_keys(block, field, value):
    assert getattr(parse_meta(k8s(**block), "site-1"), field) == value


def test_what_the_job_says_about_itself():
    meta = {"name": "hello", "job_id": "abc", "study": "cancer"}
    assert parse_meta(meta, "site-1") == JobMeta(name="hello", job_id="abc", study="cancer")


SITE = r"meta.json: launcher_spec\['site-1'\]\['k8s'\]"


@pytest.mark.parametrize(
    ("meta", "where"),
    [
        (k8s(cpu=[1]), SITE + r"\['cpu'\]: must be a quantity, not \[1\]"),
        (k8s(cpu="2 cores"), SITE + r"\['cpu'\]: must be a quantity, not \"2 cores\""),
        (k8s(cpu_request=True), SITE + r"\['cpu_request'\]"),
        (k8s(memory="-1Gi"), SITE + r"\['memory'\]: must not be negative"),
        (k8s(num_of_gpus=0.5), SITE + r"\['num_of_gpus'\]: must be a whole number"),
        (k8s(num_of_gpus="1e99"), SITE + r"\['num_of_gpus'\]: must be a whole number"),
        (k8s(num_of_gpus=10**30), SITE + r"\['num_of_gpus'\]: must be a whole number"),
        (
            {"resource_spec": {"site-1": {"num_of_gpus": 10**30}}},
            r"meta.json: resource_spec\['site-1'\]\['num_of_gpus'\]: must be a whole number",
        ),
        (k8s(image=7), SITE + r"\['image'\]: must be a non-empty string, not 7"),
        (k8s(image="a b"), SITE + r"\['image'\]: must have no spaces or control characters, not \"a b\""),
        (k8s(image="a:1\x1b[2J"), SITE + r"\['image'\]: must have no spaces or control characters"),
        (k8s(image="a:1\0"), SITE + r"\['image'\]: must have no spaces or control characters"),
        (k8s(image="a:\ud800"), SITE + r"\['image'\]: must have no spaces or control characters"),
        (k8s(image="a:1\n"), SITE + r"\['image'\]: must have no spaces"),
        (k8s(image="  "), SITE + r"\['image'\]"),
        (k8s(python_path=None), SITE + r"\['python_path'\]: must be a non-empty string, not null"),
        (k8s(ephemeral_storage=5), SITE + r"\['ephemeral_storage'\]"),
        (k8s(ephemeral_storage=""), SITE + r"\['ephemeral_storage'\]"),
        *(
            (
                k8s(grace_period=bad),
                SITE + r"\['grace_period'\]: must be a whole number of seconds, 1 to 86400",
            )
            for bad in (0, -1, 1.5, True, "30", float("nan"), 86_401, [30])
        ),
        (k8s(pending_timeout=-1), SITE + r"\['pending_timeout'\]: must be a number of seconds"),
        (k8s(pending_timeout=True), SITE + r"\['pending_timeout'\]"),
        (k8s(pending_timeout="120"), SITE + r"\['pending_timeout'\]"),
        (k8s(pending_timeout=float("nan")), SITE + r"\['pending_timeout'\]"),
        (
            {"launcher_spec": {"default": {"k8s": {"cpu": "x"}}}},
            r"meta.json: launcher_spec\['default'\]\['k8s'\]\['cpu'\]",
        ),
        (
            {"resource_spec": {"site-1": {"k8s": {"cpu": "x"}}}},
            r"meta.json: resource_spec\['site-1'\]\['k8s'\]\['cpu'\]",
        ),
        (
            {"resource_spec": {"site-1": {"num_of_cpus": 0}}},
            r"meta.json: resource_spec\['site-1'\]\['num_of_cpus'\]",
        ),
        (
            {"resource_spec": {"@default": {"memory": "8GB"}}},
            r"meta.json: resource_spec\['@default'\]\['memory'\]",
        ),
        (
            {"resource_spec": {"site-1": {"num_of_gpus": True}}},
            r"meta.json: resource_spec\['site-1'\]\['num_of_gpus'\]",
        ),
        ({"launcher_spec": [1]}, "meta.json: launcher_spec: must be a mapping"),
        ({"launcher_spec": {"site-1": "x"}}, r"meta.json: launcher_spec\['site-1'\]: must be a mapping"),
        ({"launcher_spec": {"site-1": {"k8s": 5}}}, SITE + ": must be a mapping, not 5"),
        ({"resource_spec": {"site-1": ["x"]}}, r"meta.json: resource_spec\['site-1'\]: must be a mapping"),
        ({"name": 5}, "meta.json: name: must be a non-empty string"),
        ([], "meta.json: must be a mapping"),
    ],
)
def test_errors_name_the_place_and_carry_a_cure(meta, where):
    with pytest.raises(InvalidInput, match=where) as error:
        parse_meta(meta, "site-1")
    assert error.value.cure


def test_meta_is_not_changed():
    meta = {"launcher_spec": {"default": {"k8s": {"cpu": 1}}, "site-1": {"k8s": {"cpu": 2}}}}
    before = repr(meta)
    parse_meta(meta, "site-1")
    assert repr(meta) == before
