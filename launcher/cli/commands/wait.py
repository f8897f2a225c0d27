"""``fljob wait``: wait for the end of a job and print how it ended."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from launcher.cli import options, wiring
from launcher.cli.context import Cli
from launcher.cli.live_line import live_line
from launcher.cli.signals import Stopped, stopped_by_sigterm
from launcher.core import foreign
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import JobReport, JobState
from launcher.core.redaction import Mask, by_shape, literals, masker
from launcher.core.report.status import verdict_line
from launcher.core.views import ContainerState
from launcher.errors import LauncherError
from launcher.usecases.handle import JobHandle
from launcher.usecases.service import Service

__all__ = ["wait_and_report", "wait_command"]

_TIMED_OUT = 10
_SIGINT, _SIGTERM = 130, 143  # as shells do: 128 plus the number of the signal
_LAST_LINES = 5
_CLEAN_UP_WITHIN = 60.0


@click.command("wait")
@click.argument("release")
@options.cluster_options
@options.output_option("table", "json")
@options.diagnose_option
@click.option(
    "--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Give up then (exit code 10)."
)
@click.pass_obj
def wait_command(
    cli: Cli, /, release: str, output: str, timeout: float | None, diagnose: Path | None, **given: Any
) -> int:
    """Wait until RELEASE has ended; exit 0 on success, else with its return code.

    A job that succeeded is removed then, its log with it. One that failed is kept until `fljob terminate` or
    `fljob gc`, and its last log lines are printed; one that never started is removed.
    """
    site = options.site_from(**given)
    service = cli.service(site)
    on_failure = wiring.bundle_on_failure(service, diagnose)
    handle = service.attach(release, site.namespace, on_failure=on_failure)
    where = options.cluster_arguments(given, site.namespace)
    return wait_and_report(service, handle, output, timeout, where=where, mask=_mask(service, handle.job))


def _mask(service: Service, job: JobRef) -> Mask:
    """Return a mask for the per-job Secret, which is removed as soon as the job has ended."""
    try:
        known = service.world.secrets.mask(job.credential_secret, job.namespace)
    except LauncherError:
        return by_shape
    return lambda text: by_shape(known(text))


def wait_and_report(
    service: Service, handle: JobHandle, output: str, timeout: float | None, *, where: str, mask: Mask
) -> int:
    """Wait, print how the job ended, and return the exit code.

    Args:
        service: the use cases.
        handle: of the job.
        output: ``table`` or ``json``.
        timeout: seconds; None = until the end.
        where: options for the commands that are suggested.
        mask: hides credentials in the last lines of the log.
    """
    job = handle.job
    name = shlex.quote(job.release)
    attach = f"fljob wait {name} {where}"
    try:
        with stopped_by_sigterm(), live_line(job.release, service.world.clock) as notify:
            outcome = handle.wait(timeout, notify)
    except KeyboardInterrupt as signal:
        if handle.is_refused:
            handle.terminate()
            click.echo("\nthe cluster has refused the job so far; nothing is left of it", err=True)
            return _SIGTERM if isinstance(signal, Stopped) else _SIGINT
        end = f"fljob terminate {name} {where}"
        click.echo(f"\nthe job goes on; wait for it again: {attach}\n  or end it: {end}", err=True)
        return _SIGTERM if isinstance(signal, Stopped) else _SIGINT
    described = service.describe(JobReport(job, None, handle.track))
    del described["helm"]
    if outcome is None:
        if output == "json":
            click.echo(json.dumps(described))
        click.echo(f"{job.release} has not ended after {timeout:g} s; wait on with: {attach}", err=True)
        return _TIMED_OUT
    click.echo(json.dumps(described) if output == "json" else f"{job.release}  {verdict_line(described)}")
    if handle.track.state is JobState.FAILED:
        _last_lines(service, handle, mask)
    if not handle.close(_CLEAN_UP_WITHIN):
        click.echo(f"warning: {job.release} is not removed yet; run: fljob gc {where}", err=True)
    return int(outcome.return_code)


def _last_lines(service: Service, handle: JobHandle, mask: Mask) -> None:
    """Print the last log lines of a failed job, if its container ran."""
    job, pod = handle.job, handle.track.pod
    if pod is None or pod.main is None or pod.main.state is not ContainerState.TERMINATED:
        return
    try:
        hide = masker(literals(service.world.pods.raw(job.pod_name, job.namespace).value))
        lines = service.world.pods.logs(job.pod_name, job.namespace, tail=_LAST_LINES)
        # Together: a private key has many lines.
        for line in mask(hide("\n".join(lines))).splitlines():
            click.echo(f"  | {foreign.line(line)}", err=True)
    except LauncherError as error:
        click.echo(f"  no log: {error.message}", err=True)
