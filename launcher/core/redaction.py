"""Hides credentials: values under names that look secret, known values, texts shaped like a credential.

When in doubt, hide: too much costs the reader a guess, too little costs a credential. Every pattern takes
time linear in its text: a job may log anything, and a regular expression holds the GIL of the process that
watches all jobs (an optional word before a keyword took 2.8 s for 24 kB of hex).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from launcher.core.credential_shapes import HIDDEN, SHAPES

__all__ = [
    "HIDDEN",
    "Mask",
    "by_shape",
    "cautious",
    "literals",
    "looks_secret",
    "masked",
    "masker",
    "redacted",
    "secrets_of",
]

Mask = Callable[[str], str]

# Hiding a shorter value, such as `true` or `8080`, would hide half of a log.
_SHORTEST = 6
_LONG_LINE = 16
# An alternation of 3,000 values (a bundle of certificates in a Secret has as many lines) took 2.4 s for 80 kB
# of log.
_MOST_ALTERNATIVES, _MOST_ALIKE = 64, 64
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# HF_TOKEN, PGPASSWORD, client_secret; not TOKENIZERS_PARALLELISM
_SECRET_PART = re.compile(r"token(?!iz)|passw|passphrase|secret|credential", re.IGNORECASE)
# APIKEY, sshKeys, DB_PASS; not KEYBOARD
_SECRET_WORDS = frozenset({"cred", "creds", "pass", "pwd", "auth", "authorization", "bearer", "cookie"})
_SECRET_ENDS = ("key", "keys")
# Names of Kubernetes and of the shell that look secret and are not.
_HARMLESS = frozenset(
    {"PWD", "OLDPWD", "key", "topologyKey", "secretName", "secretProviderClass", "imagePullSecrets"}
)
# Longer lines are cut. Twice as much is searched, so that a credential that crosses the cut is found.
_LONGEST_LINE = 4096
# `kubectl apply` writes the whole object, env literals included, into this annotation.
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

# Spans several lines. A log may end, or have been cut, in the middle of a key.
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(?:(?:\s|\\n)*(?:Proc-Type|DEK-Info): [^\n\\]*)*"
    r"(?:[^-]*-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|(?:(?:\s|\\n)*[A-Za-z0-9+/=]{16,})*)"
)
_END_OF_KEY = re.compile(r"-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE = re.compile(r"(?:^|[\s|])[A-Za-z0-9+/=]{16,}\s*$")


def looks_secret(name: str) -> bool:
    """Return whether a value under this name may be a credential."""
    if name in _HARMLESS:
        return False
    return bool(_SECRET_PART.search(name)) or any(map(_is_secret_word, _WORD.findall(name)))


def _is_secret_word(word: str) -> bool:
    word = word.lower()
    return word in _SECRET_WORDS or word.endswith(_SECRET_ENDS)


def masked(text: str) -> str:
    """Return ``text`` with what is shaped like a credential hidden, however long its lines."""
    text = _without_end_of_key(_PRIVATE_KEY.sub(HIDDEN, text))
    for pattern, replacement in SHAPES:
        text = pattern.sub(replacement, text)
    return text


def by_shape(text: str) -> str:
    """Return ``text`` with what is shaped like a credential hidden, and lines cut at about 4 kB."""
    lines = _without_end_of_key(_PRIVATE_KEY.sub(HIDDEN, text)).split("\n")
    long = {at: len(line) for at, line in enumerate(lines) if len(line) > _LONGEST_LINE}
    text = "\n".join(line[: 2 * _LONGEST_LINE] for line in lines)
    for pattern, replacement in SHAPES:
        text = pattern.sub(replacement, text)
    if not long:
        return text
    lines = text.split("\n")
    for at, length in long.items():
        lines[at] = f"{lines[at][:_LONGEST_LINE]} ... cut, the line has {length} characters"
    return "\n".join(lines)


def _without_end_of_key(text: str) -> str:
    """Hide a private key of which only the end is there: the last lines of a log begin anywhere."""
    end = _END_OF_KEY.search(text)
    if end is None:
        return text
    before = text[: end.start()].split("\n")
    # The line of the mark itself is empty as a rule; what a log puts before each line may stand there.
    last = len(before) - 1
    while last > 0 and _KEY_LINE.search(before[last - 1]):
        last -= 1
    kept = "\n".join(before[:last])
    return f"{kept}\n{HIDDEN}{text[end.end() :]}" if kept else f"{HIDDEN}{text[end.end() :]}"


def cautious(known: Iterable[str]) -> Mask:
    """Return a function that hides known values and what is shaped like a credential."""
    hide = masker(known)
    return lambda text: by_shape(hide(text))


def masker(values: Iterable[str]) -> Mask:
    """Return a function that hides known values in a text, also base64-encoded or escaped in JSON.

    Args:
        values: the credentials; those shorter than six characters are not hidden.
    """
    forms = {form for value in values for form in _forms(value) if len(form) >= _SHORTEST}
    if not forms:
        return lambda text: text
    longest_first = sorted(forms, key=len, reverse=True)
    if len(forms) > _MOST_ALTERNATIVES:
        return partial(_without, _by_start(longest_first))
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    return lambda text: pattern.sub(HIDDEN, text)


def _by_start(forms: Iterable[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for form in forms:
        found.setdefault(form[:_SHORTEST], []).append(form)
    return found


def _without(forms: Mapping[str, list[str]], text: str) -> str:
    """Hide what the forms say, by their first characters: it takes as long however many there are.

    Where more than a few begin alike, what follows that beginning is hidden to the end of its line.
    """
    shown, kept, at = [], 0, 0
    while at <= len(text) - _SHORTEST:
        alike = forms.get(text[at : at + _SHORTEST], ())
        end = next((at + len(form) for form in alike[:_MOST_ALIKE] if text.startswith(form, at)), 0)
        if not end and len(alike) > _MOST_ALIKE:
            end = max(text.find("\n", at + _SHORTEST), 0) or len(text)
        if end:
            shown += [text[kept:at], HIDDEN]
            kept = at = end
        else:
            at += 1
    return "".join([*shown, text[kept:]])


def _forms(value: str) -> Iterator[str]:
    text = value.strip()
    if len(text) < _SHORTEST:
        return
    yield value
    yield text
    yield json.dumps(text)[1:-1]
    # The last lines of a log may begin in the middle of a value with several.
    yield from (line for line in map(str.strip, text.splitlines()) if len(line) >= _LONG_LINE)
    # Whole groups of three bytes only: `echo $TOKEN | base64` encodes a line end, too.
    data = text.encode("utf-8", "replace")
    yield base64.b64encode(data[: len(data) // 3 * 3]).decode("ascii")


def literals(tree: Any) -> Iterator[str]:
    """Yield the credentials in the JSON of a pod or chart: env literals, arguments after a secret flag."""
    if isinstance(tree, Mapping):
        name, value = tree.get("name"), tree.get("value")
        if isinstance(name, str) and _is_scalar(value) and looks_secret(name):
            yield str(value)
        for child in tree.values():
            yield from literals(child)
    elif isinstance(tree, list):
        words = (word for before, word in _with_previous(tree) if _is_secret_flag(before))
        # JSON of a stranger may have anything there: ["--token", {"a": 1}]
        yield from (str(word) for word in words if _is_scalar(word))
        for child in tree:
            yield from literals(child)


def redacted(tree: Any, mask: Mask) -> Any:
    """Return a copy of JSON without credentials.

    Args:
        tree: JSON; what has the shape ``{name: HF_TOKEN, value: ...}`` or a key that looks secret is hidden,
            lists and numbers as well; mappings (``secret: {secretName: ...}``) are searched.
        mask: applied to every other text.
    """
    if isinstance(tree, str):
        return str(mask(tree))  # exactly str: the YAML dumper refuses subclasses
    if isinstance(tree, Mapping):
        name = tree.get("name")
        hide = isinstance(name, str) and looks_secret(name)
        return {
            key: HIDDEN
            if _could_be_secret(value) and ((hide and key == "value") or _is_secret_key(str(key)))
            else redacted(value, mask)
            for key, value in tree.items()
        }
    if isinstance(tree, list):
        return [
            HIDDEN if _is_secret_flag(before) else redacted(item, mask)
            for before, item in _with_previous(tree)
        ]
    return tree


def _is_scalar(value: Any) -> bool:
    # A boolean is no credential: automountServiceAccountToken: false
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def _could_be_secret(value: Any) -> bool:
    return (_is_scalar(value) or isinstance(value, list)) and value not in ("", [])


def _is_secret_key(key: str) -> bool:
    return key == _LAST_APPLIED or looks_secret(key)


def _with_previous(items: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each item with the one before it, None for the first."""
    return zip([None, *items], items, strict=False)


def _is_secret_flag(word: Any) -> bool:
    """Return whether the argument after this one is a credential, as in ``--api-key abc``."""
    return isinstance(word, str) and word.startswith("--") and "=" not in word and looks_secret(word)


def secrets_of(pod: Any) -> frozenset[str]:
    """Return the names of the Secrets that the JSON of a pod or chart refers to, in environment or files."""
    if isinstance(pod, list):
        return frozenset().union(*map(secrets_of, pod))
    if not isinstance(pod, Mapping):
        return frozenset()
    found = frozenset().union(*map(secrets_of, pod.values()))
    # {secretKeyRef: {name}}, {secretRef: {name}}, {secret: {name}} of a projected volume; and {secretName}
    references = [pod.get(key) for key in ("secretKeyRef", "secretRef", "secret")]
    names = [reference.get("name") for reference in references if isinstance(reference, Mapping)]
    return found | {name for name in (*names, pod.get("secretName")) if isinstance(name, str) and name}
