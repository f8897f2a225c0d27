"""Failures to reach the cluster, to be somebody there, and to be allowed there."""

from __future__ import annotations

from launcher.edges.helm.failures.row import row
from launcher.errors import Denied, InvalidInput, NotFound, Rejected, Unavailable

__all__ = ["CLUSTER"]

_UNREACHABLE = "cluster reachability check failed: kubernetes cluster unreachable: "
_GET = _UNREACHABLE + 'Get "https://10.0.0.1:6443/version": '

CLUSTER = (
    row(
        "KubeconfigMissing",
        InvalidInput,
        r"https?://localhost:8080/",
        _UNREACHABLE
        + 'Get "http://localhost:8080/version": dial tcp 127.0.0.1:8080: connect: connection refused',
        "no such file, or no cluster in it",
        "set `--kubeconfig` or KUBECONFIG to an existing file",
        where="kubeconfig {kubeconfig}",
    ),
    row(
        "KubeconfigBad",
        InvalidInput,
        r'error loading config file "(?P<file>[^"]+)": (?P<why>.*)',
        _UNREACHABLE + 'error loading config file "k.bad": yaml: line 1: did not find expected node content',
        "{why}",
        "correct the file or name another one",
        where="kubeconfig {file}",
    ),
    row(
        "ContextMissing",
        InvalidInput,
        r'context "(?P<context>[^"]+)" does not exist|not found for specified context: (?P<old>\S+)',
        _UNREACHABLE + 'context "nope" does not exist',
        "there is no context {context}{old}",
        "kubectl config get-contexts shows what there is",
        where="kubeconfig {kubeconfig}",
    ),
    row(
        "KubeconfigInvalid",
        InvalidInput,
        r"invalid configuration: (?P<why>.*)",
        _UNREACHABLE + "invalid configuration: unable to read certificate-authority ca.crt for c due to open "
        "ca.crt: no such file or directory",
        "{why}",
        "correct the file or name another one",
        where="kubeconfig {kubeconfig}",
        seen="source",
    ),
    row(
        "CredentialPlugin",
        Denied,
        r"getting credentials: (?P<why>.*)",
        _GET + "getting credentials: exec: executable aws not found",
        "the credential program of kubeconfig {kubeconfig} failed: {why}",
        "install it or log in again, then try kubectl get --raw /version; name the variables it needs in "
        "`pass_env`, helm gets no others",
        seen="source",
    ),
    row(
        "Unauthenticated",
        Denied,
        r"the server has asked for the client to provide credentials|\bUnauthorized\b",
        _UNREACHABLE + "the server has asked for the client to provide credentials",
        "the API server does not accept the credentials of kubeconfig {kubeconfig}",
        "they may have expired: log in again; a credential program needs its variables named in `pass_env`",
    ),
    row(
        "Tls",
        Unavailable,
        r"x509: (?P<why>.*)",
        _GET + "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "the API server's certificate is not accepted: {why}",
        "correct server and certificate-authority in kubeconfig {kubeconfig}",
    ),
    row(
        "ConnectionRefused",
        Unavailable,
        r"dial tcp (?P<address>\S+): connect: (?P<why>connection refused|no route to host"
        r"|network is unreachable)",
        _GET + "dial tcp 10.0.0.1:6443: connect: connection refused",
        "nothing answers at {address}: {why}",
        "check that the cluster runs and that kubeconfig {kubeconfig} names its address",
    ),
    row(
        "NoSuchHost",
        Unavailable,
        r"lookup (?P<host>\S+?)(?: on \S+)?: (?P<why>no such host|server misbehaving|.*temporary failure)",
        _UNREACHABLE + 'Get "https://no-such-host.invalid:6443/version": dial tcp: '
        "lookup no-such-host.invalid on 10.0.0.53:53: no such host",
        "the API server's name {host!r} cannot be resolved: {why}",
        "correct the server in kubeconfig {kubeconfig}, or the name service",
    ),
    row(
        "NoAnswer",
        Unavailable,
        r"i/o timeout|handshake timeout|context deadline exceeded|Client\.Timeout|operation timed out",
        _GET + "dial tcp 10.0.0.1:6443: i/o timeout",
        "the API server does not answer in time: {text}",
        "check the network: kubectl get --raw /readyz",
        seen="source",
    ),
    row(
        "ConnectionLost",
        Unavailable,
        r"connection reset by peer|client connection lost|broken pipe|unexpected EOF|: EOF\b",
        _GET + "read tcp 127.0.0.1:47198->127.0.0.1:18999: read: connection reset by peer",
        "the connection to the API server broke: {text}",
        "try again; check the network: kubectl get --raw /readyz",
    ),
    # HTTP/2 has words of its own for a connection that a server or a load balancer ends.
    row(
        "ConnectionLost",
        Unavailable,
        r"stream error: stream ID \d+; \w+|server sent GOAWAY|client connection force closed"
        r"|server closed idle connection",
        'create: failed to create: Post "https://10.0.0.1:6443/api/v1/namespaces/ns/secrets": stream error: '
        "stream ID 7; INTERNAL_ERROR; received from peer",
        "the connection to the API server broke: {text}",
        "try again; check the network: kubectl get --raw /readyz",
        seen="source",
    ),
    row(
        "ServerBusy",
        Unavailable,
        r"etcdserver: (?!request is too large)|too many requests|currently unable to handle the request"
        r"|the server was unable to return a response|apiserver not ready|leader changed"
        r"|could not be completed at this time, please try again|request did not complete within",
        "query: failed to query with labels: etcdserver: leader changed",
        "the API server cannot answer now: {text}",
        "try again in a moment",
        seen="source",
    ),
    # An API server that has just started refuses, with 403, until its admission plugins know the cluster.
    row(
        "ServerBusy",
        Unavailable,
        r"is forbidden: (?:not yet ready to handle request"
        r"|unable to \S+ \S+ at this time because there was an error enforcing limit ranges)",
        'create: failed to create: secrets "sh.helm.release.v1.r1.v1" is forbidden: not yet ready to handle '
        "request",
        "the API server has just started: {text}",
        "try again in a moment",
        seen="Kubernetes 1.36.3 source",
    ),
    row(
        "NamespaceMissing",
        NotFound,
        r'namespaces "(?P<space>[^"]+)" not found',
        'create: failed to create: namespaces "nonesuch" not found',
        "there is no namespace {space!r}",
        "kubectl create namespace {space}",
    ),
    row(
        "NamespaceTerminating",
        Rejected,
        r"unable to create new content in namespace (?P<space>\S+) because it is being terminated",
        'create: failed to create: secrets "sh.helm.release.v1.r1.v1" is forbidden: unable to create new '
        "content in namespace h1t because it is being terminated",
        "namespace {space!r} is being deleted",
        "use another namespace, or wait until it is gone and create it again",
    ),
    row(
        "Forbidden",
        Denied,
        r'User "(?P<user>[^"]+)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)" '
        r'in API group "(?P<group>[^"]*)"',
        'list: failed to list: secrets is forbidden: User "system:serviceaccount:ns:lim" cannot list '
        'resource "secrets" in API group "" in the namespace "ns"',
        "user {user!r} may not {verb} {resource} in namespace {namespace!r}",
        "have a Role with that right bound to it; check: "
        "kubectl auth can-i {verb} {resource} --namespace {namespace} --as {user}",
    ),
    # Status 500, whatever it is about: the API server speaks of itself and not of the object. A webhook that
    # cannot be called and a quota that cannot be checked say so, too; their rows come first.
    row(
        "ServerError",
        Unavailable,
        r"Internal error occurred: (?P<why>.*)",
        "server-side apply failed for object ns/p1 /v1, Kind=Pod: Internal error occurred: an "
        "invariant does not hold",
        "the API server has an error of its own: {why}",
        "try again in a moment; then look at the API server's log",
        seen="made up",
    ),
    # The same when what answers is a load balancer, or an API server that sends no Status.
    row(
        "ServerError",
        Unavailable,
        r"an error on the server \((?P<why>.*)\) has prevented the request from succeeding",
        "create: failed to create: an error on the server "
        '("Internal Server Error") has prevented the request from succeeding (post secrets)',
        "the API server has an error of its own: {why}",
        "try again in a moment; then look at the API server's log",
        seen="source",
    ),
    # Any other reachability failure; the texts above say more.
    row(
        "Unreachable",
        Unavailable,
        r"cluster unreachable: (?P<why>.*)",
        _UNREACHABLE + "the server has gone away",
        "the cluster cannot be reached: {why}",
        "check kubeconfig {kubeconfig}: kubectl get --raw /version",
        seen="made up",
    ),
)
