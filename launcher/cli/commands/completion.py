"""``fljob completion``: what makes a shell complete commands, options and the names of jobs."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

__all__ = ["completion_command"]

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    r"""Print a script that makes SHELL complete commands, options and the names of jobs.

    \b
    bash: source <(fljob completion bash)
    zsh:  source <(fljob completion zsh)
    fish: fljob completion fish | source
    """
    kind = get_completion_class(shell)
    if kind is None:  # click knows the three
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(kind(ctx.find_root().command, {}, "fljob", "_FLJOB_COMPLETE").source())
