"""``fljob kit``: change a kit that FLARE prepared for Kubernetes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli
from launcher.cli.site_rights import rights_of_chart_or_warning, switched_on
from launcher.cli.width import say
from launcher.core import foreign
from launcher.core.flare import kit
from launcher.core.flare.kit_protection import protect
from launcher.core.flare.kit_steps import next_steps
from launcher.core.flare.roll_out import risks
from launcher.core.flare.site_folder import SITE_FOLDER, new_place
from launcher.core.releases import StorageDriver
from launcher.core.spec.site import SiteConfig

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
@click.option(
    "--protect/--no-protect",
    "is_protected",
    default=None,
    help="Give the parent a PodDisruptionBudget and marks for autoscalers, or take them; else as it is.",
)
def adopt_command(
    folder: Path, *, dry_run: bool, undo: bool, driver: StorageDriver | None, is_protected: bool | None
) -> None:
    """Swap the launcher of a kit, add the rights that Helm needs, and move the site's files out of `local/`.

    FLARE sends what is in `local/` to every job pod. Doing it twice changes nothing.
    """
    from launcher.edges.disk.kit import configured, exposed_files, read_kit, write_kit  # noqa: PLC0415

    before = read_kit(folder)
    moving: list[str] = []
    if undo:  # FLARE's own launcher reads none of the site's files, wherever they are
        after = protect(kit.undo(before), wanted=False)
    else:
        site = configured(folder)
        after = protect(_adopted(before, driver, site), wanted=is_protected)
        moving = exposed_files(folder, before, site)
        _warn(folder, after, site)
    if before == after and not moving:
        say(f"{folder}: nothing to change")
        return
    if dry_run:
        _show(before, after, moving)
        return
    write_kit(folder, before, after)
    changed = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    for name in changed:
        say(f"{folder / name}: {'removed' if name not in after else 'written'}")
    moved = list(_moved(folder, moving))
    if changed or moved:
        _next_steps(folder, after, moved, changed, undo=undo)


@kit_command.command("secrets")
@options.cluster_options
@click.option("--remove", metavar="NAME", help="Delete this one, if no job uses it.")
@click.pass_obj
def secrets_command(cli: Cli, /, remove: str | None, **given: Any) -> None:
    """List the Secrets with startup kits, which jobs of one site share and nobody removes by himself.

    A parent makes its Secret for its next job anew.
    """
    from launcher.usecases.listing import check_namespace  # noqa: PLC0415
    from launcher.usecases.startup import remove_startup_kit, startup_kits  # noqa: PLC0415

    site = options.site_from(**given)
    world = cli.service(site).world
    if remove is not None:
        remove_startup_kit(world, site.namespace, remove)
        say(f"removed secret {foreign.word(remove)}")
        return
    found = startup_kits(world, site.namespace)
    for one in found:
        whose = f"site {foreign.word(one.secret.site)}, federation {foreign.word(one.secret.federation)}"
        made = f"{one.secret.created:%Y-%m-%d}" if one.secret.created else "at an unknown time"
        say(f"{one.name}  {whose}, made {made}, used by {len(one.pods)} pods")
    if not found:
        check_namespace(world, site.namespace)
        say(f"no Secrets of startup kits in namespace {site.namespace}", err=True)


def _warn(folder: Path, files: Mapping[str, str], site: SiteConfig) -> None:
    """Say on stderr what of the kit costs running jobs when its parent is rolled out."""
    from launcher.edges.disk.kit import parent_kit  # noqa: PLC0415

    for risk in risks(parent_kit(folder, files, site)):
        say(f"warning: {foreign.line(risk.sentence)}\n  cure: {foreign.line(risk.cure)}", err=True)


def _show(before: Mapping[str, str], after: Mapping[str, str], moving: Sequence[str]) -> None:
    """Print what would change."""
    for name in sorted({*before, *after}):
        old, new = before.get(name, "").splitlines(), after.get(name, "").splitlines()
        for line in difflib.unified_diff(old, new, f"a/{name}", f"b/{name}", lineterm="", n=2):
            click.echo(foreign.line(line))
    for name in moving:
        say(foreign.line(f"move {name} to {new_place(name)}"))


def _adopted(before: Mapping[str, str], driver: StorageDriver | None, site: SiteConfig) -> dict[str, str]:
    of_kit = kit.with_arguments(site, kit.arguments(before))
    more = rights_of_chart_or_warning(of_kit) | switched_on(of_kit)
    return kit.adopt(before, driver, default=site.storage_driver, more=more)


def _moved(folder: Path, moving: Sequence[str]) -> Iterator[str]:
    """Move files out of ``local/``, print what became of each, and yield those that are gone from there."""
    from launcher.edges.disk.site_folder import move  # noqa: PLC0415

    for name, is_moved in move(folder, moving):
        to = new_place(name)
        done = f"moved to {to}" if is_moved else f"is not {to}, which counts: remove one of the two"
        say(foreign.line(f"{folder / name}: {done}"))
        if is_moved:
            yield name


def _next_steps(
    folder: Path, files: Mapping[str, str], moved: Sequence[str], changed: Sequence[str], *, undo: bool
) -> None:
    """Print what makes the change take effect: neither chart nor helm updates what the parent reads."""
    from launcher.edges.disk.kit import chart_values  # noqa: PLC0415

    has_own = (folder / SITE_FOLDER).is_dir()
    values, namespace = chart_values(folder), kit.namespace(files)
    steps = next_steps(str(folder), values, namespace, own_folder=has_own, moved=moved, changed=changed)
    if undo:  # FLARE's own launcher makes one without the marks by which ours tells whose it is
        where = foreign.word(kit.namespace(files))
        steps += [f"fljob kit secrets -n {where}", f"fljob kit secrets -n {where} --remove NAME"]
    say("next, so that the parent sees it (docs/flare.md):")
    for step in steps:
        click.echo(f"  {foreign.line(step)}")
