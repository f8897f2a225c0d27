"""``fljob launch``: install the release of a job."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from launcher.cli import options, wiring
from launcher.cli.commands.wait import Waiting, gave_up, wait_and_report
from launcher.cli.context import Cli
from launcher.cli.live_line import live_line
from launcher.cli.planned import DRY_RUNS, tried_out
from launcher.cli.signals import cancelled_by_signals, stopped_by_sigterm
from launcher.cli.width import say
from launcher.core.jobref import JobRef
from launcher.core.redaction import cautious
from launcher.core.spec.jobspec import JobSpec
from launcher.core.spec.site import Retention, SiteConfig
from launcher.usecases.handle import JobHandle
from launcher.usecases.retry import QUOTAS
from launcher.usecases.service import Service

__all__ = ["launch_command"]

_SITE_OPTIONS = ("config", "namespace", "kubeconfig", "context", "site", "role")


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
    help="Print the job's log, wait for the end and exit with the job's return code. A job that succeeded is "
    "removed then; one that failed is kept, unless it never started.",
)
@click.option("--keep", is_flag=True, help="With --wait: leave the job in the cluster, however it ends.")
@click.option(
    "--or-attach", "attach", is_flag=True, help="If the same job runs, join it; one that differs is refused."
)
@options.diagnose_option
@click.option(
    "--dry-run",
    type=click.Choice(DRY_RUNS),
    help="Launch nothing: `client` makes the objects, `server` asks the cluster whether it would take them.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def launch_command(
    cli: Cli,
    /,
    meta: str,
    command: tuple[str, ...],
    output: str,
    secret_env: tuple[str, ...],
    *,
    wait: bool,
    keep: bool,
    attach: bool,
    diagnose: Path | None,
    **given: Any,
) -> int:
    """Install the release of job META and return when Helm has accepted it. The job runs COMMAND.

    Where a quota is used up it waits for pending_timeout; Ctrl-C gives up, and nothing is left.
    Only the meta of a job folder is read: what COMMAND runs must be in the image. It runs as it is written,
    without Kubernetes' rules for $$ and $(NAME), as in:
    fljob launch meta.json --site site-1 -- python3 -c 'print("hello")'
    """
    site = _site(given, keep=keep)
    _refuse_in_vain(diagnose, wait=wait, keep=keep, attach=attach, dry_run=bool(given["dry_run"]))
    names = {"job_id": _job_id(given["job_id"], attach=attach), "study": given["study"]}
    secret = wiring.secret_content(secret_env)
    spec = wiring.job_spec(site, meta, command=command, secret_env=secret_env, **names)
    if given["dry_run"]:
        return tried_out(site, spec, given, output)
    service = cli.service(site)
    more: dict[str, Any] = {"on_failure": wiring.bundle_on_failure(service, diagnose, known=secret)}
    more |= {"secret": secret, "retry_refused": True if wait else QUOTAS}
    # A signal stops the install, and what it made is removed.
    with cancelled_by_signals() as cancel, wiring.bundle_on_refusal(spec, site, diagnose, secret):
        handle, joined = _launched(service, spec, attach=attach, cancel=cancel, **more)
    if not wait:
        return _until_accepted(service, handle, output, joined=joined)
    mask, where = cautious(wiring.texts(secret)), options.cluster_arguments(given, site.namespace)
    how = Waiting(output=output, timeout=None, where=where, mask=mask, keep=keep, stream=output == "table")
    return wait_and_report(service, handle, how)


def _site(given: Mapping[str, Any], *, keep: bool) -> SiteConfig:
    """Return the site; with --keep a job stays whatever the site says, as one of which nothing is said."""
    site = options.site_from(**{key: given[key] for key in _SITE_OPTIONS})
    return replace(site, retention=Retention()) if keep else site


def _job_id(given: str | None, *, attach: bool) -> str:
    if attach and not given:
        raise click.UsageError("--or-attach needs --job-id: without it every launch is a new job")
    return given or str(uuid.uuid4())


def _launched(service: Service, spec: JobSpec, *, attach: bool, **more: Any) -> tuple[JobHandle, bool]:
    """Return the handle of the job, and whether it was there already."""
    return service.launch_or_attach(spec, **more) if attach else (service.launch(spec, **more), False)


def _refuse_in_vain(diagnose: Path | None, *, wait: bool, keep: bool, attach: bool, dry_run: bool) -> None:
    if dry_run and (wait or attach):
        raise click.UsageError("--dry-run launches nothing: leave out --wait and --or-attach")
    if wait:
        return
    if diagnose:
        raise click.UsageError("--diagnose needs --wait: without it nobody is there when the job fails")
    if keep:
        raise click.UsageError("--keep needs --wait: without it every job is kept")


def _until_accepted(service: Service, handle: JobHandle, output: str, *, joined: bool) -> int:
    """Print what was launched, once a quota that was busy lets it in; a signal gives up."""
    if not handle.is_refused:
        return _print_launched(handle.job, output, joined=joined)
    try:
        with stopped_by_sigterm(), live_line(handle.job.release, service.world.clock) as notify:
            job = handle.wait_accepted(notify)
    except KeyboardInterrupt as signal:
        return gave_up(handle, signal)
    return _print_launched(job, output, joined=False)


def _print_launched(job: JobRef, output: str, *, joined: bool) -> int:
    shown: dict[str, Any] = {"release": job.release, "namespace": job.namespace}
    shown |= {"jobId": job.job_id, "pod": job.pod_name}
    shown |= {"joined": True} if joined else {}
    text = f"{'joined' if joined else 'launched'} {job.release} (pod {job.namespace}/{job.pod_name})"
    if output == "json":
        click.echo(json.dumps(shown))
    else:
        say(text)
    return 0
