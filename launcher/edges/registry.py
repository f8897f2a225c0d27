"""Asks a registry for manifests: of an image, whether it has it (port ``Registries``), and of a chart.

The API of https://github.com/opencontainers/distribution-spec and the token scheme of
https://distribution.github.io/distribution/spec/auth/token/. The package ``oras`` speaks them, too, and waits
for two minutes, without a timeout of its own, for a registry that does not answer.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, urlsplit

import requests
from requests.utils import parse_dict_header

from launcher.core.foreign import line
from launcher.core.loopback import is_loopback_authority
from launcher.core.plan.images import Held, Login, Place
from launcher.errors import Denied, LauncherError, NotFound, Unavailable

__all__ = ["HttpRegistries"]

_KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_TIMEOUT = (5, 10)  # seconds to connect, and between two parts of an answer
# Seconds for an answer, looked at after so many bytes: of a registry that sends one byte every nine seconds a
# launch is rid in three minutes, and four megabytes cost a second.
_WHOLE, _PART = 30.0, 16
_MOST = 4 * 1024 * 1024  # bytes: what a registry has to accept of a manifest, and no more
_MOST_LOGINS = 5
_HUB = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}
_OK, _NOT_FOUND = 200, 404
_REFUSED = frozenset({401, 403})
_SHORT = 200


_T = TypeVar("_T")


@dataclass(frozen=True)
class HttpRegistries:
    """Registries, over https; those on the loopback of this machine over http, as containerd does it.

    Attributes:
        trusted: file with the certificates of those who may sign a registry's; None = those of requests.
    """

    trusted: Path | None = None

    def held(self, place: Place, logins: Sequence[Login]) -> Held:
        """Return what a registry has of an image; the logins are tried in turn, then nobody's.

        Raises:
            NotFound: it has no such image.
            Denied: it lets none of the logins, nor anybody, read it.
            Unavailable: it could not be asked.
        """
        return self._tried(place, logins, _held)

    def manifest(self, place: Place, logins: Sequence[Login]) -> bytes:
        """Return the bytes of a manifest as the registry sends them, which nobody has compared with a digest.

        Raises:
            NotFound, Denied, Unavailable: as :meth:`held`; Unavailable also where they are too many.
        """
        return self._tried(place, logins, _body)

    def _tried(self, place: Place, logins: Sequence[Login], read: Callable[[requests.Response], _T]) -> _T:
        refused: LauncherError | None = None
        for login in (*logins[:_MOST_LOGINS], None):
            try:
                return self._asked(place, login, read)
            except Denied as error:
                refused = refused or error
        raise refused or Unavailable(f"registry {place.registry} was not asked")

    def _asked(self, place: Place, login: Login | None, read: Callable[[requests.Response], _T]) -> _T:
        try:
            with requests.Session() as session:
                # A .netrc is nobody's word for what a node would say.
                session.auth = _Plain()
                ask = _Asker(session, None if self.trusted is None else str(self.trusted))
                return read(_answer(ask, place, login))
        except (requests.RequestException, OSError) as error:
            # What urllib3 gave up for, without its own account of it: 'Max retries exceeded with url: ...'.
            cause = getattr(error.args[0], "reason", None) if error.args else None
            why = f"{type(cause or error).__name__}: {line(str(cause or error), _SHORT)}"
            text = f"registry {place.registry} could not be asked: {why}"
            raise Unavailable(text, cure="check the address, the network and the proxy settings") from error


class _Plain(requests.auth.AuthBase):
    """Leaves a request as it is."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


@dataclass(frozen=True)
class _Asker:
    """A session, and whom it trusts: said at each request, since REQUESTS_CA_BUNDLE wins over a session's."""

    session: requests.Session
    trusted: str | None

    def __call__(self, method: str, url: str, headers: Mapping[str, str], **more: Any) -> requests.Response:
        return self.session.request(
            method, url, headers=headers, timeout=_TIMEOUT, stream=True, verify=self.trusted, **more
        )


def _answer(ask: _Asker, place: Place, login: Login | None) -> requests.Response:
    host = _HUB.get(place.registry, place.registry)
    scheme = "http" if is_loopback_authority(host) else "https"
    url = f"{scheme}://{host}/v2/{quote(place.repository)}/manifests/{quote(place.version, safe=':')}"
    headers = {"Accept": ", ".join(_KINDS)}
    answer = ask("GET", url, headers)
    if answer.status_code in _REFUSED:
        headers |= _authorization(ask, answer, login, scheme)
        answer = ask("GET", url, headers)
    if answer.status_code != _OK:
        _refuse(place, answer, login)
    return answer


def _held(answer: requests.Response) -> Held:
    return Held(line(answer.headers.get("Docker-Content-Digest", ""), 100), _platforms(_read(answer)))


def _authorization(
    ask: _Asker, answer: requests.Response, login: Login | None, scheme: str
) -> dict[str, str]:
    """Return the header that a registry's challenge asks for, empty for one that is not understood.

    A login goes to the place that the registry names, as at every pull, and never over less than the
    registry itself was asked over.
    """
    kind, _, rest = answer.headers.get("WWW-Authenticate", "").partition(" ")
    basic = {"Authorization": f"Basic {login.basic}"} if login is not None and login.basic else {}
    if kind.lower() == "basic":
        return basic
    if kind.lower() == "bearer" and login is not None and login.bearer:
        return {"Authorization": f"Bearer {login.bearer}"}
    said = parse_dict_header(rest) if kind.lower() == "bearer" else {}
    realm = str(said.get("realm") or "")
    if urlsplit(realm).scheme not in ("https", scheme):
        return {}
    asked = {key: str(said[key]) for key in ("service", "scope") if said.get(key)}
    if login is not None and login.identity:
        # https://distribution.github.io/distribution/spec/auth/oauth/
        form = {"grant_type": "refresh_token", "refresh_token": login.identity, "client_id": "fljob", **asked}
        found = _read(ask("POST", realm, {}, data=form))
    else:
        found = _read(ask("GET", realm, basic, params=asked))
    token = found.get("token") or found.get("access_token")
    return {"Authorization": f"Bearer {token}"} if isinstance(token, str) and token.isprintable() else {}


def _read(answer: requests.Response) -> Mapping[str, Any]:
    """Return the JSON of an answer, an empty mapping for anything else."""
    try:
        found = json.loads(_body(answer))
    except (Unavailable, ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _body(answer: requests.Response) -> bytes:
    """Return the bytes of an answer.

    Raises:
        Unavailable: they are too many, or do not come to an end.
    """
    parts, size, end = [], 0, time.monotonic() + _WHOLE
    for part in answer.iter_content(_PART):
        parts.append(part)
        size += len(part)
        if size > _MOST or time.monotonic() > end:
            raise Unavailable(f"the answer has more than {_MOST} bytes, or takes more than {_WHOLE:g} s")
    return b"".join(parts)


def _platforms(manifest: Mapping[str, Any]) -> frozenset[str]:
    entries = manifest.get("manifests")
    platforms = (
        [one.get("platform") for one in entries if isinstance(one, Mapping)]
        if isinstance(entries, list)
        else []
    )
    return frozenset(
        line(f"{one.get('os')}/{one.get('architecture')}", 50)
        for one in platforms
        # Attestations of BuildKit stand in an index as unknown/unknown.
        if isinstance(one, Mapping) and one.get("os") != "unknown"
    )


def _refuse(place: Place, answer: requests.Response, login: Login | None) -> NoReturn:
    errors = _read(answer).get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], Mapping) else {}
    words = " ".join(str(first[key]) for key in ("code", "message") if first.get(key))
    said = f"HTTP {answer.status_code}{f' {line(words, _SHORT)}' if words else ''}"
    if answer.status_code == _NOT_FOUND:
        raise NotFound(f"registry {place.registry} has no {place.repository} {place.version}: {said}")
    if answer.status_code in _REFUSED:
        whose = "nobody's login" if login is None else f"the login for {line(login.where, _SHORT)}"
        raise Denied(f"registry {place.registry} refuses {whose} for {place.repository}: {said}")
    raise Unavailable(f"registry {place.registry} answered {said}", cure="ask again later")
