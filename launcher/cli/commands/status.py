"""``fljob status``: one job, why it is pending or how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli
from launcher.cli.width import hanging, output_width
from launcher.core import foreign
from launcher.core.report.status import cause_rows
from launcher.usecases.drift import drift_seen

__all__ = ["status_command"]


@click.command("status")
@options.job_argument
@options.cluster_options
@options.output_option("table", "json", "yaml")
@click.pass_obj
def status_command(cli: Cli, /, release: str, output: str, **given: Any) -> None:
    """Show one job: its release, its pod, why it is pending or how it ended."""
    site = options.site_from(**given)
    service = cli.service(site)
    found = service.inspect(service.find(release, site.namespace), site.namespace)
    drift = drift_seen(service.world, found)
    row = service.describe(found, drift.value)
    if output != "table":
        click.echo(options.written(row, output))
        return
    helm, pod, outcome = row["helm"], row["pod"], row["outcome"]
    status = "gone" if helm is None else f"{helm['status']}: {helm['summary']}"
    job, where, study = (foreign.name(row[key]) for key in ("jobId", "site", "study"))
    lines = {
        "release": f"{row['namespace']}/{row['release']}  {status}" if row["release"] else "none of this pod",
        "job": f"{job}  {row['role']} at {where}" + (f"  study {study}" if study else ""),
        "pod": f"{pod['name']}  {pod['phase']}  on {pod['node'] or 'no node yet'}" if pod else "gone",
        **({"foreign": row["foreign"]["detail"]} if row["foreign"] else {}),
        **_drift(row["drift"], drift.why),
        "state": row["state"] + (f" (return code {outcome['returnCode']})" if outcome else ""),
    }
    if row["unreadable"]:
        lines["unread"] = "; ".join(row["unreadable"])
    width = output_width()
    for name, text in (lines | cause_rows(row, service.world.clock.now())).items():
        click.echo(hanging(f"{name + ':':9} ", text, width))


def _drift(told: Mapping[str, Any] | None, why: str) -> dict[str, str]:
    """Return the rows about what somebody has changed since the launch, and about what is no drift."""
    if told is None:
        return {"drift": f"not known: {foreign.line(why)}"} if why else {}
    rows = {"drift": "; ".join(told["changes"]), "note": "; ".join(told["notes"])}
    return {title: text for title, text in rows.items() if text}
