"""Commands that start a job and wait for it: launch, wait."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import click

from launcher import composition
from launcher.cli import options, wiring
from launcher.cli.live import live_line
from launcher.cli.signals import cancelled_by_signals
from launcher.core.jobref import JobRef
from launcher.core.report import report, verdict_line
from launcher.handle import JobHandle
from launcher.service import Service

__all__ = ["launch_command", "wait_command"]

_TIMED_OUT = 10
_CLEAN_UP_WITHIN = 60.0


@click.command("launch")
@options.job_options
@options.cluster_options
@options.output_option("table", "json")
@click.option(
    "--secret-env", multiple=True, metavar="NAME", help="Pass this variable through the per-job Secret."
)
@click.option("--wait", "wait", is_flag=True, help="Wait for the end and exit with the job's return code.")
@options.diagnose_option
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def launch_command(
    meta: str,
    command: tuple[str, ...],
    output: str,
    secret_env: tuple[str, ...],
    *,
    wait: bool,
    diagnose: Path | None,
    **given: Any,
) -> int:
    """Install the release of job META and return when Helm has accepted it. The job runs COMMAND.

    Only the meta of a job folder is read: what COMMAND runs must be in the image, as in:
    fljob launch meta.json --site site-1 -- python3 -c 'print("hello")'
    """
    site = options.site_from(
        **{k: given[k] for k in ("config", "namespace", "kubeconfig", "context", "site", "role")}
    )
    if diagnose and not wait:
        raise click.UsageError("--diagnose needs --wait: without it nobody is there when the job fails")
    secret = wiring.secret_content(secret_env)
    job_id = given["job_id"] or str(uuid.uuid4())
    spec = wiring.job_spec(
        site, meta, job_id=job_id, study=given["study"], command=command, secret_env=secret_env
    )
    service = wiring.service(site)
    keep = wiring.keeper(service, diagnose, known=secret)
    # The install stops then, and what it made is removed.
    with cancelled_by_signals() as cancel:
        handle = service.launch(
            spec,
            lambda s: composition.render_values(s, site),
            secret=secret,
            cancel=cancel,
            keep=keep,
            patient=wait,
        )
    return _wait(service, handle, output, None) if wait else _launched(handle.job, output)


def _launched(job: JobRef, output: str) -> int:
    shown = {"release": job.release, "namespace": job.namespace, "jobId": job.job_id, "pod": job.pod_name}
    text = f"launched {job.release} (pod {job.namespace}/{job.pod_name})"
    click.echo(json.dumps(shown) if output == "json" else text)
    return 0


@click.command("wait")
@click.argument("release")
@options.cluster_options
@options.output_option("table", "json")
@options.diagnose_option
@click.option(
    "--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Give up then (exit code 10)."
)
def wait_command(
    release: str, output: str, timeout: float | None, diagnose: Path | None, **given: Any
) -> int:
    """Wait until RELEASE has ended; exit 0 on success, else with its return code."""
    site = options.site_from(**given)
    service = wiring.service(site)
    keep = wiring.keeper(service, diagnose)
    return _wait(service, service.attach(release, site.namespace, keep=keep), output, timeout)


def _wait(service: Service, handle: JobHandle, output: str, timeout: float | None) -> int:
    job, clock = handle.job, service.world.clock
    attach = f"fljob wait {job.release} -n {job.namespace}"
    try:
        with live_line(job.release, clock) as notice:
            outcome = handle.wait(timeout, notice)
    except KeyboardInterrupt:
        if handle.is_refused:
            handle.terminate()
            click.echo("\nthe cluster has refused the job so far; nothing is left of it", err=True)
            return 130
        end = f"fljob terminate {job.release} -n {job.namespace}"
        click.echo(f"\nthe job goes on; wait for it again: {attach}\n  or end it: {end}", err=True)
        return 130
    described = report(job, None, handle.track, now=clock.monotonic(), wall=clock.now())
    del described["helm"]
    if outcome is None:
        click.echo(f"{job.release} has not ended after {timeout:g} s; {attach}", err=True)
        return _TIMED_OUT
    click.echo(json.dumps(described) if output == "json" else f"{job.release}  {verdict_line(described)}")
    if not handle.close(_CLEAN_UP_WITHIN):
        click.echo(f"warning: {job.release} is not removed yet; run: fljob gc -n {job.namespace}", err=True)
    return int(outcome.return_code)
