"""A registry that misbehaves, each repository in its own way; the nodes ask it without TLS (scripts/cluster.d).

It listens where the nodes reach this machine: on its address in their network.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

__all__ = ["HOST", "PORT", "Registry", "mend", "own_address"]

# In every node /etc/containerd/certs.d/HOST/hosts.toml says http://ADDRESS:PORT.
HOST = "misbehaving.invalid"
PORT = int(os.environ.get("FLJOB_BADREGPORT", "5002"))

# Where good answers come from: the registry of the cluster.
LOCAL = os.environ.get("FLJOB_REGISTRY", "localhost:5001")

_OCI = "application/vnd.oci.image"


def own_address(node: str) -> str:
    """Return this machine's address in the network of a node's address; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((node, 1))
        return str(probe.getsockname()[0])


def _mark(name: str) -> Path:
    """Return the file that says that a name is mended: every worker of pytest has a server, and any may be asked."""
    return Path(tempfile.gettempdir()) / f"fljob-mended-{name}"


def mend(name: str) -> Callable[[], None]:
    """Let ``until-mended/STATUS/NAME/IMAGE`` be IMAGE of the cluster's registry from now on; return what undoes it."""
    mark = _mark(name)
    mark.touch()
    return partial(mark.unlink, missing_ok=True)


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


_CONFIG = json.dumps(
    {"architecture": "s390x", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}
).encode()
_MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}.manifest.v1+json",
        "config": {"mediaType": f"{_OCI}.config.v1+json", "digest": _digest(_CONFIG), "size": len(_CONFIG)},
        "layers": [],
    }
).encode()
_INDEX = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}.index.v1+json",
        "manifests": [
            {
                "mediaType": f"{_OCI}.manifest.v1+json",
                "digest": _digest(_MANIFEST),
                "size": len(_MANIFEST),
                "platform": {"architecture": "s390x", "os": "linux"},
            }
        ],
    }
).encode()


class _Answer(BaseHTTPRequestHandler):
    """``/v2/NAME/...``: what NAME says is what happens."""

    server: Registry
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = self.path.partition("?")[0].split("/")
        name = parts[2] if len(parts) > 2 else ""
        if self.path.startswith("/token"):
            self._say(401, b'{"errors": [{"code": "UNAUTHORIZED"}]}')
        elif name.isdigit():
            self._say(int(name), b"{}")
        elif name == "until-mended":
            self._until_mended(parts[3], parts[4], "/".join(parts[5:]))
        elif name == "reset":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif name == "slow":
            self.server.stopped.wait(60)
            self._say(503, b"")
        elif name == "garbage":
            self._say(200, b"this is no manifest", "text/html")
        elif name == "token-denied":
            realm = (
                f'Bearer realm="http://{self.headers["Host"]}/token",service="r",scope="repository:x:pull"'
            )
            self._say(401, b"{}", extra={"WWW-Authenticate": realm})
        elif "manifests" in parts and parts[-1] != _digest(_MANIFEST) and name == "platform":
            self._say(200, _INDEX, f"{_OCI}.index.v1+json")
        elif "manifests" in parts:
            self._say(200, _MANIFEST, f"{_OCI}.manifest.v1+json")
        elif name == "blob-500":
            self._say(500, b"{}")
        elif len(parts) > 2 and parts[-1] == _digest(_CONFIG):
            self._say(200, _CONFIG, f"{_OCI}.config.v1+json")
        else:
            self._say(404, b"{}")

    do_HEAD = do_GET  # noqa: N815 - http.server calls it by this name

    def _until_mended(self, status: str, name: str, rest: str) -> None:
        """Answer with a status until the name is mended, then with what the cluster's registry answers."""
        if not _mark(name).exists():
            self._say(int(status), b"{}")
            return
        url, accept = f"http://{LOCAL}/v2/{rest}", self.headers.get("Accept", "*/*")
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept})) as answer:
                self._say(answer.status, answer.read(), answer.headers["Content-Type"])
        except urllib.error.HTTPError as error:
            self._say(error.code, b"{}")

    def _say(
        self, status: int, body: bytes, kind: str = "application/json", extra: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Docker-Content-Digest": _digest(body),
        }
        for key, value in {**headers, **(extra or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing: the tests show what the kubelet says."""


class Registry(ThreadingHTTPServer):
    """The server, from creation to :meth:`stop`."""

    daemon_threads = True

    def __init__(self, address: str) -> None:
        self.stopped = threading.Event()
        super().__init__((address, PORT), _Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def server_bind(self) -> None:
        """Share the port: every worker of pytest has such a server, and they all say the same."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: who hangs up on a slow answer, hangs up."""

    def stop(self) -> None:
        """Answer what still waits, then close."""
        self.stopped.set()
        self.shutdown()
        self.server_close()
