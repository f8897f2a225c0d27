"""The table of commands; a command's module is imported only when it is run or shown."""

from __future__ import annotations

import importlib

import click

__all__ = ["COMMANDS", "LazyGroup"]

# Command -> its line in --help, so that --help imports none of them. A command is in the module of its name.
COMMANDS: dict[str, str] = {
    "render": "Print the chart values of a job.",
    "template": "Print the manifests of a job, offline.",
    "launch": "Install a job's release.",
    "wait": "Wait for a job to end.",
    "list": "List the jobs of a namespace.",
    "status": "Show one job.",
    "logs": "Print a job's log.",
    "events": "Print the events of a job's pod.",
    "diagnose": "Write everything that tells why into a folder.",
    "terminate": "End a job and remove everything of it.",
    "gc": "Remove what ended jobs left behind.",
    "kit": "Give a prepared FLARE kit to our launcher.",
    "doctor": "Check whether jobs can run here.",
    "rbac": "Print the rights that the parent of a site needs.",
    "version": "Print the version.",
}


class LazyGroup(click.Group):
    """A group that imports the module of a command only when it is run: `template` must stay fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"launcher.cli.commands.{cmd_name}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table without importing the commands."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])
