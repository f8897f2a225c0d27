"""The connection to the API server: kubeconfig, context or in-cluster. Returns JSON, raises our errors."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import urllib3
import yaml
from kubernetes import client, config
from kubernetes.config.config_exception import ConfigException
from urllib3.connection import HTTPConnection

from launcher.core.redaction import by_shape
from launcher.edges.disk.documents import is_file
from launcher.edges.kube.errors import TRANSPORT, translate
from launcher.errors import InvalidInput

__all__ = ["KubeClient"]

_CONNECT, _READ = 5.0, 30.0
_PAGE = 500
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
# Instead of "Invalid header value b'Bearer ...'": neither the text nor the error itself may be passed on.
_NOT_SENT = "the request or its answer is no HTTP, such as a token with a line end in it"
_IN_CLUSTER = "KUBERNETES_SERVICE_HOST"


class KubeClient:
    """A connection pool to one API server, safe to share between threads.

    Args:
        kubeconfig: path; empty = KUBECONFIG, then ``~/.kube/config``, then in-cluster.
        context: context of the kubeconfig; empty = the current one.

    Raises:
        InvalidInput: there is no usable configuration.
    """

    def __init__(self, kubeconfig: str = "", context: str = "") -> None:
        configuration = client.Configuration()
        _load(configuration, kubeconfig, context)
        configuration.socket_options = [*HTTPConnection.default_socket_options, *_KEEPALIVE]
        # One thread per watched namespace holds a connection; handles and the CLI share the rest.
        configuration.connection_pool_maxsize = 32
        configuration.retries = False
        if not configuration.verify_ssl:
            # The operator chose insecure-skip-tls-verify; a warning at every request adds nothing.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self.server: str = configuration.host
        self._api = client.ApiClient(configuration)
        self._api.user_agent = "fljob"
        self.core = client.CoreV1Api(self._api)
        self.requests = 0

    def call(self, action: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Send one request and return the JSON answer.

        Args:
            action: for the error "cannot ACTION: ...", such as "get pod fl/p1".
            method: a method of ``core``.
            args: its arguments.
            kwargs: its keyword arguments.

        Raises:
            LauncherError: see ``errors.translate``.
        """
        self.requests += 1
        kwargs.setdefault("_request_timeout", (_CONNECT, _READ))
        try:
            answer = method(*args, _preload_content=False, **kwargs)
            parsed = json.loads(answer.data)
        except TRANSPORT as error:
            raise translate(error, action) from error
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            raise translate(OSError("the answer is not JSON"), action) from None
        except ValueError:
            raise translate(OSError(_NOT_SENT), action) from None
        return parsed if isinstance(parsed, Mapping) else {}

    def list_all(
        self, action: str, method: Callable[..., Any], namespace: str, **selector: str
    ) -> tuple[list[Mapping[str, Any]], str]:
        """Return all objects of a list, page by page, and the resource version to watch from.

        Raises:
            LauncherError: see ``errors.translate``.
        """
        items: list[Mapping[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            answer = self.call(action, method, namespace, limit=_PAGE, **selector, **more)
            found, metadata = answer.get("items"), answer.get("metadata")
            items += (
                item for item in (found if isinstance(found, list) else ()) if isinstance(item, Mapping)
            )
            metadata = metadata if isinstance(metadata, Mapping) else {}
            if not metadata.get("continue"):
                return items, str(metadata.get("resourceVersion") or "")
            more = {"_continue": metadata["continue"]}

    def stream(self, action: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Send one request and return its response with the body unread; the caller closes it."""
        self.requests += 1
        try:
            return method(*args, _preload_content=False, **kwargs)
        except TRANSPORT as error:
            raise translate(error, action) from error
        except ValueError:
            raise translate(OSError(_NOT_SENT), action) from None


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~nosuch: the Kubernetes client fails on it, too
        return Path(text)


def _load(configuration: client.Configuration, kubeconfig: str, context: str) -> None:
    named = kubeconfig or os.environ.get("KUBECONFIG", "")
    path = _path(named or "~/.kube/config")
    if not named and not path.exists() and _IN_CLUSTER in os.environ:
        try:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        except ConfigException as error:
            raise InvalidInput(
                f"the in-cluster configuration is incomplete: {error}", cure="mount a service account token"
            ) from error
        return
    if os.pathsep not in named and not is_file(path):
        raise InvalidInput(
            f"there is no kubeconfig at {path}",
            where="kubeconfig",
            cure="set --kubeconfig, KUBECONFIG or kubeconfig in fljob.yaml",
        )
    try:
        config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=named or None,
            context=context or None,
            client_configuration=configuration,
            persist_config=False,
        )
    except (
        ConfigException,
        yaml.YAMLError,
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        OSError,
    ) as error:
        raise _unusable(error, str(named or path), context) from error


def _unusable(error: Exception, path: str, context: str) -> InvalidInput:
    shown = by_shape(" ".join(str(error).split()))[:200]
    if isinstance(error, (TypeError, AttributeError)):  # "'str' object does not support item assignment"
        shown = "it is no kubeconfig"
    with_context = f" with context {context!r}" if context else ""
    return InvalidInput(
        f"{path} cannot be used{with_context}: {shown}",
        where="kubeconfig",
        cure="look at it with `kubectl config view` and `kubectl config get-contexts`",
    )
