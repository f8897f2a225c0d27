"""The command ``fljob``: parses options, calls the use cases, prints the results."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from launcher.usecases.ports import World

__all__ = ["main"]


def main(argv: Sequence[str] | None = None, world: World | None = None) -> None:
    """Run the command line and exit; see ``launcher.cli.app.run``."""
    try:
        # Late, so that Ctrl-C during half a second of imports prints no traceback.
        from launcher.cli.app import run  # noqa: PLC0415

        run(argv, world)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
