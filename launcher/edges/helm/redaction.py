"""Redaction of credentials in the text that helm, Go or an API server writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from launcher.core.redaction import HIDDEN, by_shape, looks_secret

__all__ = ["redact"]

_LONGEST, _BEFORE_CUT, _CUT = 4000, 1500, "\n...\n"
_AFTER_CUT = _LONGEST - _BEFORE_CUT - len(_CUT)
# A shorter value, such as `true`, occurs in many texts.
_SHORTEST = 6

# Data of a Secret, in an object that the API server quotes.
_DATA = re.compile(r"[A-Za-z0-9+/]{120,}={0,2}")


def redact(text: str, env: Mapping[str, str]) -> str:
    """Return ``text`` without credentials, at most 4000 characters.

    Args:
        text: what a program wrote.
        env: the environment that program was given; its credentials are hidden wherever they occur.
    """
    for secret in _secrets_in(env):
        text = text.replace(secret, HIDDEN)
    text = _DATA.sub(HIDDEN, by_shape(text))
    # helm says why it failed at the end, after whatever a credential program wrote.
    return text if len(text) <= _LONGEST else f"{text[:_BEFORE_CUT]}{_CUT}{text[-_AFTER_CUT:]}"


def _secrets_in(env: Mapping[str, str]) -> list[str]:
    found = [env.get("HELM_KUBETOKEN", "")]
    for name, value in env.items():
        if name.lower().endswith("_proxy"):
            found.append(_password(value))
        # A variable of `pass_env` may be a credential itself (AWS_SECRET_ACCESS_KEY); the path of one is not.
        elif len(value) >= _SHORTEST and looks_secret(name) and not name.endswith("_FILE"):
            found.append(value)
    return sorted(filter(None, found), key=len, reverse=True)


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""
