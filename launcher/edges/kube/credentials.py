"""How a user logs in: token, token file, password, certificate or credential program, as in client-go."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from urllib3.util import make_headers

from launcher.core.catalogue.reasons import cure_of
from launcher.edges.kube.exec_credential import ExecCredential, run
from launcher.edges.kubeconfig import ClientConfig
from launcher.errors import Denied, Reason

__all__ = ["Credentials", "impersonation"]

# As client-go: a projected token is renewed long before it expires.
_TOKEN_SECONDS = 50.0
_UNRESERVED = frozenset("!#$&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


@dataclass
class Credentials:
    """The credentials of one user, read when they are needed; the caller holds a lock.

    Attributes:
        config: the cluster and the user.
        environ: the environment of a credential program.
    """

    config: ClientConfig
    environ: Mapping[str, str] = field(repr=False)
    _token: str = field(default="", repr=False)
    _token_until: float = 0.0
    _exec: ExecCredential | None = field(default=None, repr=False)

    def authorization(self) -> str:
        """Return the Authorization header; empty = none.

        Raises:
            Denied: the credential program failed, or the token file has no token.
        """
        user = self.config.user
        if not self.config.secure:
            return ""
        if "tokenFile" in user:
            return _bearer(self._from_file(Path(user["tokenFile"])))
        if "token" in user:
            return _bearer(user["token"])
        # A password without a name is none (client-go, HasBasicAuth): kubectl asks a terminal, helm nobody.
        if "username" in user:
            pair = f"{user.get('username', '')}:{user.get('password', '')}"
            return f"Basic {base64.b64encode(pair.encode()).decode()}"
        token = self._program().token if _needs_program(user) else ""
        return _bearer(token) if token else ""

    def certificate(self) -> Mapping[str, str]:
        """Return the fields of a kubeconfig user that name the client certificate; raises as above."""
        user = self.config.user
        if not self.config.secure:
            return {}
        if _needs_program(user):
            return self._program().certificate()
        return {name: user[name] for name in user if name.startswith("client-")}

    def _from_file(self, path: Path) -> str:
        if time.monotonic() >= self._token_until:
            try:
                token = path.read_text().strip()
            except (OSError, ValueError):
                token = ""
            if token:
                self._token, self._token_until = token, time.monotonic() + _TOKEN_SECONDS
        token = self._token or str(self.config.user.get("token", ""))
        if not token or any(ord(char) < ord(" ") or char == "\x7f" for char in token):
            reason = Reason.UNAUTHENTICATED
            raise Denied(f"there is no token in {path}", cure=cure_of(reason), reason=reason)
        return token

    def _program(self) -> ExecCredential:
        if self._exec is None or self._exec.has_expired():
            self._exec = run(self.config, self.environ)
        return self._exec


def _needs_program(user: Mapping[str, Any]) -> bool:
    """Return whether the credential program is asked: as in client-go, only of a user with nothing else."""
    # UpdateTransportConfig: HasTokenAuth, HasBasicAuth (a name alone), HasCertAuth (certificate and key)
    is_certified = all(
        {f"client-{one}", f"client-{one}-data"} & user.keys() for one in ("certificate", "key")
    )
    return "exec" in user and not ({"token", "tokenFile", "username"} & user.keys() or is_certified)


def impersonation(user: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the headers that ask the API server to act as another user."""
    if "as" not in user:
        return []
    headers = [("Impersonate-User", user["as"])]
    headers += [("Impersonate-Uid", user["as-uid"])] if "as-uid" in user else []
    headers += [("Impersonate-Group", group) for group in user.get("as-groups", ())]
    for key, values in user.get("as-user-extra", {}).items():
        headers += [(f"Impersonate-Extra-{_escaped(str(key))}", value) for value in values]
    return [(name, _in_utf8(value.strip(" \t"))) for name, value in headers]


def _bearer(token: str) -> str:
    return f"Bearer {_in_utf8(token)}"


def _in_utf8(value: str) -> str:
    """Return a value that http.client, which writes Latin-1, sends as the UTF-8 that the API server reads."""
    return value.encode().decode("latin-1")


def _escaped(key: str) -> str:
    return "".join(chr(byte) if chr(byte).lower() in _UNRESERVED else f"%{byte:02X}" for byte in key.encode())


def proxy_headers(user: str, password: str) -> dict[str, str]:
    """Return the headers for a proxy that wants a user and a password."""
    return dict(make_headers(proxy_basic_auth=f"{user}:{password}"))
