"""``fljob wait``: wait for the end of a job and print how it ended."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from launcher.cli import options, streams, wiring
from launcher.cli.context import Cli
from launcher.cli.live_line import live_line
from launcher.cli.log_stream import LogStream
from launcher.cli.numbers import Seconds
from launcher.cli.signals import cancelled_by_signals, code_of, stopped_by_sigterm
from launcher.cli.width import command, say
from launcher.core import foreign
from launcher.core.ending.outcome import Outcome
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import JobReport, JobState
from launcher.core.redaction import Mask, by_shape, literals, masker
from launcher.core.report.status import verdict_line
from launcher.core.views import ContainerState
from launcher.errors import LauncherError
from launcher.usecases.handle import JobHandle
from launcher.usecases.service import Service

__all__ = ["Waiting", "gave_up", "wait_and_report", "wait_command"]

_TIMED_OUT = 10
_LAST_LINES, _LAST_BYTES = 5, 64 * 1024
_CLEAN_UP_WITHIN = 60.0


@click.command("wait")
@options.job_argument
@options.cluster_options
@options.output_option("table", "json")
@options.diagnose_option
@click.option("--keep", is_flag=True, help="Leave the job and its log in the cluster when it has ended.")
@click.option("--timeout", type=Seconds(), metavar="SECONDS", help="Give up then (exit code 10).")
@click.pass_obj
def wait_command(
    cli: Cli,
    /,
    release: str,
    output: str,
    timeout: float | None,
    diagnose: Path | None,
    *,
    keep: bool,
    **given: Any,
) -> int:
    """Wait until JOB has ended; exit 0 on success, else with its return code.

    A job that succeeded is removed then, its log with it. One that failed is kept until `fljob terminate` or
    `fljob gc`, and its last log lines are printed; one that never started is removed. --keep removes none.
    """
    site = options.site_from(**given)
    service = cli.service(site)
    on_failure = wiring.bundle_on_failure(service, diagnose)
    release = service.find(release, site.namespace)
    handle = service.attach(release, site.namespace, on_failure=on_failure)
    where = options.cluster_arguments(given, site.namespace)
    how = Waiting(output=output, timeout=timeout, where=where, mask=_mask(service, handle.job), keep=keep)
    return wait_and_report(service, handle, how)


def _mask(service: Service, job: JobRef) -> Mask:
    """Return a mask for the per-job Secret, which is removed as soon as the job has ended."""
    try:
        known = service.world.secrets.mask(job.credential_secret, job.namespace)
    except LauncherError:
        return by_shape
    return lambda text: by_shape(known(text))


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How a job is waited for.

    Attributes:
        output: ``table`` or ``json``.
        timeout: seconds; None = until the end.
        where: options for the commands that are suggested.
        mask: hides credentials in lines of the log.
        keep: remove nothing when the job has ended.
        stream: print the log while the job runs, instead of its last lines after a failure.
    """

    output: str
    timeout: float | None
    where: str
    mask: Mask
    keep: bool = False
    stream: bool = False


def wait_and_report(service: Service, handle: JobHandle, how: Waiting) -> int:
    """Wait, print how the job ended, and return the exit code."""
    job = handle.job
    attach = command(f"fljob wait {foreign.word(job.release)} {how.where}")
    log = LogStream(service.world.pods, job, how.mask) if how.stream else None
    try:
        outcome = _followed(service, handle, how, log)
    except KeyboardInterrupt as signal:
        if handle.is_refused:
            return gave_up(handle, signal)
        end = command(f"fljob terminate {foreign.word(job.release)} {how.where}")
        say(f"\nthe job goes on; wait for it again: {attach}\n  or end it: {end}", err=True)
        return code_of(signal)
    track = handle.track
    described = service.describe(JobReport(job, None, track), note=handle.measuring.note(job, track))
    del described["helm"]
    if outcome is None:
        if how.output == "json":
            click.echo(json.dumps(described))
        say(f"{job.release} has not ended after {how.timeout:g} s; wait on with: {attach}", err=True)
        return _TIMED_OUT
    if not how.keep and handle.track.state is not JobState.FAILED:
        handle.poll()  # the removal begins, and goes on while this prints
    is_json = how.output == "json"
    with streams.goes_on():  # to remove the job, and to its exit code
        if is_json:
            click.echo(json.dumps(described))
        else:
            say(f"{job.release}  {verdict_line(described)}")
    if handle.track.state is JobState.FAILED and not (log and log.has_begun):
        _last_lines(service, handle, how.mask)
    if not how.keep:
        handle.poll()
    _close(handle, how)
    return int(outcome.return_code)


def gave_up(handle: JobHandle, signal: KeyboardInterrupt) -> int:
    """End the tries of a job that is refused and return the exit code of the signal."""
    with cancelled_by_signals():  # a second one, of who is impatient, would leave the Secret behind
        handle.terminate()
    say("\nthe cluster has refused the job so far; nothing is left of it", err=True)
    return code_of(signal)


def _followed(service: Service, handle: JobHandle, how: Waiting, log: LogStream | None) -> Outcome | None:
    """Show what becomes of the job, until it has ended or the time is over."""
    outcome = None
    with stopped_by_sigterm(), ExitStack() as line:
        notify = line.enter_context(live_line(handle.job.release, service.world.clock))
        try:
            for track in handle.follow(how.timeout):
                outcome = track.outcome
                if log is not None and track.has_started:
                    line.close()  # from here on the log is what there is to see
                    log.see(track)
                else:
                    notify(track)
            if log is not None and outcome is not None:
                log.finish()
        finally:
            if log is not None:
                log.stop()
    return outcome


def _close(handle: JobHandle, how: Waiting) -> None:
    release = handle.job.release
    if how.keep:
        if not handle.is_refused:  # else there is no record
            handle.measuring.note_end(handle.job, handle.track, handle.kept, stays=True)
        handle.run_on_failure()
        end = command(f"fljob terminate {foreign.word(release)} {how.where}")
        say(f"kept, its log too; remove it with: {end}", err=True)
    elif not handle.close(_CLEAN_UP_WITHIN):
        say(f"warning: {release} is not removed yet; run: {command(f'fljob gc {how.where}')}", err=True)
    elif handle.is_kept:
        say("kept, as `retention` says, until `fljob gc` finds that its time is over", err=True)


def _last_lines(service: Service, handle: JobHandle, mask: Mask) -> None:
    """Print the last log lines of a failed job, if its container ran."""
    job, pod = handle.job, handle.track.pod
    if pod is None or pod.main is None or pod.main.state is not ContainerState.TERMINATED:
        return
    try:
        hide = masker(literals(service.world.pods.raw(job.pod_name, job.namespace).value))
        lines = service.world.pods.logs(
            job.pod_name, job.namespace, tail=_LAST_LINES, limit_bytes=_LAST_BYTES
        )
        # Together: a private key has many lines.
        for line in mask(hide("\n".join(lines))).splitlines():
            click.echo(f"  | {foreign.line(line)}", err=True)
    except LauncherError as error:
        say(f"  no log: {error.message}", err=True)
