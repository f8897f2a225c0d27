"""What one module has said in the log: threads of other tests may still say something in theirs."""

from __future__ import annotations

import pytest

__all__ = ["said_by"]


def said_by(caplog: pytest.LogCaptureFixture, module: str) -> list[str]:
    """Return the messages of the logger of a module, or of all modules of a package."""
    return [one.getMessage() for one in caplog.records if f"{one.name}.".startswith(f"{module}.")]
