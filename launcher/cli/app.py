"""The command ``fljob`` itself: runs a command and maps its result or error to an exit code."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from launcher.cli import streams
from launcher.cli.command_table import LazyGroup
from launcher.cli.context import Cli
from launcher.cli.exit_codes import DEFECT, EPILOG, exit_code_of
from launcher.cli.messages import may_colour, own_messages_only, trace
from launcher.cli.width import folded, output_width, say
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
    with streams.usable(), own_messages_only():
        sys.exit(_run(args, world))


def _lacks_dashes(error: click.NoSuchOption, args: list[str] | None) -> bool:
    """Return whether an option of a job's COMMAND was taken for ours: `launch meta.json python3 -c ...`."""
    params = error.ctx.command.params if error.ctx else []
    takes_command = any(param.name == "command" and param.nargs == -1 for param in params)
    return takes_command and "--" not in (sys.argv[1:] if args is None else args)


def _run(args: list[str] | None, world: World | None) -> int:
    code = 0
    try:
        code, tell = _invoke(args, world)
        with streams.written():
            tell()
            streams.flush()
    except streams.Lost as lost:
        error = streams.give_up(lost)
        if error is not None:
            _say_error(error)
            code = code or exit_code_of(error)
    return code


def _invoke(args: list[str] | None, world: World | None) -> tuple[int, Callable[[], None]]:
    """Run the command; return the exit code and what prints the error.

    Raises:
        Lost: stdout cannot be written.
    """
    try:
        code = fljob.main(
            args=args, standalone_mode=False, prog_name="fljob", obj=Cli(world), color=may_colour()
        )
    except click.exceptions.Exit as done:
        code = done.exit_code
    except click.ClickException as error:
        return error.exit_code, partial(_show, error, args)
    except (click.Abort, KeyboardInterrupt):
        return 130, partial(click.echo, "interrupted", err=True)
    except LauncherError as error:
        return exit_code_of(error), partial(_say_error, error)
    except streams.Lost:
        raise
    except Exception as error:  # noqa: BLE001 - Python would print it with whatever it quotes
        words = "this is a defect of fljob; please report it with the lines above"
        return DEFECT, partial(_say_error, words, before=f"{trace(error)}\n")
    return code if isinstance(code, int) else 0, lambda: None


def _say_error(error: object, *, before: str = "") -> None:
    text = folded(f"{click.style('error:', fg='red')} {error}", output_width(sys.stderr))
    click.echo(f"{before}{text}", err=True, color=may_colour())


def _show(error: click.ClickException, args: list[str] | None) -> None:
    text = io.StringIO()
    error.show(text)
    say(text.getvalue().rstrip("\n"), err=True)
    if isinstance(error, click.NoSuchOption) and _lacks_dashes(error, args):
        hint = f"write `--` before COMMAND: `-- ... {error.option_name}`"
        say(f"If it is an option of COMMAND, {hint}.", err=True)
