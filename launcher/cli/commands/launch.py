"""``fljob launch``: install the release of a job."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import click

from launcher.cli import options, wiring
from launcher.cli.commands.wait import wait_and_report
from launcher.cli.context import Cli
from launcher.cli.signals import cancelled_by_signals
from launcher.core.jobref import JobRef
from launcher.core.redaction import cautious

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
    help="Wait for the end and exit with the job's return code. A job that succeeded is removed then, its "
    "log with it; one that failed is kept, unless it never started.",
)
@options.diagnose_option
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
    diagnose: Path | None,
    **given: Any,
) -> int:
    """Install the release of job META and return when Helm has accepted it. The job runs COMMAND.

    Only the meta of a job folder is read: what COMMAND runs must be in the image, as in:
    fljob launch meta.json --site site-1 -- python3 -c 'print("hello")'
    """
    site = options.site_from(**{key: given[key] for key in _SITE_OPTIONS})
    if diagnose and not wait:
        raise click.UsageError("--diagnose needs --wait: without it nobody is there when the job fails")
    secret = wiring.secret_content(secret_env)
    job_id = given["job_id"] or str(uuid.uuid4())
    spec = wiring.job_spec(
        site, meta, job_id=job_id, study=given["study"], command=command, secret_env=secret_env
    )
    service = cli.service(site)
    on_failure = wiring.bundle_on_failure(service, diagnose, known=secret)
    # A signal stops the install, and what it made is removed.
    with cancelled_by_signals() as cancel, wiring.bundle_on_refusal(spec, site, diagnose, secret):
        handle = service.launch(spec, secret=secret, cancel=cancel, on_failure=on_failure, retry_refused=wait)
    if not wait:
        return _print_launched(handle.job, output)
    mask, where = cautious(wiring.texts(secret)), options.cluster_arguments(given, site.namespace)
    return wait_and_report(service, handle, output, None, where=where, mask=mask)


def _print_launched(job: JobRef, output: str) -> int:
    shown = {"release": job.release, "namespace": job.namespace, "jobId": job.job_id, "pod": job.pod_name}
    text = f"launched {job.release} (pod {job.namespace}/{job.pod_name})"
    click.echo(json.dumps(shown) if output == "json" else text)
    return 0
