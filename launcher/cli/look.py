"""Commands that only look: list, status, logs."""

from __future__ import annotations

import json
from typing import Any

import click

from launcher.cli import options, wiring
from launcher.cli.start import has_started, no_log, until_started
from launcher.core.lifecycle.state import JobReport
from launcher.core.report.status import cause_rows, report
from launcher.usecases.service import Service

__all__ = ["list_command", "logs_command", "status_command"]


def _describe(service: Service, found: JobReport) -> dict[str, Any]:
    clock = service.world.clock
    return report(found.job, found.release, found.track, now=clock.monotonic(), wall=clock.now())


@click.command("list")
@options.cluster_options
@options.output_option("table", "json")
def list_command(output: str, **given: Any) -> None:
    """List the jobs of a namespace."""
    site = options.site_from(**given)
    service = wiring.service(site)
    rows = [_describe(service, found) for found in service.jobs(site.namespace)]
    if output == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo(f"no jobs in namespace {site.namespace}", err=True)
        return
    from launcher.cli.table import jobs_table  # noqa: PLC0415 - rich is only needed here

    jobs_table(rows)


@click.command("status")
@click.argument("release")
@options.cluster_options
@options.output_option("table", "json")
def status_command(release: str, output: str, **given: Any) -> None:
    """Show one job: its release, its pod, why it is pending or how it ended."""
    site = options.site_from(**given)
    service = wiring.service(site)
    row = _describe(service, service.inspect(release, site.namespace))
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
        **({"drift": "somebody changed the pod's spec after the launch"} if pod and pod["drifted"] else {}),
        "state": row["state"] + (f" (return code {outcome['returnCode']})" if outcome else ""),
    }
    for name, text in (lines | cause_rows(row, service.world.clock.now())).items():
        click.echo(f"{name + ':':9} {text}")


@click.command("logs")
@click.argument("release")
@options.cluster_options
@click.option("-f", "--follow", is_flag=True, help="Go on until the job ends.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines.")
def logs_command(release: str, follow: bool, tail: int | None, **given: Any) -> None:
    """Print the log of the job container of RELEASE; with -f wait for the container, and then for its end."""
    site = options.site_from(**given)
    service = wiring.service(site)
    found = service.inspect(release, site.namespace)
    if not has_started(found.track):
        if follow:
            found = until_started(service, found)
        if not has_started(found.track):
            raise no_log(_describe(service, found), options.repeated(given, site.namespace))
    job = found.job
    for line in service.world.pods.logs(job.pod_name, job.namespace, follow=follow, tail=tail):
        click.echo(line)
