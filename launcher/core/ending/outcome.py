"""How a job ended, as a value: one code of the catalogue, one FLARE return code, one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.catalogue.returncodes import ReturnCode

__all__ = ["Outcome", "make_outcome"]


@dataclass(frozen=True)
class Outcome:
    """How a job ended; it never changes.

    Attributes:
        code: which end of the catalogue.
        return_code: what FLARE's parent gets.
        detail: one sentence with the facts of this case.
        exit_code: exit code of the job container, None when it never ended by itself.
        clock: the setting whose time ran out; empty when none did.
        cure: what to do about this case; empty = what the catalogue says of the code.
    """

    code: Code
    return_code: ReturnCode
    detail: str
    exit_code: int | None = None
    clock: str = ""
    cure: str = ""

    @property
    def succeeded(self) -> bool:
        """True when the job did what it was asked to do."""
        return self.code is Code.SUCCESS


def make_outcome(code: Code, detail: str = "", *, exit_code: int | None = None) -> Outcome:
    """Return the outcome of a code with the return code of the catalogue."""
    return Outcome(code, CATALOGUE[code].return_code, detail or CATALOGUE[code].summary, exit_code)
