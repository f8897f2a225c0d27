"""What several commands make of their options: the job, its Secret, its diagnosis."""

from __future__ import annotations

import pytest

from launcher.cli.wiring import bundle_on_failure, bundle_on_refusal, job_spec, secret_content
from launcher.core.spec.jobspec import EnvVar, Role, SecretKey
from launcher.core.spec.site import SiteConfig
from launcher.errors import Cancelled, InvalidInput, Reason, Rejected
from tests.jobs import make_spec


@pytest.mark.usefixtures("folder")
def test_a_variable_of_the_secret_is_a_reference_to_the_per_job_secret():
    site = SiteConfig(site="site-1", namespace="fl")
    spec = job_spec(site, "meta.json", job_id="a1", study="", command=("x",), secret_env=("TOKEN",))
    assert EnvVar("TOKEN", secret=SecretKey(f"nvflare-cred-{spec.pod_name}", "TOKEN")) in spec.env


@pytest.mark.usefixtures("folder")
def test_the_server_needs_no_name_of_its_own_and_a_client_does():
    server = SiteConfig(role=Role.SERVER, namespace="fl")
    assert job_spec(server, "meta.json", job_id="a1", study="", command=("x",)).site == "server"
    with pytest.raises(InvalidInput, match="--site: the site has no name"):
        job_spec(SiteConfig(namespace="fl"), "meta.json", job_id="a1", study="", command=("x",))


def test_the_content_of_the_secret_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("TOKEN", "x")
    monkeypatch.delenv("OTHER", raising=False)
    assert secret_content(("TOKEN",)) == {"TOKEN": b"x"}
    with pytest.raises(InvalidInput, match="--secret-env OTHER: the variable is not set"):
        secret_content(("TOKEN", "OTHER"))


def test_without_a_folder_no_diagnosis_is_written(service):
    assert bundle_on_failure(service, None) is None


@pytest.mark.parametrize(
    ("error", "written"), [(Rejected("no", reason=Reason.POD_SECURITY), True), (Cancelled("x"), False)]
)
def test_a_refusal_is_diagnosed_and_a_cancelled_launch_is_not(tmp_path, error, written):
    with pytest.raises(type(error)), bundle_on_refusal(make_spec(), SiteConfig(), tmp_path / "why", {}):
        raise error
    assert (tmp_path / "why/cause.txt").exists() is written
