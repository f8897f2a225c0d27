"""An admission webhook that refuses everything, on this machine's address in the network of the nodes."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import json
import ssl
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["Webhook"]

_DAY = dt.timedelta(days=1)


def _certificate(address: str) -> tuple[bytes, bytes]:
    """Return a certificate for an address, signed by itself, and its key; both as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "webhook")])
    now = dt.datetime.now(dt.timezone.utc)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - _DAY).not_valid_after(now + _DAY)
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return signed.public_bytes(serialization.Encoding.PEM), secret


class _Answer(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = {"message": self.server.why, "code": 403}
        answer = {"uid": review["request"]["uid"], "allowed": False, "status": status}
        body = json.dumps({**review, "request": None, "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing: the tests show what the API server says."""


class Webhook(ThreadingHTTPServer):
    """The server, from creation to :meth:`stop`.

    Attributes:
        why: what it says when it refuses.
        client_config: what a ValidatingWebhookConfiguration needs to call it, as YAML.
    """

    daemon_threads = True

    def __init__(self, address: str, why: str) -> None:
        super().__init__((address, 0), _Answer)
        self.why = why
        certificate, key = _certificate(address)
        bundle = base64.b64encode(certificate).decode()
        url = f"https://{address}:{self.server_address[1]}/"
        self.client_config = f'{{url: "{url}", caBundle: {bundle}}}'
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as file:
            file.write(certificate + key)
            file.flush()
            context.load_cert_chain(file.name)
        # The handshake is the handler's: who connects and says nothing holds up nobody else.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: who hangs up, hangs up."""

    def stop(self) -> None:
        """End it."""
        self.shutdown()
        self.server_close()
