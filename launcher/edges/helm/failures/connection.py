"""Failures to reach the API server and to authenticate: messages of client-go, not of the server."""

from __future__ import annotations

from launcher.edges.failure import row
from launcher.errors import Denied, InvalidInput, Reason, Unavailable

__all__ = ["CONNECTION"]

_UNREACHABLE = "cluster reachability check failed: kubernetes cluster unreachable: "
_GET = _UNREACHABLE + 'Get "https://10.0.0.1:6443/version": '

CONNECTION = (
    row(
        Reason.KUBECONFIG_MISSING,
        InvalidInput,
        r"https?://localhost:8080/",
        _UNREACHABLE
        + 'Get "http://localhost:8080/version": dial tcp 127.0.0.1:8080: connect: connection refused',
        "no such file, or no cluster in it",
        where="kubeconfig {kubeconfig}",
    ),
    row(
        Reason.KUBECONFIG_BAD,
        InvalidInput,
        r'error loading config file "(?P<file>[^"]+)": (?P<why>.*)',
        _UNREACHABLE + 'error loading config file "k.bad": yaml: line 1: did not find expected node content',
        "{why}",
        where="kubeconfig {file}",
    ),
    row(
        Reason.CONTEXT_MISSING,
        InvalidInput,
        r'context "(?P<context>[^"]+)" does not exist|not found for specified context: (?P<old>\S+)',
        _UNREACHABLE + 'context "nope" does not exist',
        "there is no context {context}{old}",
        where="kubeconfig {kubeconfig}",
    ),
    row(
        Reason.KUBECONFIG_INVALID,
        InvalidInput,
        r"invalid configuration: (?P<why>.*)",
        _UNREACHABLE + "invalid configuration: unable to read certificate-authority ca.crt for c due to open "
        "ca.crt: no such file or directory",
        "{why}",
        where="kubeconfig {kubeconfig}",
        seen="source",
    ),
    row(
        Reason.CREDENTIAL_PLUGIN,
        Denied,
        r"getting credentials: (?P<why>.*)",
        _GET + "getting credentials: exec: executable aws not found",
        "the credential program of kubeconfig {kubeconfig} failed: {why}",
        seen="source",
    ),
    # Before the rows of the API server itself, which is not what failed: dead, without a name, not trusted.
    row(
        Reason.PROXY,
        Unavailable,
        r"proxyconnect tcp: (?P<why>.{0,2000})",
        _GET + "proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused",
        "the proxy in front of the API server cannot be reached: {why}",
    ),
    # A proxy that refuses to connect: Go gives the words of its status and nothing else.
    row(
        Reason.PROXY,
        Unavailable,
        r'(?P<why>Proxy Authentication Required)|": (?P<words>Forbidden|Bad Gateway|Service Unavailable'
        r"|Gateway Timeout|Method Not Allowed|Not Found|Bad Request)$",
        _GET + "Proxy Authentication Required",
        "the proxy in front of the API server refuses: {why}{words}",
    ),
    row(
        Reason.UNAUTHENTICATED,
        Denied,
        r"the server has asked for the client to provide credentials|\bUnauthorized\b",
        _UNREACHABLE + "the server has asked for the client to provide credentials",
        "the API server does not accept {login}",
    ),
    row(
        Reason.UNAUTHENTICATED,
        Denied,
        r"remote error: tls: (?P<why>(?:bad|expired|revoked|unsupported|unknown) certificate(?: authority)?"
        r"|certificate required)",
        _GET + "remote error: tls: certificate required",
        "the API server does not accept {login}: {why}",
    ),
    row(
        Reason.TLS,
        Unavailable,
        r"x509: (?P<why>.*)",
        _GET + "tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "the API server's certificate is not accepted: {why}",
    ),
    row(
        Reason.CONNECTION_REFUSED,
        Unavailable,
        r"dial tcp (?P<address>\S+): connect: (?P<why>connection refused|no route to host"
        r"|network is unreachable)",
        _GET + "dial tcp 10.0.0.1:6443: connect: connection refused",
        "nothing answers at {address}: {why}",
    ),
    row(
        Reason.NO_SUCH_HOST,
        Unavailable,
        r"lookup (?P<host>\S+?)(?: on \S+)?: (?P<why>no such host|server misbehaving|.*temporary failure)",
        _UNREACHABLE + 'Get "https://no-such-host.invalid:6443/version": dial tcp: '
        "lookup no-such-host.invalid on 10.0.0.53:53: no such host",
        "the API server's name {host!r} cannot be resolved: {why}",
    ),
    row(
        Reason.NO_ANSWER,
        Unavailable,
        r"i/o timeout|handshake timeout|context deadline exceeded|Client\.Timeout|operation timed out",
        _GET + "dial tcp 10.0.0.1:6443: i/o timeout",
        "the API server does not answer in time: {text}",
        seen="source",
    ),
    row(
        Reason.CONNECTION_LOST,
        Unavailable,
        r"connection reset by peer|client connection lost|broken pipe|unexpected EOF|: EOF\b",
        _GET + "read tcp 127.0.0.1:47198->127.0.0.1:18999: read: connection reset by peer",
        "the connection to the API server broke: {text}",
    ),
    # HTTP/2's messages for a connection that a server or a load balancer closes.
    row(
        Reason.CONNECTION_LOST,
        Unavailable,
        r"stream error: stream ID \d+; \w+|server sent GOAWAY|client connection force closed"
        r"|server closed idle connection",
        'create: failed to create: Post "https://10.0.0.1:6443/api/v1/namespaces/ns/secrets": stream error: '
        "stream ID 7; INTERNAL_ERROR; received from peer",
        "the connection to the API server broke: {text}",
        seen="source",
    ),
    # Status 500 of a load balancer, or of an API server that sends no Status object.
    row(
        Reason.SERVER_ERROR,
        Unavailable,
        r"an error on the server \((?P<why>.{0,2000})\) has prevented the request from succeeding",
        "create: failed to create: an error on the server "
        '("Internal Server Error") has prevented the request from succeeding (post secrets)',
        "the API server has an error of its own: {why}",
        seen="source",
    ),
    # Any other failure to reach the cluster; the rows above are more precise.
    row(
        Reason.UNREACHABLE,
        Unavailable,
        r"cluster unreachable: (?P<why>.*)",
        _UNREACHABLE + "the server has gone away",
        "the cluster cannot be reached: {why}",
        seen="made up",
    ),
)
