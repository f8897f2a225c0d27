"""The certificates and the key of a connection as files, which is all that OpenSSL reads."""

from __future__ import annotations

import base64
import binascii
import os
import weakref
from collections.abc import Mapping
from typing import Any

from launcher.edges.kubeconfig import ClientConfig
from launcher.errors import InvalidInput, Reason

__all__ = ["Pem"]


class Pem:
    """What a kubeconfig has as ``NAME`` or ``NAME-data``; data stay in memory, as long as this is held.

    Args:
        current: the cluster.
        certificate: fields of the user that name the client certificate.

    Attributes:
        paths: of the authority, the certificate and its key; None = not set.

    Raises:
        InvalidInput: data that are no base64.
    """

    def __init__(self, current: ClientConfig, certificate: Mapping[str, str]) -> None:
        self._source = current.source
        authority = current.cluster if current.secure else {}
        self.paths = (
            self._path(authority, "certificate-authority"),
            self._path(certificate, "client-certificate"),
            self._path(certificate, "client-key"),
        )

    def _path(self, entry: Mapping[str, Any], name: str) -> str | None:
        if name in entry:
            return str(entry[name])
        if not entry.get(f"{name}-data"):
            return None
        try:
            content = base64.b64decode(entry[f"{name}-data"])
        except (binascii.Error, TypeError, ValueError) as error:
            raise InvalidInput(
                f"{self._source} cannot be used: {name}-data is no base64: {error}",
                where="kubeconfig",
                cure="look at it with `kubectl config view` and `kubectl config get-contexts`",
                reason=Reason.KUBECONFIG_INVALID,
            ) from None
        # Unlike a file in /tmp it is nowhere once this process has ended, however it ends.
        number = os.memfd_create(f"fljob-{name}")
        # Not at the exit: a last request may want it yet ("SSLError [Errno 6] No such device or address").
        weakref.finalize(self, os.close, number).atexit = False
        with open(number, "wb", closefd=False) as file:
            file.write(content)
        return f"/proc/self/fd/{number}"
