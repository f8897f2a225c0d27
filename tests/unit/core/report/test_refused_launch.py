"""The bundle of a refused launch: cause, values, what is listed as missing, what is hidden."""

from __future__ import annotations

import json

import pytest
import yaml

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.jobref import JobRef
from launcher.core.report.refused_launch import refused_bundle, refused_code
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import Seen
from launcher.errors import Conflict, Denied, InvalidInput, Reason, Rejected
from tests.fakes import START

CANARY = "canary-1977"
JOB = JobRef(release="fj-1", namespace="fl", pod_name="job-1", job_id="a1", site="site-1")
VALUES = {
    "job": {"id": "a1"},
    "env": [{"name": "HF_TOKEN", "value": "canary-of-the-study"}, {"name": "A", "value": CANARY}],
}
REFUSED = Rejected(
    f"pods is forbidden: {CANARY}", reason=Reason.POD_SECURITY, cure="use podSecurity: restricted"
)


def files(error=REFUSED, values=VALUES, **more):
    seen = Seen.found(values) if values is not None else Seen.unavailable("template site.yaml.j2 is wrong")
    return refused_bundle(JOB, error, seen, START, known=[CANARY], **more).files


def test_bundle_has_cause_values_and_what_is_missing():
    found = files()
    assert found["cause.txt"] == (
        f"AdmissionDenied: {CATALOGUE[Code.ADMISSION_DENIED].summary} pods is forbidden: *** "
        "Cure: use podSecurity: restricted\n"
    )
    assert yaml.safe_load(found["values.yaml"])["job"] == {"id": "a1"}
    missing = dict(line.split(": ", 1) for line in found["missing.txt"].splitlines())
    assert missing.keys() == {"pod.yaml", "events", "helm-status.json", "logs"}
    assert set(missing.values()) == {"not asked for: the launch was refused"}
    for name in ("pod.yaml", "events.txt", "events.yaml"):
        assert found[name].startswith("# not asked for: the launch was refused")
    status = json.loads(found["status.json"])
    assert (status["state"], status["jobId"], status["pod"], status["helm"]) == ("FAILED", "a1", None, None)


def test_no_credential_is_in_any_file():
    assert "canary" not in "".join(files().values())


def test_values_that_were_not_rendered_are_missing():
    found = files(InvalidInput("wrong", where="site.yaml.j2"), None)
    assert "values.yaml: template site.yaml.j2 is wrong" in found["missing.txt"]
    assert found["cause.txt"].startswith("SiteInvalid: ")


@pytest.mark.parametrize(
    ("error", "code"), [(REFUSED, 101), (Denied("no"), 104), (Conflict("is there"), 104)]
)
def test_refused_code(error, code):
    assert refused_code(error, PendingPolicy.GRACEFUL) == code
    assert refused_code(error, PendingPolicy.STRICT) == 101
    assert json.loads(files(error)["status.json"])["outcome"]["returnCode"] == code
    strict = files(Denied("no"), mode=PendingPolicy.STRICT)
    assert json.loads(strict["status.json"])["outcome"]["returnCode"] == 101
