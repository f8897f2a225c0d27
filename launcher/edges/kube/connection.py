"""The Kubernetes client with the credentials, proxies and impersonation of kubectl.

The client's own loader knows one kubeconfig by other rules than kubectl, keeps a line end in a token, logs in
anonymously when a credential program fails, never reads a certificate again and impersonates nobody.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3 import HTTPHeaderDict
from urllib3.connection import HTTPConnection

from launcher.core.measured import ApiResult, ApiVerb, Instruments
from launcher.edges.kube.credentials import Credentials, impersonation, proxy_headers
from launcher.edges.kube.library import ApiException, Configuration, RESTClientObject
from launcher.edges.kube.pem import Pem
from launcher.edges.kubeconfig import ClientConfig, ClientConfigLoader
from launcher.edges.kubeconfig.child_env import child_env

__all__ = ["Connection"]

# A connection whose peer vanished without FIN or RST is found dead after seven seconds.
_KEEPALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (
            ("TCP_KEEPIDLE", 3),
            ("TCP_KEEPINTVL", 2),
            ("TCP_KEEPCNT", 2),
            ("TCP_USER_TIMEOUT", 7000),
        )
        if hasattr(socket, name)
    ),
]
_UNAUTHORIZED = 401
_ACCEPTED = range(200, 300)
_ALWAYS = {"Accept": "application/json", "User-Agent": "fljob"}


class Connection:
    """Sends requests with credentials that are loaded again when they change or are refused.

    Args:
        loader: resolves cluster and user.
        instruments: count the requests.

    Raises:
        InvalidInput: there is no usable configuration.
    """

    def __init__(self, loader: ClientConfigLoader, instruments: Instruments) -> None:
        self._loader, self._instruments = loader, instruments
        self._renewing = threading.Lock()
        current = loader.current()
        self._credentials = self._credentials_of(current)
        static = {name: value for name, value in current.user.items() if name.startswith("client-")}
        self._certificate: Mapping[str, str] = static if current.secure else {}
        self._generation = 0
        self._pool = _Pool(current, self._certificate)

    def send(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "",
        timeout: float | tuple[float, float] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """Send one request, after a 401 once more with new credentials; return its answer, unread.

        Args:
            method: of HTTP.
            target: path and query.
            body: becomes JSON; None = no body.
            content_type: of the body.
            accept: of the answer; empty = JSON.
            timeout: seconds in all, or to connect and to read.

        Raises:
            ApiException: the API server refused.
            Denied: there are no credentials.
        """
        for attempt in (1, 2):
            generation, headers = self._headers(content_type, accept)
            answer = self._counted(method, target, headers, body, timeout)
            if attempt == 2 or answer.status != _UNAUTHORIZED:  # noqa: PLR2004
                break
            answer.drain_conn()
            self._renew(generation)
        if answer.status in _ACCEPTED:
            return answer
        error = ApiException(status=answer.status, reason=answer.reason)
        error.body, error.headers = answer.data.decode("utf-8", "replace"), answer.headers
        raise error

    def _counted(self, method: str, target: str, *more: Any) -> urllib3.BaseHTTPResponse:
        status = None
        try:
            answer = self._pool.request(method, target, *more)
            status = answer.status
            return answer
        finally:
            self._instruments.api_asked(ApiVerb.of(method, target), ApiResult.of(status))

    @property
    def pool(self) -> object:
        """What holds the open connections now, for :meth:`forget`."""
        return self._pool

    def forget(self, pool: object) -> None:
        """Use none of a pool's connections again: one of them broke or fell silent, as the others will.

        A server that was away behind a load balancer, or a router that forgot them, leaves them open and
        dead: a request on one of them would wait for its whole time. Requests under way keep theirs.
        """
        with self._renewing:
            if self._pool is pool:
                self._pool = _Pool(self._credentials.config, self._certificate)

    def _headers(self, content_type: str, accept: str) -> tuple[int, HTTPHeaderDict]:
        with self._renewing:
            current = self._loader.current()
            if current is not self._credentials.config:
                self._credentials = self._credentials_of(current)
                self._connect()
            authorization = self._credentials.authorization()
            if self._credentials.certificate() != self._certificate:
                self._connect()
            generation = self._generation
        headers = HTTPHeaderDict(_ALWAYS | {"Content-Type": content_type})
        if accept:
            headers["Accept"] = accept
        if authorization:
            headers["Authorization"] = authorization
        for name, value in impersonation(current.user):
            headers.add(name, value)
        return generation, headers

    def _renew(self, generation: int) -> None:
        """Forget the credentials of ``generation``, unless another thread has done so."""
        with self._renewing:
            if generation == self._generation:
                self._credentials = self._credentials_of(self._loader.current())
                self._connect()

    def _connect(self) -> None:
        """Make a new pool, which reads the certificate files again; requests under way keep theirs."""
        self._certificate = self._credentials.certificate()
        self._pool = _Pool(self._credentials.config, self._certificate)
        self._generation += 1

    def _credentials_of(self, current: ClientConfig) -> Credentials:
        return Credentials(current, child_env(self._loader.environ, self._loader.pass_env))


class _Pool:
    """The connections to one server with one certificate."""

    def __init__(self, current: ClientConfig, certificate: Mapping[str, str]) -> None:
        self._host = current.server.rstrip("/")
        self._pem = Pem(current, certificate)
        self._rest = RESTClientObject(_configuration(current, self._pem))

    def request(
        self, method: str, target: str, headers: HTTPHeaderDict, body: Any, timeout: Any
    ) -> urllib3.BaseHTTPResponse:
        answer: urllib3.BaseHTTPResponse = self._rest.request(  # type: ignore[no-untyped-call]
            method, self._host + target, headers=headers, body=body, _request_timeout=timeout
        ).response
        return answer


def _configuration(current: ClientConfig, pem: Pem) -> Configuration:
    configuration = Configuration()
    configuration.host = current.server.rstrip("/")
    configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file = pem.paths
    configuration.verify_ssl = not current.cluster.get("insecure-skip-tls-verify")
    _set_proxy(configuration, current.proxy)
    if current.secure:
        configuration.tls_server_name = current.cluster.get("tls-server-name")
    configuration.socket_options = [*HTTPConnection.default_socket_options, *_KEEPALIVE]
    # One thread per watched namespace holds a connection; handles and the CLI share the rest.
    configuration.connection_pool_maxsize = 32
    configuration.retries = False
    if not configuration.verify_ssl:
        # The operator chose insecure-skip-tls-verify; a warning at every request adds nothing.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return configuration


def _set_proxy(configuration: Configuration, proxy: str) -> None:
    """Set the proxy that was resolved, or none: the client would ask the environment by its own rules."""
    configuration.proxy, configuration.no_proxy = None, ""
    if not proxy:
        return
    url = urlsplit(proxy)
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    configuration.proxy = f"{url.scheme}://{host}" + (f":{url.port}" if url.port else "")
    if url.username is not None:
        configuration.proxy_headers = proxy_headers(unquote(url.username), unquote(url.password or ""))
