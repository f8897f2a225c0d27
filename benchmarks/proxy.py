"""A TCP proxy before the API server that can be cut, frozen or fall silent."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import yaml

__all__ = ["Proxy", "through"]


class Proxy:
    """Passes bytes between its port and the API server until it is told to keep or swallow them."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.silent = threading.Event()
        self.refusing = threading.Event()
        self._flows = threading.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._doomed: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def fall_silent(self) -> None:
        """Swallow everything, on old connections and new ones, without closing any."""
        self.silent.set()
        self._doomed.update(self._open)

    def freeze(self) -> None:
        """Keep everything back, as a server that is stopped does; it goes on when the proxy recovers."""
        self._flows.clear()

    def refuse(self) -> None:
        """Close every connection at once, as a server that is not there."""
        self.refusing.set()
        self.cut()

    def recover(self) -> None:
        """Pass everything again; connections that fell silent stay so for ever."""
        self.silent.clear()
        self.refusing.clear()
        self._flows.set()

    def cut(self) -> None:
        """Break all connections, as a restart does."""
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the proxy."""
        self._listener.close()
        self._flows.set()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.refusing.is_set():
                near.close()
                continue
            if self.silent.is_set():
                self._open.append(near)  # accepted by the kernel, answered by nobody
                continue
            try:
                far = socket.create_connection(self.target)
            except OSError:  # the API server restarts
                near.close()
                continue
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                if source in self._doomed:
                    continue
                sink.sendall(data)
        for one in (source, sink):
            if one not in self._doomed:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


def through(kubeconfig: str, folder: Path) -> tuple[Proxy, str]:
    """Return a proxy before the API server of a kubeconfig, and a kubeconfig that goes through it."""
    config = yaml.safe_load(Path(kubeconfig).read_text())
    cluster = config["clusters"][0]["cluster"]
    address = urlsplit(cluster["server"])
    proxy = Proxy(address.hostname or "", address.port or 443)
    cluster["server"] = f"https://127.0.0.1:{proxy.port}"
    cluster["tls-server-name"] = address.hostname
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return proxy, str(path)
