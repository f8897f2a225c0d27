"""How long an ended job stays, as its pod says it: whoever cleans up needs no other file.

The words of Kubernetes' Job (``ttlSecondsAfterFinished``), of Argo (``ttlStrategy``: one time for each
outcome) and of a CronJob (``failedJobsHistoryLimit``: a number for each) are one setting, ``retention``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from launcher.core.moments import LONGEST_SECONDS
from launcher.core.names import ANNOTATION_RETENTION

__all__ = ["NOTHING_SAID", "Kept", "kept_from_text", "kept_of"]

# 'succeeded=0 failed=86400 keep=20 of=study'
_WORD = re.compile(r"(succeeded|failed|keep)=([0-9]{1,12}(?:\.[0-9]{1,9})?)")
_OF_STUDY = "of=study"
_MOST_WORDS = 4


@dataclass(frozen=True, kw_only=True)
class Kept:
    """For how long an ended job stays.

    Attributes:
        succeeded: seconds after its end for a job that succeeded; None = nothing is said.
        failed: the same for one that failed.
        keep: how many ended jobs of the site stay at most, of each outcome; None = any number.
        of_study: ``keep`` counts the jobs of the same study only.
    """

    succeeded: float | None = None
    failed: float | None = None
    keep: int | None = None
    of_study: bool = False

    def seconds(self, *, succeeded: bool) -> float | None:
        """Return how long a job of this outcome stays; None = nothing is said, 0 = not at all.

        A number without a time keeps that many for ever, as a CronJob's history limits do.
        """
        if self.keep == 0:
            return 0.0
        if self.keep is not None and self.succeeded is None and self.failed is None:
            return math.inf
        return self.succeeded if succeeded else self.failed

    @property
    def text(self) -> str:
        """What is written on the pod; empty when nothing is said."""
        said = {"succeeded": self.succeeded, "failed": self.failed, "keep": self.keep}
        words = [f"{name}={value:.12g}" for name, value in said.items() if value is not None]
        return " ".join([*words, *([_OF_STUDY] if self.of_study and self.keep is not None else [])])


NOTHING_SAID = Kept()


def kept_from_text(text: str) -> Kept:
    """Return what a text says; anybody may have written it, and what cannot be read says nothing."""
    found: dict[str, float] = {}
    words = text.split(maxsplit=_MOST_WORDS)
    for word in words:
        match = _WORD.fullmatch(word)
        if match is None and word != _OF_STUDY:
            return NOTHING_SAID
        if match is not None:
            found[match[1]] = min(float(match[2]), LONGEST_SECONDS)
    keep = int(found["keep"]) if "keep" in found else None
    return Kept(
        succeeded=found.get("succeeded"),
        failed=found.get("failed"),
        keep=keep,
        of_study=_OF_STUDY in words and keep is not None,
    )


def kept_of(annotations: Mapping[str, str]) -> Kept:
    """Return what the annotations of a pod say."""
    return kept_from_text(annotations.get(ANNOTATION_RETENTION, ""))
