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
from launcher.cli.signals import Stopped, cancelled_by_signals, stopped_by_sigterm
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import JobState
from launcher.core.redaction import Mask, by_shape, cautious, literals, masker
from launcher.core.report.status import report, verdict_line
from launcher.core.views import ContainerState
from launcher.errors import LauncherError
from launcher.usecases.handle import JobHandle
from launcher.usecases.service import Service

__all__ = ["launch_command", "wait_command"]

_OF_SITE = ("config", "namespace", "kubeconfig", "context", "site", "role")
_TIMED_OUT = 10
_SIGINT, _SIGTERM = 130, 143  # as a shell says it: 128 and the number of the signal
_LAST_LINES = 5
_CLEAN_UP_WITHIN = 60.0


@click.command("launch")
@options.job_options
@options.cluster_options
@options.output_option("table", "json")
@click.option(
    "--secret-env", multiple=True, metavar="NAME", help="Pass this variable through the per-job Secret."
)
@click.option(
    "--wait",
    "wait",
    is_flag=True,
    help="Wait for the end and exit with the job's return code. A job that succeeded is removed then, its "
    "log with it; one that failed is kept, unless it never started.",
)
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
    site = options.site_from(**{key: given[key] for key in _OF_SITE})
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
    with cancelled_by_signals() as cancel, wiring.refusal_kept(spec, site, diagnose, secret):
        handle = service.launch(
            spec,
            lambda s: composition.render_values(s, site),
            secret=secret,
            cancel=cancel,
            keep=keep,
            patient=wait,
        )
    if not wait:
        return _launched(handle.job, output)
    mask = cautious(value.decode("utf-8", "replace") for value in secret.values())
    return _wait(service, handle, output, None, where=options.repeated(given, site.namespace), mask=mask)


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
    """Wait until RELEASE has ended; exit 0 on success, else with its return code.

    A job that succeeded is removed then, its log with it. One that failed is kept until `fljob terminate` or
    `fljob gc`, and its last log lines are printed; one that never started is removed.
    """
    site = options.site_from(**given)
    service = wiring.service(site)
    keep = wiring.keeper(service, diagnose)
    handle = service.attach(release, site.namespace, keep=keep)
    where = options.repeated(given, site.namespace)
    return _wait(service, handle, output, timeout, where=where, mask=_mask(service, handle.job))


def _mask(service: Service, job: JobRef) -> Mask:
    """Return what hides the per-job Secret, which goes as soon as the job has ended."""
    try:
        known = service.world.secrets.mask(job.credential_secret, job.namespace)
    except LauncherError:
        return by_shape
    return lambda text: by_shape(known(text))


def _wait(
    service: Service, handle: JobHandle, output: str, timeout: float | None, *, where: str, mask: Mask
) -> int:
    """Wait and say how it ended.

    Args:
        service: the use cases.
        handle: of the job.
        output: ``table`` or ``json``.
        timeout: seconds; None = until the end.
        where: options for the commands that the user may want next.
        mask: hides credentials in the last lines of the log.
    """
    job, clock = handle.job, service.world.clock
    attach = f"fljob wait {job.release} {where}"
    try:
        with stopped_by_sigterm(), live_line(job.release, clock) as notice:
            outcome = handle.wait(timeout, notice)
    except KeyboardInterrupt as signal:
        if handle.is_refused:
            handle.terminate()
            click.echo("\nthe cluster has refused the job so far; nothing is left of it", err=True)
            return _SIGTERM if isinstance(signal, Stopped) else _SIGINT
        end = f"fljob terminate {job.release} {where}"
        click.echo(f"\nthe job goes on; wait for it again: {attach}\n  or end it: {end}", err=True)
        return _SIGTERM if isinstance(signal, Stopped) else _SIGINT
    described = report(job, None, handle.track, now=clock.monotonic(), wall=clock.now())
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
    """Print the last words of a failed job, where there are any."""
    job, pod = handle.job, handle.track.pod
    if pod is None or pod.main is None or pod.main.state is not ContainerState.TERMINATED:
        return
    try:
        hide = masker(literals(service.world.pods.raw(job.pod_name, job.namespace).value))
        for line in service.world.pods.logs(job.pod_name, job.namespace, tail=_LAST_LINES):
            click.echo(f"  | {mask(hide(line))}", err=True)
    except LauncherError as error:
        click.echo(f"  no log: {error.message}", err=True)
