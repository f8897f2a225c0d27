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
from kubernetes import client, config
from kubernetes.client.rest import RESTClientObject
from kubernetes.config.config_exception import ConfigException
from urllib3 import HTTPHeaderDict
from urllib3.connection import HTTPConnection

from launcher.edges.kube.credentials import Credentials, impersonation, proxy_headers
from launcher.edges.kubeconfig import ClientConfig, ClientConfigLoader
from launcher.edges.kubeconfig.child_env import child_env
from launcher.errors import InvalidInput, Reason

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


class Connection(client.ApiClient):
    """An ``ApiClient`` whose credentials are loaded again when they change or are refused.

    Args:
        loader: resolves cluster and user.

    Raises:
        InvalidInput: there is no usable configuration.
    """

    def __init__(self, loader: ClientConfigLoader) -> None:
        self._loader = loader
        self._renewing = threading.Lock()
        current = loader.current()
        self._credentials = self._credentials_of(current)
        self._certificate: Mapping[str, str] = {}
        self._generation = 0
        static = {name: value for name, value in current.user.items() if name.startswith("client-")}
        super().__init__(_configuration(current, static if current.secure else {}))
        self._certificate = static if current.secure else {}
        self.user_agent = "fljob"

    def call_api(
        self,
        method: str,
        url: str,
        header_params: Mapping[str, str] | None = None,
        body: Any = None,
        post_params: Any = None,
        _request_timeout: Any = None,
    ) -> Any:
        """Send one request; after a 401 once more with new credentials.

        Raises:
            Denied: there are no credentials.
        """
        for attempt in (1, 2):
            generation, headers = self._headers(header_params or {})
            answer = super().call_api(method, url, headers, body, post_params, _request_timeout)
            if attempt == 2 or answer.status != _UNAUTHORIZED:  # noqa: PLR2004
                break
            answer.response.drain_conn()
            self._renew(generation)
        return answer

    def _headers(self, given: Mapping[str, str]) -> tuple[int, Any]:
        with self._renewing:
            current = self._loader.current()
            if current is not self._credentials.config:
                self._credentials = self._credentials_of(current)
                self._connect()
            authorization = self._credentials.authorization()
            if self._credentials.certificate() != self._certificate:
                self._connect()
            generation = self._generation
        headers = HTTPHeaderDict(given)
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
        self.configuration = _configuration(self._credentials.config, self._certificate)
        self.rest_client = RESTClientObject(self.configuration)
        self._generation += 1

    def _credentials_of(self, current: ClientConfig) -> Credentials:
        return Credentials(current, child_env(self._loader.environ, self._loader.pass_env))


def _configuration(current: ClientConfig, certificate: Mapping[str, str]) -> client.Configuration:
    configuration = client.Configuration()
    document = current.document()
    document["users"][0]["user"] = dict(certificate)
    for name in ("proxy-url", "tls-server-name"):
        document["clusters"][0]["cluster"].pop(name, None)
    try:
        config.load_kube_config_from_dict(  # type: ignore[no-untyped-call]
            document, client_configuration=configuration
        )
    except (ConfigException, KeyError, TypeError, AttributeError, ValueError, OSError) as error:
        raise InvalidInput(
            f"{current.source} cannot be used: {' '.join(str(error).split())[:200]}",
            where="kubeconfig",
            cure="look at it with `kubectl config view` and `kubectl config get-contexts`",
            reason=Reason.KUBECONFIG_INVALID,
        ) from error
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


def _set_proxy(configuration: client.Configuration, proxy: str) -> None:
    """Set the proxy that was resolved, or none: the client would ask the environment by its own rules."""
    configuration.proxy, configuration.no_proxy = None, ""
    if not proxy:
        return
    url = urlsplit(proxy)
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    configuration.proxy = f"{url.scheme}://{host}" + (f":{url.port}" if url.port else "")
    if url.username is not None:
        configuration.proxy_headers = proxy_headers(unquote(url.username), unquote(url.password or ""))
