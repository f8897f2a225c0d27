"""What must not be repeated: credentials in the text that helm, Go or an API server writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

__all__ = ["redact"]

_HIDDEN = "***"
_LONGEST = 4000

# (pattern, replacement, sample)
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # proxyconnect tcp: http://user:password@proxy:3128
    (re.compile(r"(://[^\s/:@\"']*:)[^\s/@\"']+@"), rf"\1{_HIDDEN}@"),
    # Authorization: Bearer abc
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), rf"\1 {_HIDDEN}"),
    # eyJhbGciOi....eyJpc3MiOi....signature: a service account token
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), _HIDDEN),
    # -----BEGIN RSA PRIVATE KEY----- ... (also on one line with \n)
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL), _HIDDEN),
    # token: abc, password=abc, "client-key-data": "abc"
    (
        re.compile(r"(?i)\b(token|password|passwd|client-key-data|api[-_]?key)(\"?\s*[:=]\s*\"?)[^\s\"',}]+"),
        rf"\1\2{_HIDDEN}",
    ),
    # data of a Secret in an object that the API server quotes back
    (re.compile(r"[A-Za-z0-9+/]{120,}={0,2}"), _HIDDEN),
)


def redact(text: str, env: Mapping[str, str]) -> str:
    """Return ``text`` without credentials, at most 4000 characters.

    Args:
        text: what a program wrote.
        env: the environment that program was given; the credentials in it are removed wherever they stand.
    """
    for secret in _secrets_in(env):
        text = text.replace(secret, _HIDDEN)
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def _secrets_in(env: Mapping[str, str]) -> list[str]:
    found = [env.get("HELM_KUBETOKEN", "")]
    for name, value in env.items():
        if name.lower().endswith("_proxy"):
            found.append(_password(value))
    return sorted(filter(None, found), key=len, reverse=True)


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""
