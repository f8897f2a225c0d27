"""``fljob diagnose``: write the diagnosis of a job into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli
from launcher.cli.numbers import Whole
from launcher.cli.width import say
from launcher.edges.disk.bundle import check_folder, write_bundle
from launcher.usecases.diagnose import TAIL

__all__ = ["diagnose_command"]


@click.command("diagnose")
@options.job_argument
@options.cluster_options
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    required=True,
    help="New folder.",
)
@click.option("--tail", type=Whole(1), default=TAIL, show_default=True, help="Last lines of each log.")
@click.option("--force", is_flag=True, help="Write into a folder that is not empty.")
@click.pass_obj
def diagnose_command(
    cli: Cli, /, release: str, folder: Path, tail: int, *, force: bool, **given: Any
) -> None:
    """Write everything that tells why JOB is where it is into DIR, without credentials.

    cause.txt has the answer; what could not be had is named in missing.txt.
    """
    site = options.site_from(**given)
    check_folder(folder, force=force)
    service = cli.service(site)
    bundle = service.diagnose(service.find(release, site.namespace), site.namespace, tail=tail)
    write_bundle(folder, bundle.files, force=force)
    say(bundle.cause)
    for name in sorted(bundle.files):
        click.echo(folder / name)
