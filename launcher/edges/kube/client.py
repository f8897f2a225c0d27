"""The connection to the API server of a resolved kubeconfig. Returns JSON, raises our errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from kubernetes import client

from launcher.edges.kube.connection import Connection
from launcher.edges.kube.errors import TRANSPORT, translate
from launcher.edges.kubeconfig import ClientConfigLoader

__all__ = ["KubeClient"]

_CONNECT, _READ = 5.0, 30.0
_PAGE = 500
# Instead of "Invalid header value b'Bearer ...'": neither the text nor the error itself may be passed on.
_NOT_SENT = "the request or its answer is no HTTP, such as a token with a line end in it"


class KubeClient:
    """A connection pool to one API server, safe to share between threads.

    Args:
        kubeconfig: path; empty = KUBECONFIG, then ``~/.kube/config``, then in-cluster.
        context: context of the kubeconfig; empty = the current one.
        loader: resolves the cluster, shared with helm; None = one of ``kubeconfig`` and ``context``.

    Raises:
        InvalidInput: there is no usable configuration.
    """

    def __init__(
        self, kubeconfig: str = "", context: str = "", *, loader: ClientConfigLoader | None = None
    ) -> None:
        self._api = Connection(loader or ClientConfigLoader(kubeconfig, context))
        self.server: str = self._api.configuration.host
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
