"""The messages of the API server, as the API client gets them and as helm prints them inside its own.

``SPECIFIC`` is tried first, from top to bottom. Order matters where one text contains another: a webhook that
cannot be called and a quota that cannot be checked are an "Internal error", too. ``GENERAL`` is tried last: a
quota that is full "is forbidden" as a missing right is, and helm reports a release that is too big as a
Secret that "is invalid".
"""

from __future__ import annotations

from launcher.edges.failure import row
from launcher.errors import Conflict, Denied, NotFound, Reason, Rejected, Unavailable

__all__ = ["API_WORDS", "GENERAL", "SPECIFIC"]

_SOURCE = "Kubernetes 1.36.3 source"

_ADMISSION = (
    row(
        Reason.WEBHOOK_FAILED,
        Rejected,
        r'failed calling webhook "(?P<webhook>[^"]+)": (?P<why>.*)',
        'Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: '
        'Post "https://127.0.0.1:1/x?timeout=2s": dial tcp 127.0.0.1:1: connect: connection refused',
        "the admission webhook {webhook!r} of the cluster does not work: {why}",
    ),
    row(
        Reason.WEBHOOK_DENIED,
        Rejected,
        r'admission webhook "(?P<webhook>[^"]+)" denied the request: (?P<why>.*)',
        'admission webhook "hook.example.com" denied the request: images must come from reg.example.com',
        "the admission webhook {webhook!r} refused an object: {why}",
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
        Reason.QUOTA_EXCEEDED,
        Rejected,
        r"exceeded quota: (?P<quota>[^,]{1,253}), (?P<why>.*)",
        'pods "p1" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0',
        "quota {quota!r} is exhausted: {why}",
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
        seen=_SOURCE,
    ),
    # An API server with more quota checks than it can do in ten seconds; new and old message.
    row(
        Reason.QUOTA_BUSY,
        Unavailable,
        r"resource quota evaluat(?:ion timed out|es timeout)",
        "Internal error occurred: resource quota evaluation timed out",
        "the API server did not get round to checking the quota",
        seen=_SOURCE,
    ),
    row(
        Reason.LIMIT_RANGE,
        Rejected,
        r"is forbidden: \[?(?P<why>(?:maximum|minimum) \S+ usage per .*|\S+ max limit to request ratio .*)",
        'pods "p1" is forbidden: maximum memory usage per Container is 1Mi, but limit is 16Mi',
        "a LimitRange of the namespace refuses the resources: {why}",
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

_SERVER = (
    row(
        Reason.SERVER_BUSY,
        Unavailable,
        r"etcdserver: (?!request is too large)|too many requests|currently unable to handle the request"
        r"|the server was unable to return a response|apiserver not ready|leader changed"
        r"|could not be completed at this time, please try again|request did not complete within",
        "etcdserver: leader changed",
        "the API server cannot answer now: {text}",
        seen="source",
    ),
    # An API server that has just started refuses, with 403, until its admission plugins have synced.
    row(
        Reason.SERVER_BUSY,
        Unavailable,
        r"is forbidden: (?:not yet ready to handle request|unable to \S+ \S+ at this time)",
        'secrets "sh.helm.release.v1.r1.v1" is forbidden: not yet ready to handle request',
        "the API server has just started: {text}",
        seen=_SOURCE,
    ),
    row(
        Reason.NAMESPACE_MISSING,
        NotFound,
        r'namespaces "(?P<namespace>[^"]+)" not found',
        'namespaces "nonesuch" not found',
        "there is no namespace {namespace!r}",
    ),
    row(
        Reason.NAMESPACE_TERMINATING,
        Rejected,
        r"unable to create new content in namespace (?P<namespace>\S+) because it is being terminated",
        'secrets "sh.helm.release.v1.r1.v1" is forbidden: unable to create new content in namespace h1t '
        "because it is being terminated",
        "namespace {namespace!r} is being deleted",
    ),
    row(
        Reason.FORBIDDEN,
        Denied,
        r'User "(?P<user>[^"]+)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)" '
        r'in API group "(?P<group>[^"]*)"(?: in the namespace "(?P<namespace>[^"]+)")?',
        'secrets is forbidden: User "system:serviceaccount:ns:lim" cannot list resource "secrets" in API '
        'group "" in the namespace "ns"',
        "user {user!r} may not {verb} {resource} in namespace {namespace!r}",
    ),
    row(
        Reason.OBJECT_EXISTS,
        Conflict,
        r'(?<![\w.])(?P<resource>[\w.]{1,253}) "(?P<object>[^"]{1,253})" already exists',
        'pods "p1" already exists',
        "{resource} {object!r} exists already",
        seen="source",
    ),
    row(
        Reason.FIELD_CONFLICT,
        Conflict,
        r"Apply failed with \d+ conflict",
        'Apply failed with 1 conflict: conflict with "kubectl" using v1: .spec.priority',
        "an object of the job exists and another program owns fields of it: {text}",
        seen="source",
    ),
    # Status 500 for any request: the fault is the API server's and not the object's.
    row(
        Reason.SERVER_ERROR,
        Unavailable,
        r"Internal error occurred: (?P<why>.*)",
        "Internal error occurred: an invariant does not hold",
        "the API server has an error of its own: {why}",
        seen="made up",
    ),
)

SPECIFIC = (*_ADMISSION, *_SERVER)

GENERAL = (
    row(
        Reason.INVALID_SPEC,
        Rejected,
        r'(?<!\w)(?P<kind>\w{1,253}) "(?P<object>[^"]{1,253})" is invalid: (?P<why>.*)',
        'Pod "p1" is invalid: spec.dnsPolicy: Unsupported value: "bogus": supported values: '
        '"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"',
        "{kind} {object!r} is invalid: {why}",
    ),
    row(
        Reason.UNKNOWN_FIELD,
        Rejected,
        r"failed to create typed patch object \((?P<object>[^;]{1,600});[^)]{0,600}\): (?P<why>.*)",
        "failed to create typed patch object (ns/p1; /v1, Kind=Pod): .spec.nodeName2: "
        "field not declared in schema",
        "{object} is invalid: {why}",
    ),
    row(
        Reason.INVALID_SPEC,
        Rejected,
        r"unable to convert unstructured object to [^:]*: (?P<why>.*)",
        "failed to convert new object (ns/p1; /v1, Kind=Pod) to proper version: unable to convert "
        "unstructured object to /v1, Kind=Pod: quantities must match the regular expression "
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        "an object is invalid: {why}",
    ),
    # 403 stands for two things: a missing right, whose message names a User, and the refusal of an admission
    # plugin, which may be one that is not in this table.
    row(
        Reason.REFUSED,
        Rejected,
        r'is forbidden: (?!User ")(?P<why>.*)',
        'pods "p1" is forbidden: container main with envVar WORD referencing secret.secretName="other" is '
        "not allowed because service account default does not reference that secret",
        "an admission rule of the cluster refuses an object: {why}",
    ),
    row(
        Reason.ACCESS_DENIED,
        Denied,
        r'forbidden: User "(?P<user>[^"]+)" (?P<why>.*)',
        'forbidden: User "system:anonymous" cannot get path "/version"',
        "user {user!r} {why}",
        seen="source",
    ),
)

API_WORDS = (*SPECIFIC, *GENERAL)
