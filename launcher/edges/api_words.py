"""The messages of the API server, as the API client gets them and as helm prints them inside its own.

Those of its admission plugins are in :mod:`launcher.edges.admission_words`.

``SPECIFIC`` is tried first, from top to bottom. Order matters where one text contains another: a webhook that
cannot be called and a quota that cannot be checked are an "Internal error", too. ``GENERAL`` is tried last: a
quota that is full "is forbidden" as a missing right is, and helm reports a release that is too big as a
Secret that "is invalid".
"""

from __future__ import annotations

from launcher.edges.admission_words import ADMISSION, SOURCE
from launcher.edges.failure import row
from launcher.errors import Conflict, Denied, NotFound, Reason, Rejected, Unavailable

__all__ = ["API_WORDS", "GENERAL", "SPECIFIC"]


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
        seen=SOURCE,
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
    # A right for everybody who knows the address would be no cure.
    row(
        Reason.NOT_LOGGED_IN,
        Denied,
        r'User "system:anonymous" (?P<why>cannot .{0,600})',
        'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the '
        'namespace "ns"',
        "nobody is logged in, the context has no credentials: user 'system:anonymous' {why}",
        seen="source",
    ),
    row(
        Reason.FORBIDDEN,
        Denied,
        r'User "(?P<user>[^"]+)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)" '
        r'in API group "(?P<group>[^"]*)" at the cluster scope',
        'secrets is forbidden: User "system:serviceaccount:ns:lim" cannot list resource "secrets" in API '
        'group "" at the cluster scope',
        "user {user!r} may not {verb} {resource} at the cluster scope",
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

SPECIFIC = (*ADMISSION, *_SERVER)

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
        'forbidden: User "lim" cannot get path "/version"',
        "user {user!r} {why}",
        seen="source",
    ),
)

API_WORDS = (*SPECIFIC, *GENERAL)
