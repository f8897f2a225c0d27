"""Blocks of a job's meta: which one counts, and where each key of it stood."""

from __future__ import annotations

import pytest

from launcher.core.flare.meta_blocks import Block, misspelt, native, no_mappings, portable
from launcher.errors import InvalidInput

# --- one block ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [None, {}, "", 0, []])
def test_what_is_empty_is_an_empty_block(nothing):
    assert Block.at(nothing, "f: a") == Block({}, {}, "f: a")


def test_what_is_no_mapping_is_refused_with_its_place():
    with pytest.raises(InvalidInput, match=r"^f: a: must be a mapping, not 5"):
        Block.at(5, "f: a")


def test_a_block_over_another_keeps_the_place_of_each_key():
    both = Block.at({"cpu": 1, "memory": None}, "f: site").over(
        Block.at({"cpu": 2, "memory": "1Gi", "image": "i"}, "f: default")
    )
    assert both.values == {"cpu": 1, "memory": None, "image": "i"}
    assert [both.where(key) for key in ("cpu", "memory", "image", "gone")] == [
        "f: site['cpu']",
        "f: site['memory']",
        "f: default['image']",
        "f: site['gone']",
    ]


# --- launcher_spec and the old place ------------------------------------------------------------------------

OLD = {"resource_spec": {"site-1": {"k8s": {"image": "old"}}}}


@pytest.mark.parametrize(
    ("launcher_spec", "values", "place_of_image"),
    [
        (
            {"site-1": {"k8s": {"image": "s"}}, "default": {"k8s": {"cpu": 1}}},
            {"image": "s", "cpu": 1},
            "m: launcher_spec['site-1']['k8s']['image']",
        ),
        (
            {"site-1": {"k8s": {"cpu": 1}}, "default": {"k8s": {"image": "d"}}},
            {"image": "d", "cpu": 1},
            "m: launcher_spec['default']['k8s']['image']",
        ),
        ({"site-1": {"k8s": {}}}, {}, "m: launcher_spec['site-1']['k8s']['image']"),
        (
            {"site-1": {"docker": {"image": "x"}}, "site-2": {"k8s": {"image": "x"}}},
            {"image": "old"},
            "m: resource_spec['site-1']['k8s']['image']",
        ),
        ({"default": {"k8s": None}}, {"image": "old"}, "m: resource_spec['site-1']['k8s']['image']"),
        ({"site-1": {"k8s": None}}, {"image": "old"}, "m: resource_spec['site-1']['k8s']['image']"),
        (None, {"image": "old"}, "m: resource_spec['site-1']['k8s']['image']"),
    ],
)
def test_the_k8s_block_of_a_site(launcher_spec, values, place_of_image):
    block = native({"launcher_spec": launcher_spec, **OLD}, "site-1", "m")
    assert (block.values, block.where("image")) == (values, place_of_image)


# --- portable resources -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "values", "place_of_gpus"),
    [
        ({"site-1": {"num_of_gpus": 2}}, {"num_of_gpus": 2}, "m: resource_spec['site-1']['num_of_gpus']"),
        (
            {"@default": {"num_of_gpus": 1}, "site-1": {"memory": "1Gi"}},
            {"num_of_gpus": 1, "memory": "1Gi"},
            "m: resource_spec['@default']['num_of_gpus']",
        ),
        (
            {"@default": {}, "site-1": {"process": {"num_of_gpus": 3}, "k8s": {"cpu": 1}}},
            {"num_of_gpus": 3},
            "m: resource_spec['site-1']['process']['num_of_gpus']",
        ),
        # Blocks per launcher and no default: nothing holds for all launchers.
        ({"site-1": {"process": {"num_of_gpus": 3}}}, {}, "m: resource_spec['num_of_gpus']"),
        ({"site-2": {"num_of_gpus": 2}}, {}, "m: resource_spec['site-1']['num_of_gpus']"),
    ],
)
def test_what_holds_for_every_launcher(spec, values, place_of_gpus):
    block = portable({"resource_spec": spec}, "site-1", "m")
    assert (block.values, block.where("num_of_gpus")) == (values, place_of_gpus)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_of_gpus", 0),
        ("num_of_cpus", 1),
        ("memory", "1Mi"),
        ("memory", "20Ti"),
    ],
)
def test_portable_amounts(key, value):
    assert portable({"resource_spec": {"site-1": {key: value}}}, "site-1", "m").values == {key: value}


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("num_of_gpus", -1, "must be a whole number, 0 or more, not -1"),
        ("num_of_gpus", True, "must be a whole number, 0 or more, not true"),
        ("num_of_gpus", None, "must be a whole number, 0 or more, not null"),
        ("num_of_cpus", 0, "must be a whole number, 1 or more, not 0"),
        ("num_of_cpus", 1.0, "must be a whole number, 1 or more, not 1.0"),
        ("memory", "0Gi", 'must be a whole number followed by Mi, Gi or Ti, not "0Gi"'),
        ("memory", "1G", 'must be a whole number followed by Mi, Gi or Ti, not "1G"'),
        ("memory", 1024, "must be a whole number followed by Mi, Gi or Ti, not 1024"),
    ],
)
@pytest.mark.parametrize("name", ["site-1", "@default"])
def test_what_is_no_portable_amount(name, key, value, rule):
    with pytest.raises(InvalidInput) as error:
        portable({"resource_spec": {name: {key: value}}}, "site-1", "m")
    assert error.value.message == f"m: resource_spec[{name!r}][{key!r}]: {rule}"
    assert error.value.cure


# --- empty, and no mapping ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meta", "found"),
    [
        ({}, []),
        ({"launcher_spec": {"site-1": {"k8s": {}}}, "resource_spec": None}, []),
        ({"launcher_spec": {"site-2": []}}, []),
        ({"launcher_spec": []}, [("m: launcher_spec", [])]),
        (
            {
                "launcher_spec": {"site-1": "", "default": {"k8s": 0}},
                "resource_spec": {"site-1": {"k8s": False}},
            },
            [
                ("m: launcher_spec['site-1']", ""),
                ("m: launcher_spec['default']['k8s']", 0),
                ("m: resource_spec['site-1']['k8s']", False),
            ],
        ),
    ],
)
def test_what_is_empty_and_no_mapping_is_found(meta, found):
    assert list(no_mappings(meta, "site-1", "m")) == found


IMAGE = {"k8s": {"image": "i"}}
ROOT = "meta.json: launcher_spec"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"defualt": IMAGE}, [f"{ROOT}['defualt'] is not read at site 'site-1'; did you mean 'default'?"]),
        ({"Default": IMAGE}, [f"{ROOT}['Default'] is not read at site 'site-1'; did you mean 'default'?"]),
        ({"Site_1": IMAGE}, [f"{ROOT}['Site_1'] is not read at site 'site-1'; did you mean 'site-1'?"]),
        ({"default": {"k8": {}}}, [f"{ROOT}['default']['k8'] is read by nobody; did you mean 'k8s'?"]),
        ({"site-1": {"K8S": {}}}, [f"{ROOT}['site-1']['K8S'] is read by nobody; did you mean 'k8s'?"]),
        (
            {"site-1": {"kubernetes": {}}},
            [f"{ROOT}['site-1']['kubernetes'] is read by nobody; did you mean 'k8s'?"],
        ),
        # Other sites and other launchers have blocks beside ours.
        ({"site-2": IMAGE, "site-11": IMAGE, "default": {"docker": {}, "slurm": {}}}, []),
        ({"site-1": IMAGE, "site_1": IMAGE}, []),
        ({"default": {"k8s": {}, "k8": {}}}, []),
        ({"default": {1: {}}, 2: {}, "d" * 100_000: {}}, []),
        ([], []),
        (None, []),
    ],
)
def test_a_key_that_is_nearly_one_that_counts_is_told(spec, said):
    assert list(misspelt({"launcher_spec": spec}, "site-1", "meta.json")) == said
