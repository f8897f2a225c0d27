"""Rows of the causes for which the API server or Helm refuses to create the pod.

Most have the cure of the sentence that leads to them, in general words.
"""

from __future__ import annotations

from collections.abc import Mapping

from launcher.core.catalogue.codes import Code, Entry, Limit, StrictRule
from launcher.core.catalogue.reasons import cure_of
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.errors import Reason

__all__ = ["CREATION"]

_JOB = ReturnCode.EXECUTION_EXCEPTION
_INFRA = ReturnCode.INFRASTRUCTURE_ERROR
_FAIL = StrictRule.FAIL


def _heals(summary: str, cure: str, limit: Limit) -> Entry:
    return Entry(summary, cure, _INFRA, limit, _FAIL, relaunchable=True)


CREATION: Mapping[Code, Entry] = {
    Code.QUOTA_EXCEEDED: _heals(
        "A ResourceQuota of the namespace is exhausted.",
        cure_of(Reason.QUOTA_EXCEEDED),
        Limit.RESOURCES,
    ),
    Code.QUOTA_BUSY: _heals(
        "The ResourceQuota could not be checked at that moment, as when another pod changed it.",
        cure_of(Reason.QUOTA_BUSY),
        Limit.HEAL,
    ),
    Code.QUOTA_TOO_SMALL: Entry(
        "The job asks for more than a ResourceQuota of the namespace ever allows.",
        cure_of(Reason.QUOTA_TOO_SMALL),
        _JOB,
        Limit.NOW,
        _FAIL,
    ),
    Code.WEBHOOK_FAILED: _heals(
        "An admission webhook of the cluster does not answer.",
        cure_of(Reason.WEBHOOK_FAILED),
        Limit.HEAL,
    ),
    Code.API_UNAVAILABLE: _heals(
        "The API server cannot be asked.", "check that the API server answers and is reached", Limit.API
    ),
    Code.NAMESPACE_MISSING: Entry(
        "The namespace of the job does not exist.",
        cure_of(Reason.NAMESPACE_MISSING),
        _INFRA,
        Limit.NOW,
        _FAIL,
    ),
    Code.NAMESPACE_TERMINATING: _heals(
        "The namespace of the job is being deleted.",
        cure_of(Reason.NAMESPACE_TERMINATING),
        Limit.CONFIG,
    ),
    Code.ADMISSION_DENIED: Entry(
        "An admission rule of the cluster forbids the pod.",
        cure_of(Reason.REFUSED),
        _JOB,
        Limit.NOW,
        _FAIL,
    ),
    Code.LIMIT_RANGE: Entry(
        "A LimitRange of the namespace forbids the resources of the job.",
        cure_of(Reason.LIMIT_RANGE),
        _JOB,
        Limit.NOW,
        _FAIL,
    ),
    Code.INVALID_SPEC: Entry(
        "The pod that results from job, study and site is not valid.",
        cure_of(Reason.INVALID_SPEC),
        _JOB,
        Limit.NOW,
        _FAIL,
    ),
    Code.SITE_INVALID: Entry(
        "What the site has configured makes no pod of any job: kubeconfig, helm, chart or values.",
        "correct what is named at the site; `fljob doctor` checks it, `fljob template` renders a job",
        _INFRA,
        Limit.NOW,
        _FAIL,
    ),
    Code.CHART_UNAVAILABLE: _heals(
        "The registry of the site's chart does not answer, and the chart was not fetched before.",
        cure_of(Reason.CHART_REGISTRY_AWAY),
        Limit.HEAL,
    ),
    Code.FORBIDDEN: Entry(
        "The launcher lacks a right in the namespace.",
        cure_of(Reason.FORBIDDEN),
        _INFRA,
        Limit.NOW,
        _FAIL,
    ),
    Code.NAME_CONFLICT: Entry(
        "A release or object of that name exists and belongs to somebody else.",
        "remove it, or wait until it is gone",
        _INFRA,
        Limit.NOW,
        _FAIL,
    ),
    Code.CREATE_FAILED: Entry(
        "Helm could not create the release.", cure_of(Reason.HELM_FAILED), _INFRA, Limit.NOW, _FAIL
    ),
}
