"""The connection to the API server of a resolved kubeconfig. Returns JSON, raises our errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from launcher.core.measured import Instruments, NoInstruments
from launcher.edges.kube.api import Api
from launcher.edges.kube.connection import Connection
from launcher.edges.kube.errors import TRANSPORT, api_status, translate
from launcher.edges.kube.untyped import as_map, as_maps
from launcher.edges.kubeconfig import ClientConfigLoader

__all__ = ["KubeClient"]

# A busy API server lets a request queue for 15 s at most, a quarter of its own limit (priority and fairness).
# One that waits for longer is on a connection that is open and dead, and whoever asks again is answered.
_CONNECT, _READ = 5.0, 20.0
_PAGE = 500
# Instead of "Invalid header value b'Bearer ...'": neither the text nor the error itself may be passed on.
_NOT_SENT = "the request or its answer is no HTTP, such as a token with a line end in it"


class KubeClient:
    """A connection pool to one API server, safe to share between threads.

    Args:
        kubeconfig: path; empty = KUBECONFIG, then ``~/.kube/config``, then in-cluster.
        context: context of the kubeconfig; empty = the current one.
        loader: resolves the cluster, shared with helm; None = one of ``kubeconfig`` and ``context``.
        instruments: count requests and broken watches; None = nothing does.

    Raises:
        InvalidInput: there is no usable configuration.
    """

    _login: Callable[[], str] = staticmethod(str)

    def __init__(
        self,
        kubeconfig: str = "",
        context: str = "",
        *,
        loader: ClientConfigLoader | None = None,
        instruments: Instruments | None = None,
    ) -> None:
        loader = loader or ClientConfigLoader(kubeconfig, context)
        self.instruments = instruments or NoInstruments()
        self._connection = Connection(loader, self.instruments)
        self.core, self.kubeconfig = Api(self._connection.send), loader.source
        self._login = lambda: loader.login
        self.requests = 0
        self._server_time: tuple[datetime, float] | None = None

    def server_time(self) -> datetime | None:
        """Return the time of the API server by its last answer, to a second; None before the first."""
        if self._server_time is None:
            return None
        moment, at = self._server_time
        return moment + timedelta(seconds=time.monotonic() - at)

    @property
    def pool(self) -> object:
        """What holds the open connections now, for :meth:`broke`."""
        return self._connection.pool

    def broke(self, error: BaseException, pool: object) -> None:
        """Use no connection of a pool again after a request of it got no answer."""
        if not api_status(error):
            self._connection.forget(pool)

    def _learn_time(self, answer: Any) -> None:
        # 'Sun, 29 Nov 2026 00:45:51 GMT'
        try:
            moment = parsedate_to_datetime(str(answer.headers.get("Date") or "")).astimezone(timezone.utc)
        except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
            return
        self._server_time = (moment, time.monotonic())

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
        used = self.pool
        try:
            answer = method(*args, **kwargs)
            self._learn_time(answer)
            parsed = json.loads(answer.data)
        except TRANSPORT as error:
            self.broke(error, used)
            raise translate(error, action, self.kubeconfig, self._login()) from error
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            raise translate(OSError("the answer is not JSON"), action, self.kubeconfig) from None
        except ValueError:
            raise translate(OSError(_NOT_SENT), action, self.kubeconfig) from None
        return as_map(parsed)

    def list_all(
        self,
        action: str,
        method: Callable[..., Any],
        namespace: str,
        *,
        keep: Callable[[Mapping[str, Any]], bool] | None = None,
        **selector: str,
    ) -> tuple[list[Mapping[str, Any]], str]:
        """Return all objects of a list, page by page, and the resource version to watch from.

        Args:
            action: as for :meth:`call`.
            method: a method of ``core`` that lists.
            namespace: of the objects.
            keep: which of them are wanted; the others are dropped with their page.
            selector: what the API server selects.

        Raises:
            LauncherError: see ``errors.translate``.
        """
        items: list[Mapping[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            answer = self.call(action, method, namespace, limit=_PAGE, **selector, **more)
            items += (item for item in as_maps(answer.get("items")) if keep is None or keep(item))
            metadata = as_map(answer.get("metadata"))
            token = str(metadata.get("continue") or "")
            if not token:
                return items, str(metadata.get("resourceVersion") or "")
            if token == more.get("_continue"):
                raise translate(OSError("the answer is the same page of the list again"), action)
            more = {"_continue": token}

    def stream(self, action: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Send one request and return its response with the body unread; the caller closes it."""
        self.requests += 1
        used = self.pool
        try:
            answer = method(*args, **kwargs)
        except TRANSPORT as error:
            self.broke(error, used)
            raise translate(error, action, self.kubeconfig, self._login()) from error
        except ValueError:
            raise translate(OSError(_NOT_SENT), action, self.kubeconfig) from None
        self._learn_time(answer)
        return answer
