"""One row of the table: a text that helm printed, the pattern that finds it again, our error, a cure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from launcher.errors import LauncherError

__all__ = ["Failure", "row"]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One row.

    Attributes:
        code: stable word; becomes ``Rejected.code``.
        error: class of our error.
        pattern: searched in helm's error text; its named groups are words of ``message`` and ``cure``.
        sample: a text as helm printed it.
        seen: the helm version that printed the sample; ``source`` = read in its source, not provoked.
        message: sentence; words: the groups, name, namespace, helm, kubeconfig, text, keys.
        cure: what to do, with the same words.
        where: file or key path of an InvalidInput, with the same words.
    """

    code: str
    error: type[LauncherError]
    pattern: re.Pattern[str]
    sample: str
    seen: str = "4.3.0"
    message: str = "{text}"
    cure: str = ""
    where: str = ""


def row(  # noqa: PLR0917 - a table is read by position
    code: str,
    error: type[LauncherError],
    pattern: str,
    sample: str,
    message: str = "{text}",
    cure: str = "",
    *,
    where: str = "",
    seen: str = "4.3.0",
) -> Failure:
    """Return a row; see :class:`Failure`."""
    return Failure(
        code=code,
        error=error,
        pattern=re.compile(pattern, re.IGNORECASE | re.DOTALL),
        sample=sample,
        message=message,
        cure=cure,
        where=where,
        seen=seen,
    )
