"""A job and its reference."""

from __future__ import annotations

import dataclasses

import pytest

from launcher.core.jobref import JobRef
from launcher.core.spec.asked import JobMeta
from launcher.core.spec.assemble import Request, build_jobspec
from launcher.core.spec.jobspec import Role, ref_of_spec
from launcher.core.spec.site import SiteConfig
from launcher.core.spec.study import Study

REQUEST = Request(
    job_id="7f4e9c1a",
    site="Hôpital Nº1",
    role=Role.SERVER,
    study="cancer",
    command=("run",),
    attempt=3,
    federation="0123456789abcdef",
)
SPEC = build_jobspec(REQUEST, JobMeta(image="i"), Study(), SiteConfig(namespace="fl"))


# A job that is about to be launched has no pod yet.
NOT_OF_A_SPEC = {"role", "uid", "created"}


@pytest.mark.parametrize(
    "name", [field.name for field in dataclasses.fields(JobRef) if field.name not in NOT_OF_A_SPEC]
)
def test_a_reference_says_what_the_job_says(name):
    assert getattr(ref_of_spec(SPEC), name) == getattr(SPEC, name)


@pytest.mark.parametrize(("role", "text"), [(Role.SERVER, "server"), (Role.CLIENT, "client")])
def test_the_role_of_a_reference_is_text(role, text):
    found = ref_of_spec(dataclasses.replace(SPEC, role=role)).role
    assert (found, type(found)) == (text, str)


def test_a_reference_before_the_launch_names_no_pod_of_an_earlier_one():
    assert ref_of_spec(SPEC).uid == ""
