"""A real registry as a process of the test, and what stands in it; and one in between that sends other bytes."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Registry", "changed", "serve"]

CHART_CONFIG = "application/vnd.cncf.helm.config.v1+json"
CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Registry:
    """A registry on the loopback interface; what it holds stays while it is stopped."""

    folder: Path
    port: int
    htpasswd: str = ""
    certificate: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        if shutil.which("registry") is None:
            pytest.fail(
                'registry is not on PATH: `scripts/test contract`, or `eval "$(scripts/tools registry)"`'
            )
        config: dict[str, Any] = {
            "version": "0.1",
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "data")}},
            "http": {"addr": self.host, "secret": "of-the-test"},
        }
        if self.certificate:
            key = self.certificate.with_suffix(".key")
            config["http"]["tls"] = {"certificate": str(self.certificate), "key": str(key)}
        if self.htpasswd:
            (self.folder / "htpasswd").write_text(self.htpasswd)
            config["auth"] = {"htpasswd": {"realm": "x", "path": str(self.folder / "htpasswd")}}
        (self.folder / "config.yml").write_text(json.dumps(config))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["registry", "serve", str(self.folder / "config.yml")],
                stdout=log,
                stderr=log,
                env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
            )
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        pytest.fail(f"the registry did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def put(
        self, repository: str, tag: str, layers: Mapping[bytes, str], config_type: str, config: Any
    ) -> str:
        """Put a manifest there, as no helm would write it, and return its digest."""
        of_config = self._blob(repository, json.dumps(config).encode(), config_type)
        of_layers = [self._blob(repository, content, kind) for content, kind in layers.items()]
        manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": of_config, "layers": of_layers}
        return self.put_manifest(repository, tag, json.dumps(manifest).encode(), _MANIFEST)

    def put_manifest(self, repository: str, tag: str, body: bytes, kind: str) -> str:
        """Put a manifest or an index there, and return its digest."""
        self._ask(f"{repository}/manifests/{tag}", "PUT", body, kind)
        return f"sha256:{hashlib.sha256(body).hexdigest()}"

    def get(self, repository: str, digest: str) -> bytes:
        """Return the bytes of a manifest."""
        request = urllib.request.Request(f"http://{self.host}/v2/{repository}/manifests/{digest}")
        request.add_header("Accept", _MANIFEST)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bytes(answer.read())

    def copy(self, repository: str, tag: str, to: str) -> None:
        """Give what a tag names a second one."""
        request = urllib.request.Request(f"http://{self.host}/v2/{repository}/manifests/{tag}")
        request.add_header("Accept", "application/vnd.oci.image.index.v1+json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            self._ask(f"{repository}/manifests/{to}", "PUT", answer.read(), answer.headers["Content-Type"])

    def _blob(self, repository: str, content: bytes, kind: str) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        place = self._ask(f"{repository}/blobs/uploads/", "POST", b"").headers["Location"]
        between = "&" if "?" in place else "?"
        request = urllib.request.Request(f"{place}{between}digest={digest}", content, method="PUT")
        request.add_header("Content-Type", "application/octet-stream")
        urllib.request.urlopen(request, timeout=10)
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    def _ask(self, path: str, method: str, body: bytes, kind: str = "") -> Any:
        request = urllib.request.Request(f"http://{self.host}/v2/{path}", body, method=method)
        if kind:
            request.add_header("Content-Type", kind)
        return urllib.request.urlopen(request, timeout=10)


@contextlib.contextmanager
def serve(folder: Path, htpasswd: str = "", certificate: Path | None = None) -> Iterator[Registry]:
    folder.mkdir(parents=True, exist_ok=True)
    registry = Registry(folder, free_port(), htpasswd, certificate)
    registry.start()
    try:
        yield registry
    finally:
        registry.stop()


@contextlib.contextmanager
def changed(registry: Registry, part: str) -> Iterator[str]:
    """Yield the host of a registry that sends one bit otherwise in each answer whose path has ``part``."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            request = urllib.request.Request(f"http://{registry.host}{self.path}", method=self.command)
            request.add_header("Accept", self.headers.get("Accept", ""))
            try:
                answer = urllib.request.urlopen(request, timeout=10)
            except urllib.error.HTTPError as error:
                answer = error
            body = answer.read()
            if part in self.path and body:
                body = body[:-1] + bytes([body[-1] ^ 1])
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in {"connection", "transfer-encoding"}:
                    self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # helm has seen enough
                self.wfile.write(b"" if self.command == "HEAD" else body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *args: object) -> None:
            """Write nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
