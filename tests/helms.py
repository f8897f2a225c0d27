"""Which helm the tests run. Where Helm 3 does something else than Helm 4, the test says what is right for each."""

from __future__ import annotations

import functools
import subprocess

__all__ = ["major"]


@functools.cache
def major() -> int:
    """Return 4 or 3: the major version of the helm on PATH (see FLJOB_TEST_HELM in tests/conftest.py)."""
    words = ["helm", "version", "--template", "{{.Version}}"]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return int(said.removeprefix("v").partition(".")[0])
