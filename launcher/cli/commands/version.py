"""``fljob version``."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import click

__all__ = ["version_command"]


@click.command("version")
def version_command() -> None:
    """Print the version."""
    try:
        click.echo(version("fljob-launcher"))
    except PackageNotFoundError:
        click.echo("not installed (running from a checkout)")
