"""One row of a table of failures: a message of another program, and the error that we make of it.

:mod:`launcher.edges.api_words` has the messages of the API server, ``edges/helm/failures`` those of Helm.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from launcher.errors import LauncherError, Reason

__all__ = ["Failure", "find", "row"]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One row. Its cure is in :mod:`launcher.core.catalogue.reasons`.

    Attributes:
        reason: what the message means.
        error: class of our error.
        pattern: searched in the text; its named groups fill ``message``, ``where`` and the cure.
        sample: the message as it was printed.
        seen: the programs that printed the sample; ``source`` = found in their source, not provoked.
        message: of our error, when helm printed the text; format string with the groups of the pattern and
            the names that :mod:`launcher.edges.helm.failures.explain` adds.
        where: file or key path of an InvalidInput; format string as ``message``.
        adds: makes further words from the groups; None from it = the row does not match after all.
    """

    reason: Reason
    error: type[LauncherError]
    pattern: re.Pattern[str]
    sample: str
    seen: str
    message: str
    where: str
    adds: Callable[[Mapping[str, str]], Mapping[str, str] | None] | None = None

    def words(self, text: str) -> dict[str, str] | None:
        """Return the words of a text that this row is about, by name; None of another text."""
        match = self.pattern.search(text)
        if match is None:
            return None
        groups = {key: value or "" for key, value in match.groupdict().items()}
        added = self.adds(groups) if self.adds else {}
        return None if added is None else {**groups, **added}


def row(
    reason: Reason,
    error: type[LauncherError],
    pattern: str,
    sample: str,
    message: str = "{text}",
    *,
    where: str = "",
    seen: str = "helm 4.3.0 on Kubernetes 1.36.3",
    adds: Callable[[Mapping[str, str]], Mapping[str, str] | None] | None = None,
) -> Failure:
    """Return a row; see :class:`Failure`."""
    return Failure(
        reason=reason,
        error=error,
        pattern=re.compile(pattern, re.IGNORECASE | re.DOTALL),
        sample=sample,
        seen=seen,
        message=message,
        where=where,
        adds=adds,
    )


def find(table: Iterable[Failure], text: str) -> tuple[Failure, dict[str, str]] | None:
    """Return the first row that matches, and the words of the text."""
    for one in table:
        words = one.words(text)
        if words is not None:
            return one, words
    return None
