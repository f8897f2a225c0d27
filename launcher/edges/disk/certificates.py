"""The certificates of a startup kit; the only importer of cryptography, which FLARE brings with it."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from launcher.core.flare.certificates import NAMES, Certificate
from launcher.edges.disk.documents import is_file
from launcher.errors import InvalidInput, ToolMissing

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["kit_certificates", "organization", "read_certificate"]

# Bytes; a certificate has two thousand.
_LARGEST = 256 * 1024
_ROOT = "rootCA.pem"
_AGAIN = "take it from the kit that was provisioned, or provision the project again"


def kit_certificates(startup: Path) -> list[str]:
    """Return the names of a kit's certificates, without their ending; empty for a kit without any."""
    return [
        name for name in NAMES if any(os.path.lexists(startup / f"{name}.{end}") for end in ("crt", "key"))
    ]


def read_certificate(startup: Path, name: str) -> Certificate:
    """Return a certificate of a kit, compared with the key and the authority beside it.

    Args:
        startup: folder of the startup kit.
        name: its file, without the ending.

    Raises:
        InvalidInput: a file cannot be read, or is not what its name says.
        ToolMissing: there is no `cryptography` here.
    """
    _require_cryptography()
    certificate = _certificate(startup / f"{name}.crt")
    root = _certificate(startup / _ROOT)
    client, server = _usages(certificate, startup / f"{name}.crt")
    return Certificate(
        name=f"{name}.crt",
        begins=_utc(certificate, "not_valid_before"),
        ends=_utc(certificate, "not_valid_after"),
        client=client,
        server=server,
        signs=_may_sign(certificate),
        has_key=_has_key(certificate, startup / f"{name}.key"),
        has_root=_is_signed(certificate, root),
        root_ends=_utc(root, "not_valid_after"),
    )


def organization(startup: Path, name: str) -> str:
    """Return the organization of a kit's certificate; raises as :func:`read_certificate`."""
    _require_cryptography()
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    path = startup / f"{name}.crt"
    found = _certificate(path).subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    if not found:
        raise InvalidInput("names no organization", where=str(path), cure=_AGAIN)
    return str(found[0].value)


def _require_cryptography() -> None:
    try:
        import cryptography  # noqa: F401, PLC0415 - hardly any command needs it
    except ImportError as error:
        cure = "`pip install cryptography`; an environment with nvflare has it"
        raise ToolMissing("cannot be read without the Python package cryptography", cure=cure) from error


def _read(path: Path) -> bytes:
    try:
        if not is_file(path):
            raise InvalidInput("there is no such file", where=str(path), cure=_AGAIN)
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        cure = "make it readable for this user"
        raise InvalidInput(
            f"cannot be read: {error.strerror or error}", where=str(path), cure=cure
        ) from error


def _certificate(path: Path) -> x509.Certificate:
    from cryptography import x509  # noqa: PLC0415

    data = _read(path)
    try:
        found = x509.load_pem_x509_certificate(data)
        # It parses what is inside when it is asked for; what cannot be parsed is told here.
        _ = (found.subject, found.issuer, found.extensions, found.public_key())
    except Exception as error:  # whatever it raises: ValueError, UnsupportedAlgorithm, errors of its own
        raise InvalidInput("is not a certificate in PEM form", where=str(path), cure=_AGAIN) from error
    return found


def _utc(certificate: x509.Certificate, name: str) -> datetime:
    aware = getattr(certificate, f"{name}_utc", None)  # since cryptography 42
    if isinstance(aware, datetime):
        return aware
    naive: datetime = getattr(certificate, name)
    return naive.replace(tzinfo=timezone.utc)


def _usages(certificate: x509.Certificate, path: Path) -> tuple[bool, bool]:
    """Return whether a certificate is good for a client, and for a server."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID as Usage  # noqa: PLC0415

    try:
        usages = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return True, True
    except ValueError as error:
        raise InvalidInput("is not a certificate in PEM form", where=str(path), cure=_AGAIN) from error
    any_usage = Usage.ANY_EXTENDED_KEY_USAGE in usages
    return any_usage or Usage.CLIENT_AUTH in usages, any_usage or Usage.SERVER_AUTH in usages


def _may_sign(certificate: x509.Certificate) -> bool:
    from cryptography import x509  # noqa: PLC0415

    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return usage.digital_signature


def _has_key(certificate: x509.Certificate, path: Path) -> bool:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    data = _read(path)
    try:
        key = serialization.load_pem_private_key(data, password=None)
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return key.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)
    except Exception as error:  # as above; TypeError for a key with a password
        raise InvalidInput("is not a private key in PEM form", where=str(path), cure=_AGAIN) from error


def _is_signed(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    except Exception:  # noqa: BLE001 - InvalidSignature, ValueError, TypeError: it did not sign it
        return False
    return True
