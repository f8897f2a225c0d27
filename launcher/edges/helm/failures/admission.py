"""Failures of admission: the API server understood the object and a rule of the cluster forbids it."""

from __future__ import annotations

from launcher.edges.helm.failures.row import row
from launcher.errors import Rejected, Unavailable

__all__ = ["ADMISSION"]

_APPLY = "server-side apply failed for object ns/p1 /v1, Kind=Pod: "

# Calls that a webhook failed look like an unreachable cluster: first.
ADMISSION = (
    row(
        "WebhookFailed",
        Rejected,
        r'failed calling webhook "(?P<webhook>[^"]+)": (?P<why>.*)',
        _APPLY
        + 'Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: '
        'Post "https://127.0.0.1:1/x?timeout=2s": dial tcp 127.0.0.1:1: connect: connection refused',
        "the admission webhook {webhook!r} of the cluster does not work: {why}",
        "ask the cluster's administrator to repair or remove the webhook, then launch again",
    ),
    row(
        "WebhookDenied",
        Rejected,
        r'admission webhook "(?P<webhook>[^"]+)" denied the request: (?P<why>.*)',
        _APPLY
        + 'admission webhook "hook.example.com" denied the request: images must come from reg.example.com',
        "the admission webhook {webhook!r} refused an object: {why}",
        "change the job or the site's values so that the rule is met",
    ),
    row(
        "PolicyDenied",
        Rejected,
        r"ValidatingAdmissionPolicy '(?P<policy>[^']+)' .*?denied request: (?P<why>.*)",
        _APPLY
        + "pods \"p1\" is forbidden: ValidatingAdmissionPolicy 'vap' with binding 'vap' denied request: "
        "no pods on Tuesdays",
        "the admission policy {policy!r} refused an object: {why}",
        "change the job or the site's values so that the rule is met",
    ),
    row(
        "PodSecurity",
        Rejected,
        r'violates PodSecurity "(?P<level>[^"]+)": (?P<why>.*)',
        _APPLY + 'pods "p1" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation '
        '!= false (container "main" must set securityContext.allowPrivilegeEscalation=false)',
        "namespace {namespace!r} enforces pod security {level}: {why}",
        "set `pod_security: restricted` for the site, correct the securityContext, or use another namespace",
    ),
    row(
        "QuotaExceeded",
        Rejected,
        r"exceeded quota: (?P<quota>[^,]+), (?P<why>.*)",
        _APPLY
        + 'pods "p1" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0',
        "quota {quota!r} is exhausted: {why}",
        "wait until other jobs end, ask for less, or have it raised: "
        "kubectl --namespace {namespace} describe quota {quota}",
    ),
    row(
        "QuotaNeedsMore",
        Rejected,
        r"failed quota: (?P<quota>[^:]+): must specify (?P<why>.*)",
        _APPLY + 'pods "p1" is forbidden: failed quota: q: must specify requests.cpu for: main',
        "quota {quota!r} demands that every container says {why}",
        "give the job those resources in its meta or the site's values",
        seen="source",
    ),
    row(
        "QuotaBusy",
        Unavailable,
        r"Operation cannot be fulfilled on resourcequotas",
        _APPLY + 'Operation cannot be fulfilled on resourcequotas "q": the object has been modified; please '
        "apply your changes to the latest version and try again",
        "the quota was changed by another job at the same moment",
        "launch again",
        seen="3.21.4 source",
    ),
    # A quota that is a moment old: its controller has not counted yet what it covers.
    row(
        "QuotaBusy",
        Unavailable,
        r"status unknown for quota: (?P<quota>[^,]+)",
        _APPLY + 'pods "p1" is forbidden: status unknown for quota: q, resources: pods',
        "what quota {quota!r} covers has not been counted yet",
        "launch again",
        seen="Kubernetes 1.36.3 source",
    ),
    # An API server with more quota checks than it can do in ten seconds, in new and in old words.
    row(
        "QuotaBusy",
        Unavailable,
        r"resource quota evaluat(?:ion timed out|es timeout)",
        _APPLY + "Internal error occurred: resource quota evaluation timed out",
        "the API server did not get round to checking the quota",
        "launch again",
        seen="Kubernetes 1.36.3 source",
    ),
    row(
        "LimitRange",
        Rejected,
        r"is forbidden: \[?(?P<why>(?:maximum|minimum) \S+ usage per .*|\S+ max limit to request ratio .*)",
        _APPLY + 'pods "p1" is forbidden: maximum memory usage per Container is 1Mi, but limit is 16Mi',
        "a LimitRange of the namespace refuses the resources: {why}",
        "change the job's resources; the limits: kubectl --namespace {namespace} describe limitrange",
    ),
    row(
        "PriorityClassMissing",
        Rejected,
        r"no PriorityClass with name (?P<object>\S+) was found",
        _APPLY + 'pods "p1" is forbidden: no PriorityClass with name nope was found',
        "there is no PriorityClass {object!r}",
        "kubectl get priorityclass shows what there is; correct priorityClassName",
    ),
    row(
        "ServiceAccountMissing",
        Rejected,
        r'serviceaccount "(?P<object>[^"]+)" not found',
        _APPLY
        + 'pods "p1" is forbidden: error looking up service account ns/nope: serviceaccount "nope" not found',
        "there is no ServiceAccount {object!r} in namespace {namespace!r}",
        "kubectl --namespace {namespace} create serviceaccount {object}, or correct serviceAccountName",
    ),
    row(
        "RuntimeClassMissing",
        Rejected,
        r'RuntimeClass[^"]* "(?P<object>[^"]+)" not found',
        _APPLY + 'pods "p1" is forbidden: pod rejected: RuntimeClass "nope" not found',
        "there is no RuntimeClass {object!r}",
        "kubectl get runtimeclass shows what there is; correct runtimeClassName",
    ),
    # OpenShift's own admission plugin.
    row(
        "SecurityContextConstraint",
        Rejected,
        r"unable to validate against any (?:pod )?security (?:context constraint|policy): (?P<why>.*)",
        _APPLY + 'pods "p1" is forbidden: unable to validate against any security context constraint: '
        '[provider "anyuid": Forbidden: not usable by user or serviceaccount, provider restricted-v2: '
        ".containers[0].runAsUser: Invalid value: 0: must be in the ranges: [1000680000, 1000689999]]",
        "no security context constraint that the job may use allows its pod: {why}",
        "set `pod_security: restricted` for the site, correct the securityContext, or grant the job's "
        "service account a constraint that allows it",
        seen="OpenShift 4 documentation",
    ),
)
