"""Serving metrics over HTTP, read only, by threads of its own.

A port that is taken costs no job anything: it is said once, and tried again while the process lasts.
"""

from __future__ import annotations

import socket
import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from launcher.logs import logger

__all__ = ["MetricsServer"]

_LOG = logger(__name__)
_AGAIN = 30
# Whoever asks and says nothing is hung up on; more at once than that are turned away.
_SILENCE, _AT_ONCE = 10.0, 8


class MetricsServer:
    """One port of this machine; the thread that serves it ends with the process, or by :meth:`stop`.

    Args:
        registry: what is served.
        address: of this machine.
        port: of TCP.
        again: seconds after which a port that could not be had is tried again.
    """

    def __init__(
        self, registry: CollectorRegistry, address: str, port: int, *, again: float = _AGAIN
    ) -> None:
        self.where = (address, port)
        self._app = make_wsgi_app(registry)
        self._again = again
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._server: WSGIServer | None = None
        self._thread = threading.Thread(target=self._run, name="fljob-metrics", daemon=True)

    def start(self) -> None:
        """Begin to serve, or to try."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port; returns when it is closed."""
        with self._lock:
            self._over.set()
            server = self._server
        if server is not None:
            server.shutdown()
        self._thread.join()

    def _run(self) -> None:
        address, port = self.where
        has_warned = False
        while not self._over.is_set():
            try:
                server = _bound(address, port, self._app)
            except OSError as error:
                if not has_warned:
                    words = "no metrics at %s port %d, trying again every %s s, jobs run all the same: %s"
                    _LOG.warning(words, address, port, self._again, error.strerror or error)
                has_warned = True
                self._over.wait(self._again)
                continue
            _LOG.info("metrics at http://%s:%d/metrics", f"[{address}]" if ":" in address else address, port)
            with server:
                self._serve(server)

    def _serve(self, server: WSGIServer) -> None:
        with self._lock:  # whoever stops what is here waits until it has served
            if self._over.is_set():
                return
            self._server = server
        server.serve_forever()


def _bound(address: str, port: int, app: Any) -> WSGIServer:
    """Return a server that listens; raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = type("_Family", (_Server,), {"address_family": family})
    return make_server(address, port, app, kind, _Handler)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, *args: Any) -> None:
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        super().__init__(*args)

    def server_bind(self) -> None:
        """Bind without looking the name of the machine up, which may take long: nobody reads it."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Tell whether another one may be answered beside those that are."""
        del request, client_address
        return self._free.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up or fell silent."""
        del request
        _LOG.debug("metrics: %s hung up or fell silent", client_address, exc_info=True)


class _Handler(WSGIRequestHandler):
    timeout = _SILENCE

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Log no requests."""
