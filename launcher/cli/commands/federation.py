"""``fljob federation``: what all sites of a federation say of a job, asked of FLARE's server."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import click

from launcher.cli import options
from launcher.cli.width import hanging, output_width, say
from launcher.core import foreign
from launcher.core.report.federation import site_rows
from launcher.core.report.site_verdict import from_meta, told_of
from launcher.errors import ToolMissing

__all__ = ["federation_command"]


@click.group("federation")
def federation_command() -> None:
    """Ask FLARE's server about jobs, as an admin; no cluster is needed."""


@federation_command.command("status")
@click.argument("job")
@click.option(
    "--admin",
    "kit",
    type=click.Path(path_type=Path),
    required=True,
    envvar="FLJOB_ADMIN_KIT",
    show_envvar=True,
    help="Startup kit of an admin: the folder that holds `startup`.",
)
@click.option("--study", default="default", show_default=True, help="Study of the job.")
@click.option("--user", default="", help="Name of the admin; without it the one in the kit.")
@options.output_option("table", "json", "yaml")
def status_command(job: str, kit: Path, study: str, user: str, output: str) -> None:
    """Show why a job waits, or how it ended, at each site that tells (`tell_server` of its fljob.yaml)."""
    try:
        from launcher.flare.admin import job_meta  # noqa: PLC0415 - seconds of imports
    except ImportError as error:
        raise ToolMissing(f"FLARE cannot be imported: {error}", cure="pip install nvflare") from error

    meta = job_meta(kit, study, job, user)
    sites = from_meta(meta)
    if output != "table":
        row = {"jobId": job, "status": meta.get("status"), "sites": told_of(meta)}
        click.echo(options.written(foreign.tree(row, foreign.line), output))
        return
    width = output_width()
    title = max(map(len, ("job", *map(foreign.name, sites)))) + 3
    click.echo(hanging(f"{'job:':{title}}", f"{job}  {foreign.line(str(meta.get('status')))}", width))
    for site, lines in site_rows(sites, datetime.now(timezone.utc)):
        click.echo(hanging(f"{f'{foreign.name(site)}:':{title}}", lines[0], width))
        for line in lines[1:]:
            click.echo(hanging(" " * title, line, width))
    if not sites:
        say("no site has told anything: the job waits for its sites, or their parents do not tell", err=True)
