"""The table of commands; a command's module is imported only when it is run or shown."""

from __future__ import annotations

import difflib
import importlib
from typing import Any

import click

from launcher.cli import streams
from launcher.core.foreign import quoted

__all__ = ["COMMANDS", "LazyGroup"]

# Command -> its line in --help, so that --help imports none of them. A command is in the module of its name.
COMMANDS: dict[str, str] = {
    "render": "Print the chart values of a job.",
    "template": "Print the manifests of a job, offline.",
    "diff": "Show what a change means for the jobs of a site.",
    "plan": "Say what the cluster would say to a job.",
    "launch": "Install a job's release.",
    "wait": "Wait for a job to end.",
    "list": "List the jobs of a namespace.",
    "top": "Watch the jobs, and what they wait for.",
    "status": "Show one job.",
    "logs": "Print a job's log.",
    "events": "Print the events of a job's pod.",
    "diagnose": "Write everything that tells why into a folder.",
    "terminate": "End a job and remove everything of it.",
    "gc": "Remove what ended jobs left behind.",
    "federation": "Ask FLARE's server what all sites say of a job.",
    "kit": "Give a prepared FLARE kit to our launcher.",
    "usage": "Say what jobs have used, and where their time went.",
    "doctor": "Check whether jobs can run here.",
    "rbac": "Print the rights that the parent of a site needs.",
    "completion": "Print what makes a shell complete commands and jobs.",
    "version": "Print the version.",
}


# What people type who know other programs: -> ours.
_OTHERS = {
    **dict.fromkeys(("ls", "ps", "get", "jobs"), "list"),
    **dict.fromkeys(("stop", "delete", "rm", "remove", "kill", "cancel", "uninstall", "abort"), "terminate"),
    **dict.fromkeys(("describe", "show", "inspect", "info"), "status"),
    **dict.fromkeys(("run", "submit", "start", "create", "install"), "launch"),
    **dict.fromkeys(("log", "tail"), "logs"),
    **dict.fromkeys(("clean", "prune", "sweep", "cleanup"), "gc"),
    **dict.fromkeys(("check", "preflight"), "doctor"),
    **dict.fromkeys(("debug", "explain"), "diagnose"),
    **dict.fromkeys(("dry-run", "preview"), "plan"),
    **dict.fromkeys(("watch", "monitor", "live"), "top"),
    "attach": "wait",
}


class LazyGroup(click.Group):
    """A group that imports the module of a command only when it is run: `template` must stay fast."""

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        """Parse the options, some of which print."""
        with streams.written():
            return super().make_context(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with streams.written():
            return super().invoke(ctx)

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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the command that is meant by one that does not exist."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = [_OTHERS[name]] if name in _OTHERS else difflib.get_close_matches(name, COMMANDS, 3, 0.5)
            hint = f" Did you mean {' or '.join(repr(one) for one in near)}?" if near else ""
            ctx.fail(f"No such command {quoted(name)}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table without importing the commands."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])
