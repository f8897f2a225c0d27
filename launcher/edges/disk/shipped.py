"""Folders that come with the package."""

from __future__ import annotations

from pathlib import Path

from launcher.errors import InvalidInput

__all__ = ["shipped"]

_PACKAGE = Path(__file__).parents[2]
# A wheel carries them inside the package; a checkout has them beside it.
_SHARE_DIRS = (_PACKAGE / "_share", _PACKAGE.parent)


def shipped(name: str) -> Path:
    """Return a folder that comes with the package.

    Raises:
        InvalidInput: the installation has none.
    """
    found = next((base / name for base in _SHARE_DIRS if (base / name).is_dir()), None)
    if found is None:
        raise InvalidInput(f"the installation has no {name}", cure="install fljob-launcher again")
    return found
