"""API servers that record who asks them, and a proxy that demands a password."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VERSION = {"major": "1", "minor": "36", "gitVersion": "v1.36.0"}
PROXY_USER = "Basic " + base64.b64encode(b"user:pa55word").decode()


class _Server(ThreadingHTTPServer):
    """A server that is silent about clients which do not like its certificate."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing."""


@dataclass(frozen=True, order=True)
class Asked:
    """Who asked whom: server, Authorization, Impersonate headers, common name of the client certificate."""

    server: str
    authorization: str = ""
    impersonated: tuple[tuple[str, str], ...] = ()
    certificate: str = ""


class Authority:
    """A certificate authority with files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        ca = x509.BasicConstraints(ca=True, path_length=None)
        self._write("ca", self._signed(self._name, self._key, ca))

    def issue(self, name: str, *hosts: str) -> None:
        """Write ``name``.crt and ``name``.key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._write(name, self._signed(subject, key, x509.SubjectAlternativeName(names)), key)

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: Any) -> bytes:
        now = dt.datetime.now(dt.timezone.utc)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(extension, critical=False)
            .add_extension(identifier, critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)

    def _write(self, name: str, pem: bytes, key: ec.EllipticCurvePrivateKey | None = None) -> None:
        (self.folder / f"{name}.crt").write_bytes(pem)
        if key is not None:
            form, no = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            text = key.private_bytes(serialization.Encoding.PEM, form, no)
            (self.folder / f"{name}.key").write_bytes(text)


@dataclass
class Api:
    """An API server without objects.

    Attributes:
        name: of the server in what is recorded.
        port: where it listens.
        asked: the requests.
        refused: Authorization headers and common names that get a 401.
    """

    name: str
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_args: object) -> None:
            pass

        def do_GET(self) -> None:
            headers = [(name.title(), value) for name, value in self.headers.items()]
            peer = getattr(self.connection, "getpeercert", dict)() or {}
            names = [value for part in peer.get("subject", ()) for key, value in part if key == "commonName"]
            asked = Asked(
                api.name,
                self.headers.get("Authorization", ""),
                tuple(sorted(header for header in headers if header[0].startswith("Impersonate-"))),
                "".join(names),
            )
            api.asked.append(asked)
            refused = api.refused & {asked.authorization, asked.certificate}
            status, body = (401, {"kind": "Status", "code": 401}) if refused else (200, self._body())
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def _body(self) -> dict[str, Any]:
            if self.path.partition("?")[0].endswith("/version"):
                return VERSION
            return {
                "kind": "SecretList",
                "apiVersion": "v1",
                "metadata": {"resourceVersion": "1"},
                "items": [],
            }

    return Handler


@contextlib.contextmanager
def serving(name: str, authority: Authority | None) -> Iterator[Api]:
    """Serve an API; without an authority over plain HTTP."""
    api = Api(name)
    server = _Server(("127.0.0.1", 0), _handler(api))
    server.daemon_threads = True
    api.port = server.server_port
    if authority is not None:
        authority.issue(name, f"{name}.example.test")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.folder / "ca.crt"))
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_cert_chain(authority.folder / f"{name}.crt", authority.folder / f"{name}.key")
        # In the thread of the connection, so that a peer that says nothing blocks nobody else.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with _running(server):
        yield api


@contextlib.contextmanager
def proxying(upstreams: dict[str, int]) -> Iterator[tuple[int, list[str]]]:
    """Serve a proxy before ``upstreams`` (host name -> port); yield its port and what it was asked for."""
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args: object) -> None:
            pass

        def do_CONNECT(self) -> None:
            asked.append(self.path)
            host, _, port = self.path.rpartition(":")
            if self.headers.get("Proxy-Authorization") != PROXY_USER:
                self.send_response(407)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            with socket.create_connection(("127.0.0.1", upstreams.get(host, int(port)))) as upstream:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=_pump, args=(upstream, self.connection), daemon=True)
                back.start()
                _pump(self.connection, upstream)
                back.join()
            self.close_connection = True

    server = _Server(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    with _running(server):
        yield server.server_port, asked


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def _running(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
