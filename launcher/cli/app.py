"""The command ``fljob`` itself: runs a command and maps its result or error to an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from launcher.cli.command_table import LazyGroup
from launcher.cli.context import Cli
from launcher.cli.exit_codes import EPILOG, exit_code_of
from launcher.cli.messages import own_messages_only, trace
from launcher.errors import LauncherError

if TYPE_CHECKING:
    from launcher.usecases.ports import World

__all__ = ["run"]


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from launcher.cli.commands.version import version_command  # noqa: PLC0415

        ctx.invoke(version_command)
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
def fljob() -> None:
    """Run federated-learning jobs on Kubernetes, each one a release of the Helm chart fljob."""


def run(argv: Sequence[str] | None = None, world: World | None = None) -> None:
    """Run the command line and exit; expected errors print a message and no traceback.

    Args:
        argv: arguments; None = those of the process.
        world: the ports; None = helm and the cluster of the configuration.
    """
    args = None if argv is None else list(argv)
    with own_messages_only():
        sys.exit(_run(args, world))


def _run(args: list[str] | None, world: World | None) -> int:
    try:
        code = fljob.main(args=args, standalone_mode=False, prog_name="fljob", obj=Cli(world))
    except click.exceptions.Exit as done:
        code = done.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = 130
    except LauncherError as error:
        click.echo(f"{click.style('error:', fg='red')} {error}", err=True)
        code = exit_code_of(error)
    except BrokenPipeError:
        # `fljob list | head -1`: the reader has closed the pipe, which is no error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # noqa: BLE001 - Python would print it with whatever it quotes
        words = "this is a defect of fljob; please report it with the lines above"
        click.echo(f"{trace(error)}\n{click.style('error:', fg='red')} {words}", err=True)
        code = 1
    return code if isinstance(code, int) else 0
