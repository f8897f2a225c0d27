"""``fljob status``: one job, why it is pending or how it ended."""

from __future__ import annotations

import json
from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli
from launcher.core.report.status import cause_rows

__all__ = ["status_command"]


@click.command("status")
@click.argument("release")
@options.cluster_options
@options.output_option("table", "json")
@click.pass_obj
def status_command(cli: Cli, /, release: str, output: str, **given: Any) -> None:
    """Show one job: its release, its pod, why it is pending or how it ended."""
    site = options.site_from(**given)
    service = cli.service(site)
    row = service.describe(service.inspect(release, site.namespace))
    if output == "json":
        click.echo(json.dumps(row, indent=2))
        return
    helm, pod, outcome = row["helm"], row["pod"], row["outcome"]
    status = "gone" if helm is None else f"{helm['status']}: {helm['summary']}"
    lines = {
        "release": f"{row['namespace']}/{row['release']}  {status}",
        "job": f"{row['jobId']}  {row['role']} at {row['site']}"
        + (f"  study {row['study']}" if row["study"] else ""),
        "pod": f"{pod['name']}  {pod['phase']}  on {pod['node'] or 'no node yet'}" if pod else "gone",
        **({"foreign": row["foreign"]["detail"]} if row["foreign"] else {}),
        **({"drift": "somebody changed the pod's spec after the launch"} if pod and pod["drifted"] else {}),
        "state": row["state"] + (f" (return code {outcome['returnCode']})" if outcome else ""),
    }
    if row["unreadable"]:
        lines["unread"] = "; ".join(row["unreadable"])
    for name, text in (lines | cause_rows(row, service.world.clock.now())).items():
        click.echo(f"{name + ':':9} {text}")
