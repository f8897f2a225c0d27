"""The command ``fljob``: parses options, calls the use cases, prints the results."""

from __future__ import annotations

import sys

# What `typing` calls so; importing that costs some ten milliseconds, in which Ctrl-C would be a traceback.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Sequence

    from launcher.usecases.ports import World

__all__ = ["main"]


def main(argv: Sequence[str] | None = None, world: World | None = None) -> None:
    """Run the command line and exit; see ``launcher.cli.app.run``.

    Args:
        argv: arguments; None = those of the process, which this then is the end of.
        world: the ports; None = helm and the cluster of the configuration.
    """
    try:
        # Late, so that Ctrl-C during half a second of imports prints no traceback.
        from launcher.cli.signals import sigint_beside_imports  # noqa: PLC0415

        with sigint_beside_imports(is_last=argv is None):
            from launcher.cli.app import run  # noqa: PLC0415

            run(argv, world)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
