"""``fljob plan``: what the cluster would say to a job, before its launch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from launcher.cli import offline, options, streams
from launcher.cli.planned import plan_text, planned
from launcher.cli.width import output_width
from launcher.core.report.plan import as_json

__all__ = ["plan_command"]


@click.command("plan")
@options.printed_job_options
@options.cluster_options
@options.output_option("table", "json")
@click.option(
    "--registry",
    is_flag=True,
    help="Ask the registries for the images, too, with the job's registry Secrets.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def plan_command(
    meta: str | None,
    command: tuple[str, ...],
    kit: Path | None,
    output: str,
    registry: bool,
    **given: Any,
) -> int:
    """Ask the cluster what a launch of the job META would meet; nothing is created.

    The objects are tried out (quota, admission, Pod Security, webhooks answer), what the pod names is looked
    for, and the nodes are compared with what it asks for. Exit code: 0 when nothing stops the job, else the
    return code that it would end with if nothing in the cluster changed. A check that could not be made says
    so and does not count.
    """
    site, spec = offline.one_job(offline.asked(meta, command, kit, given), given["study"])
    found = planned(site, spec, given, registry=registry)
    shown = json.dumps(as_json(found), indent=2) if output == "json" else plan_text(found, output_width())
    with streams.read_or_not():
        click.echo(shown)
    return int(found.return_code)
