"""``fljob kit``: change a kit that FLARE prepared for Kubernetes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

import click

from launcher.cli import options
from launcher.core import foreign
from launcher.core.flare import kit
from launcher.core.releases import StorageDriver

__all__ = ["kit_command"]


@click.group("kit")
def kit_command() -> None:
    """Change a kit that `nvflare deploy prepare` made for Kubernetes."""


@kit_command.command("adopt")
@click.option(
    "--kit", "folder", type=click.Path(path_type=Path), required=True, help="Output of deploy prepare."
)
@click.option("--dry-run", is_flag=True, help="Only show the difference.")
@click.option("--undo", is_flag=True, help="Give the kit back to FLARE's own launcher.")
@options.driver_option(default=None, without="the one that the kit has stays, `secret` in a new one")
def adopt_command(folder: Path, *, dry_run: bool, undo: bool, driver: StorageDriver | None) -> None:
    """Swap the launcher of a kit and add the rights that Helm needs; doing it twice changes nothing."""
    from launcher.edges.disk.kit import read_kit, storage_driver, write_kit  # noqa: PLC0415

    before = read_kit(folder)
    after = kit.undo(before) if undo else kit.adopt(before, driver, default=storage_driver(folder))
    if before == after:
        click.echo(f"{folder}: nothing to change")
        return
    if dry_run:
        for name in sorted({*before, *after}):
            old, new = before.get(name, "").splitlines(), after.get(name, "").splitlines()
            for line in difflib.unified_diff(old, new, f"a/{name}", f"b/{name}", lineterm="", n=2):
                click.echo(foreign.line(line))
        return
    write_kit(folder, before, after)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            click.echo(f"{folder / name}: {'removed' if name not in after else 'written'}")
    _next_steps(folder, after)


def _next_steps(folder: Path, files: Mapping[str, str]) -> None:
    """Print what makes the change take effect: neither chart nor helm updates what the parent reads."""
    from launcher.edges.disk.documents import read_yaml  # noqa: PLC0415

    found = read_yaml(folder / kit.VALUES) if (folder / kit.VALUES).is_file() else {}
    steps = kit.next_steps(str(folder), found if isinstance(found, dict) else {}, kit.namespace(files))
    click.echo("next, so that the parent sees it (docs/flare.md):")
    for step in steps:
        click.echo(f"  {foreign.line(step)}")
