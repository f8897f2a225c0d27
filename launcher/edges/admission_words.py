"""The messages of the API server's admission plugins: webhooks, policies, quotas, limits, references.

Tried before all other messages of :mod:`launcher.edges.api_words`, from top to bottom: a webhook that cannot
be called and a quota that cannot be checked are an "Internal error", too, and a policy that cannot be asked
"denied" the request.
"""

from __future__ import annotations

from collections.abc import Mapping

from launcher.core.admission import ABOVE_LIMIT, never_admitted
from launcher.edges.failure import row
from launcher.errors import Reason, Rejected, Unavailable

__all__ = ["ADMISSION", "SOURCE"]

SOURCE = "Kubernetes 1.36.3 source"


def _beyond_the_quota(words: Mapping[str, str]) -> Mapping[str, str] | None:
    numbers = never_admitted(words["requested"], words["limited"])
    return {"numbers": numbers} if numbers else None


ADMISSION = (
    row(
        Reason.WEBHOOK_FAILED,
        Rejected,
        r'failed calling webhook "(?P<webhook>[^"]+)": (?P<why>.*)',
        'Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: '
        'Post "https://127.0.0.1:1/x?timeout=2s": dial tcp 127.0.0.1:1: connect: connection refused',
        "the admission webhook {webhook!r} of the cluster does not work: {why}",
    ),
    row(
        Reason.WEBHOOK_FAILED,
        Rejected,
        r'admission webhook "(?P<webhook>[^"]{1,253})" (?P<why>attempted to modify the object|'
        r"does not support dry run)",
        'Internal error occurred: admission webhook "hook.example.com" attempted to modify the object, which '
        "is not supported for this operation",
        "the admission webhook {webhook!r} of the cluster does not work: {why}",
        seen=SOURCE,
    ),
    row(
        Reason.WEBHOOK_DENIED,
        Rejected,
        r'admission webhook "(?P<webhook>[^"]+)" denied the request(?::)? (?P<why>.*)',
        'admission webhook "hook.example.com" denied the request: images must come from reg.example.com',
        "the admission webhook {webhook!r} refused an object: {why}",
    ),
    # An API server that has just heard of the kind of a policy's parameters.
    row(
        Reason.SERVER_BUSY,
        Unavailable,
        r"paramKind kind `[^`]{1,600}` not yet synced|"
        r"Resource kind .{1,600}? not found\. There can be a delay",
        "pods \"p1\" is forbidden: ValidatingAdmissionPolicy 'vap' with binding 'vap' denied request: failed "
        "to configure binding: paramKind kind `a.b/v1, Kind=Rule` not yet synced to use for admission",
        "the API server does not know a kind yet: {text}",
        seen=SOURCE,
    ),
    # A ValidatingAdmissionPolicy that cannot be asked, with failurePolicy Fail.
    row(
        Reason.POLICY_FAILED,
        Rejected,
        r"ValidatingAdmissionPolicy '(?P<policy>[^']{1,253})' .{0,600}?denied request: (?P<why>"
        r"(?:failed to configure (?:policy|binding): |expression '|failed messageExpression: "
        r"|compilation error).*)",
        "pods \"p1\" is forbidden: ValidatingAdmissionPolicy 'vap' with binding 'vap' denied request: "
        "expression 'object.metadata.labels.nope == \"x\"' resulted in error: no such key: nope",
        "the admission policy {policy!r} of the cluster does not work: {why}",
    ),
    # A MutatingAdmissionPolicy never says no: its expression, its binding or its parameters are wrong.
    row(
        Reason.POLICY_FAILED,
        Rejected,
        r"(?<!\w)policy (?:'(?P<policy>[^']{1,253})' with binding '[^']{1,253}'|\"(?P<named>[^\"]{1,253})\") "
        r"denied request: (?P<why>.*)",
        "policy 'map' with binding 'map' denied request: expression '[JSONPatch{op: \"replace\", path: "
        '"/metadata/labels/team", value: object.metadata.labels["cost-center"]}]\' resulted in error: no '
        "such key: cost-center",
        "the admission policy '{policy}{named}' of the cluster does not work: {why}",
    ),
    row(
        Reason.POLICY_DENIED,
        Rejected,
        r"ValidatingAdmissionPolicy '(?P<policy>[^']{1,253})' .{0,600}?denied request: (?P<why>.*)",
        "pods \"p1\" is forbidden: ValidatingAdmissionPolicy 'vap' with binding 'vap' denied request: "
        "no pods on Tuesdays",
        "the admission policy {policy!r} refused an object: {why}",
    ),
    row(
        Reason.POD_SECURITY,
        Rejected,
        r'violates PodSecurity "(?P<level>[^"]+)": (?P<why>.*)',
        'pods "p1" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation '
        '!= false (container "main" must set securityContext.allowPrivilegeEscalation=false)',
        "namespace {namespace!r} enforces pod security {level}: {why}",
    ),
    row(
        Reason.QUOTA_TOO_SMALL,
        Rejected,
        r"exceeded quota: (?P<quota>[^,]{1,253}), requested: (?P<requested>\S{1,4000}), used: \S{1,4000}, "
        r"limited: (?P<limited>\S{1,4000})",
        'pods "p1" is forbidden: exceeded quota: q, requested: cpu=8,pods=1, used: cpu=0,pods=9, limited: '
        "cpu=4,pods=9",
        "quota {quota!r} can never admit the job: {numbers}",
        adds=_beyond_the_quota,
    ),
    row(
        Reason.QUOTA_EXCEEDED,
        Rejected,
        r"exceeded quota: (?P<quota>[^,]{1,253}), (?P<why>.*)",
        'pods "p1" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0',
        "quota {quota!r} is exhausted: {why}",
    ),
    # Resources or priorities that the cluster lets nobody use without a quota for them.
    row(
        Reason.QUOTA_UNCOVERED,
        Rejected,
        r"insufficient quota to (?:consume|match these scopes): (?P<why>.*)",
        "insufficient quota to match these scopes: [{PriorityClass In [high]}]",
        "no quota of namespace {namespace!r} covers {why}",
        seen=SOURCE,
    ),
    row(
        Reason.QUOTA_NEEDS_MORE,
        Rejected,
        r"failed quota: (?P<quota>[^:]+): must specify (?P<why>.*)",
        'pods "p1" is forbidden: failed quota: q: must specify requests.cpu for: main',
        "quota {quota!r} demands that every container says {why}",
        seen="source",
    ),
    row(
        Reason.QUOTA_BUSY,
        Unavailable,
        r"Operation cannot be fulfilled on resourcequotas",
        'Operation cannot be fulfilled on resourcequotas "q": the object has been modified; please apply '
        "your changes to the latest version and try again",
        "the quota was changed by another job at the same moment",
        seen="source",
    ),
    # A new quota: its controller has not counted yet what it covers. Status 403 and 500.
    row(
        Reason.QUOTA_BUSY,
        Unavailable,
        r"status unknown for quota: (?P<quota>[^,]+)",
        'pods "p1" is forbidden: status unknown for quota: q, resources: pods',
        "what quota {quota!r} covers has not been counted yet",
        seen=SOURCE,
    ),
    # An API server with more quota checks than it can do in ten seconds; new and old message.
    row(
        Reason.QUOTA_BUSY,
        Unavailable,
        r"resource quota evaluat(?:ion timed out|es timeout)|error (?:resolving|matching scopes of) quota\b",
        "Internal error occurred: resource quota evaluation timed out",
        "the API server did not get round to checking the quota",
        seen=SOURCE,
    ),
    row(
        Reason.LIMIT_RANGE,
        Rejected,
        r"is forbidden: \[?(?P<why>(?:maximum|minimum) \S+ usage per .*|\S+ max limit to request ratio .*)",
        'pods "p1" is forbidden: maximum memory usage per Container is 1Mi, but limit is 16Mi',
        "a LimitRange of the namespace refuses the resources: {why}",
    ),
    # Of a container that asks for more than it may have: a LimitRange gives limits to those without.
    row(
        Reason.ABOVE_LIMIT_RANGE,
        Rejected,
        rf"(?P<why>spec\.[\w.\[\]]{{1,100}}\.{ABOVE_LIMIT})",
        'Pod "p1" is invalid: spec.containers[0].resources.requests: Invalid value: "1Gi": must be less than '
        "or equal to memory limit of 512Mi",
        "{resource}: {asked} asked, and the limit of the container is {limit}: {why}",
    ),
    row(
        Reason.PRIORITY_CLASS_MISSING,
        Rejected,
        r"no PriorityClass with name (?P<object>\S+) was found",
        'pods "p1" is forbidden: no PriorityClass with name nope was found',
        "there is no PriorityClass {object!r}",
    ),
    row(
        Reason.SERVICE_ACCOUNT_MISSING,
        Rejected,
        r'serviceaccount "(?P<object>[^"]+)" not found',
        'pods "p1" is forbidden: error looking up service account ns/nope: serviceaccount "nope" not found',
        "there is no ServiceAccount {object!r} in namespace {namespace!r}",
    ),
    row(
        Reason.RUNTIME_CLASS_MISSING,
        Rejected,
        r'RuntimeClass[^"]{0,200} "(?P<object>[^"]{1,253})" not found',
        'pods "p1" is forbidden: pod rejected: RuntimeClass "nope" not found',
        "there is no RuntimeClass {object!r}",
    ),
    # OpenShift's own admission plugin.
    row(
        Reason.SECURITY_CONTEXT_CONSTRAINT,
        Rejected,
        r"unable to validate against any (?:pod )?security (?:context constraint|policy): (?P<why>.*)",
        'pods "p1" is forbidden: unable to validate against any security context constraint: '
        '[provider "anyuid": Forbidden: not usable by user or serviceaccount, provider restricted-v2: '
        ".containers[0].runAsUser: Invalid value: 0: must be in the ranges: [1000680000, 1000689999]]",
        "no security context constraint that the job may use allows its pod: {why}",
        seen="OpenShift 4 documentation",
    ),
)
