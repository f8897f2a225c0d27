"""Rows of the causes for which the API server or Helm refuses to create the pod."""

from __future__ import annotations

from collections.abc import Mapping

from launcher.core.catalogue.codes import Code, Entry, Limit, StrictRule
from launcher.core.catalogue.returncodes import ReturnCode

__all__ = ["CREATION"]

_JOB = ReturnCode.EXECUTION_EXCEPTION
_INFRA = ReturnCode.INFRASTRUCTURE_ERROR
_FAIL = StrictRule.FAIL


def _heals(summary: str, cure: str, limit: Limit) -> Entry:
    return Entry(summary, cure, _INFRA, limit, _FAIL, relaunchable=True)


CREATION: Mapping[Code, Entry] = {
    Code.QUOTA_EXCEEDED: _heals(
        "A ResourceQuota of the namespace is exhausted.",
        "wait until other jobs end, ask for less in launcher_spec, or have the quota raised",
        Limit.RESOURCES,
    ),
    Code.QUOTA_BUSY: _heals(
        "The ResourceQuota could not be checked at that moment, as when another pod changed it.",
        "nothing to do: it is tried again",
        Limit.HEAL,
    ),
    Code.WEBHOOK_FAILED: _heals(
        "An admission webhook of the cluster does not answer.",
        "have the webhook repaired or removed by the cluster's administrator",
        Limit.HEAL,
    ),
    Code.API_UNAVAILABLE: _heals(
        "The API server cannot be asked.", "check that the API server answers and is reached", Limit.API
    ),
    Code.NAMESPACE_MISSING: Entry(
        "The namespace of the job does not exist.",
        "create it, or correct `namespace` of the site",
        _INFRA,
        Limit.NOW,
        _FAIL,
    ),
    Code.NAMESPACE_TERMINATING: _heals(
        "The namespace of the job is being deleted.",
        "create it again, or set another namespace",
        Limit.CONFIG,
    ),
    Code.ADMISSION_DENIED: Entry(
        "An admission rule of the cluster forbids the pod.",
        "change the job or the site's values so that the rule is met; the detail names it",
        _JOB,
        Limit.NOW,
        _FAIL,
    ),
    Code.LIMIT_RANGE: Entry(
        "A LimitRange of the namespace forbids the resources of the job.",
        "change the resources in launcher_spec; `kubectl describe limitrange` shows the limits",
        _JOB,
        Limit.NOW,
        _FAIL,
    ),
    Code.INVALID_SPEC: Entry(
        "The pod that results from job, study and site is not valid.",
        "correct the key that the detail names; `fljob template` shows the manifest",
        _JOB,
        Limit.NOW,
        _FAIL,
    ),
    Code.FORBIDDEN: Entry(
        "The launcher lacks a right in the namespace.",
        "grant what `fljob rbac` prints; `fljob doctor` says which right is missing",
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
        "Helm could not create the release.", "read the detail", _INFRA, Limit.NOW, _FAIL
    ),
}
