"""Map a failed run of helm to our error. Helm's exit code is 1 for everything, so the text decides.

``FAILURES`` (in :mod:`launcher.edges.helm.failures.table`) is tried from top to bottom on the error that
helm prints; the first row that matches gives the error.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from launcher.core import foreign
from launcher.core.catalogue.reasons import cure_of
from launcher.edges.failure import Failure, find
from launcher.edges.helm.child import ChildFailed, Ended
from launcher.edges.helm.failures.table import FAILURES
from launcher.errors import (
    Cancelled,
    InvalidInput,
    LauncherError,
    LeftBehind,
    Reason,
    Rejected,
    Unavailable,
)

__all__ = ["Call", "changed_nothing", "explain", "is_release_missing", "with_leftover"]

_LONGEST = 600
_DEFAULT_KUBECONFIG = "KUBECONFIG or ~/.kube/config"
_OWN_FILE = re.compile(r"/proc/self/fd/\d{1,9}")
_READY = "kubectl get --raw /readyz"
_RELEASE_MISSING = re.compile(r"release: not found")
_NOT_LOADED = re.compile(r"Release not loaded: \S+ release: not found")
# `- at '/resources/limits/cpu': got number, want string`; the alternatives of a schema are indented further.
_SCHEMA_LINE = re.compile(r"^[ \t]*- at '(?P<pointer>[^'\n]*)': (?P<why>.+)$", re.MULTILINE)
# level=DEBUG msg="uninstall: Failed to delete release" error="[pods \"p1\" is forbidden: ...]"
# Helm 3: uninstall.go:130: [debug] uninstall: Failed to delete release: [pods "p1" is forbidden: ...]
_HIDDEN_CAUSE = re.compile(
    r'msg="uninstall: Failed to delete release" error="(?P<cause>.*)"'
    r"|\[debug\] uninstall: Failed to delete release: (?P<before>\[.*\])"
)

# Failures before helm writes its release record, or because the record was refused: nothing to undo.
_CHANGED_NOTHING = re.compile(
    r"cluster unreachable"
    r"|release name check failed|cannot re-?use a name that is still in use"
    r"|values don't meet the specifications of the schema|failed to parse -:"
    r"|unable to continue with install"
    r"|unable to build kubernetes objects"
    r"|create: failed to create: (?:(?!failed to create: ).)*"
    r"(?:is forbidden|not found|is invalid|already exists|too large|larger than max)"
    r"|unknown (?:shorthand )?flag|unknown command|setpriv: failed to execute",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Call:
    """A helm command and its context, for the error message."""

    verb: str
    name: str
    namespace: str
    helm: str = "helm"
    kubeconfig: str = ""
    # Asked late: what is offline, too, has a context.
    login: Callable[[], str] = str
    seconds: float = 0.0

    @property
    def subject(self) -> str:
        """``release ns/name``, or the namespace or all of them, where the command is about all releases."""
        if self.name:
            return f"release {self.namespace}/{self.name}"
        return f"namespace {self.namespace}" if self.namespace else "all namespaces"


def explain(failed: ChildFailed, call: Call) -> LauncherError:
    """Return our error for a failed run of helm; never raises."""
    if failed.ended in (Ended.CANCELLED, Ended.NOT_STARTED):
        return Cancelled(f"{call.subject}: helm {call.verb} was cancelled")
    if failed.ended is Ended.TIMED_OUT:
        return Unavailable(
            f"{call.subject}: helm {call.verb} did not end within {call.seconds:g} s and was stopped",
            cure="check that the API server answers" + _or_program(failed.program) + ": " + _READY,
        )
    # The kubeconfig that helm gets is a file in memory.
    text = _OWN_FILE.sub(lambda _: call.kubeconfig or _DEFAULT_KUBECONFIG, _error_text(failed.text))
    found = find(FAILURES, text)
    if found is None:
        head = f"{call.subject}: helm {call.verb} failed (exit code {failed.returncode})"
        if text:
            return Rejected(f"{head}: {_short(text)}", reason=Reason.HELM_FAILED)
        if failed.returncode < 0:
            said = f"{call.subject}: helm {call.verb} was killed by signal {-failed.returncode}"
            cure = "if the machine or the container has run out of memory, give it more; then try again"
            return Rejected(said, reason=Reason.HELM_FAILED, cure=cure)
        # Helm always prints `Error: ...`: this is another program.
        cure = f"`{call.helm} version` must print v4.3 or later (3.22 works); else set `helm` to its path"
        return Rejected(f"{head} and said nothing", reason=Reason.HELM_FAILED, cure=cure)
    if found[0].reason is Reason.CREDENTIAL_PLUGIN:
        found[1]["why"] += _said_before(failed.text)
    return _error_of(*found, call, text)


def changed_nothing(failed: ChildFailed) -> bool:
    """Return whether a failed install certainly created nothing, so that there is nothing to undo."""
    exited = failed.ended is Ended.EXITED and _CHANGED_NOTHING.search(failed.text) is not None
    return exited or failed.ended is Ended.NOT_STARTED


def is_release_missing(failed: ChildFailed, *, certain: bool = False) -> bool:
    """Return whether helm reported that there is no such release.

    ``certain``: reported on loading it, and not while another process was removing it, too.
    """
    return failed.ended is Ended.EXITED and bool(
        (_NOT_LOADED if certain else _RELEASE_MISSING).search(failed.text)
    )


def with_leftover(error: LauncherError, left: LauncherError, call: Call) -> LeftBehind:
    """Return the error of an install that could not be undone: what may be left, how to remove it."""
    if isinstance(error, Cancelled):  # which promises that nothing is left
        error = Unavailable(error.message, cure=error.cure)
    message = f"{error.message}; and the clean-up failed, so {call.subject} may be left: {left.message}"
    cure = f"remove it when the cluster answers: fljob terminate {call.name} -n {call.namespace}"
    if error.cure:
        cure = f"{error.cure}; {cure}"
    return LeftBehind(error, message=message, cure=cure)


def _error_of(row: Failure, words: Mapping[str, str], call: Call, text: str) -> LauncherError:
    known = {
        "name": call.name,
        "namespace": call.namespace,
        "helm": call.helm,
        "kubeconfig": call.kubeconfig or _DEFAULT_KUBECONFIG,
        "login": call.login() or f"the credentials of kubeconfig {call.kubeconfig or _DEFAULT_KUBECONFIG}",
        "text": _short(text),
        "keys": _key_paths(text),
    }
    groups = {key: _short(value) for key, value in words.items()}
    names = {**groups, **known, **{key: value for key, value in groups.items() if value}}
    message, cure = _WORDS.vformat(row.message, (), names), cure_of(row.reason, names)
    if row.error is InvalidInput:
        return InvalidInput(message, where=row.where.format(**names), cure=cure, reason=row.reason)
    return row.error(f"{call.subject}: {message}", cure=cure, reason=row.reason)


class _Words(string.Formatter):
    """Fills a sentence; ``{name!r}`` is quoted and as long as a name may be."""

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return foreign.quoted(value) if conversion == "r" else super().convert_field(value, conversion)


_WORDS = _Words()


def _error_text(text: str) -> str:
    """Return the sentence after ``Error:``; with ``--debug`` the cause that helm only logs."""
    hidden = _HIDDEN_CAUSE.search(text)
    if hidden is not None:
        return hidden["before"] or hidden["cause"].replace('\\"', '"')
    _, mark, message = text.rpartition("Error: ")
    return (message if mark else text).removeprefix("INSTALLATION FAILED: ").strip()


def _said_before(text: str) -> str:
    """Return what the credential program wrote before helm failed; helm tells its exit code only.

    'Error loading SSO Token: Token for corp does not exist', and in the next line 'Error: kubernetes cluster
    unreachable: ... getting credentials: exec: executable aws failed with exit code 255'. client-go may run
    it more than once.
    """
    said = dict.fromkeys(map(str.strip, text.rpartition("Error: ")[0].splitlines()))
    words = _short(" ".join(filter(None, said)))
    return f": {words}" if words else ""


def _or_program(program: str) -> str:
    return f" and that the credential program {foreign.word(program)} ends" if program else ""


def _short(text: str) -> str:
    return foreign.said(text, _LONGEST)


def _key_paths(text: str) -> str:
    """Return ``resources.limits.cpu: got number, want string; ...`` of a schema failure."""
    found = []
    for line in _SCHEMA_LINE.finditer(text):
        steps = (step.replace("~1", "/").replace("~0", "~") for step in line["pointer"].split("/") if step)
        found.append(f"{'.'.join(steps) or 'top level'}: {line['why']}")
    return _short("; ".join(found))
