"""``fljob gc``: remove what ended jobs left behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli
from launcher.cli.cronjob import print_cronjob
from launcher.cli.exit_codes import PART
from launcher.cli.width import say
from launcher.core import foreign
from launcher.core.moments import seconds_of
from launcher.errors import Denied, LauncherError
from launcher.usecases.listing import check_namespace
from launcher.usecases.service import Service

__all__ = ["gc_command"]

# Namespace, kind, name.
_Name = tuple[str, str, str]


def _age(ctx: click.Context, param: click.Parameter, value: str) -> tuple[float, str]:
    seconds = seconds_of(value)
    if seconds is None:
        words = "use a number and s, m, h, d or w, such as 24h"
        raise click.BadParameter(f"{words}, not {foreign.quoted(value)}", ctx, param)
    return seconds, value


@click.command("gc")
@options.cluster_options
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="In all namespaces.")
@click.option(
    "--older-than",
    default="24h",
    callback=_age,
    show_default=True,
    help="Time since the end, for jobs without a retention.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@options.output_option("text", "json", "object")
@click.option("--cronjob", is_flag=True, help="Print a CronJob that does it, with the rights it needs.")
@click.option("--image", default="", help="With --cronjob: an image with fljob and helm.")
@click.option("--schedule", default="17 * * * *", show_default=True, help="With --cronjob: as cron has it.")
@click.pass_obj
def gc_command(
    cli: Cli,
    /,
    older_than: tuple[float, str],
    output: str,
    image: str,
    schedule: str,
    *,
    everywhere: bool,
    dry_run: bool,
    cronjob: bool,
    **given: Any,
) -> None:
    """Remove releases of jobs that ended long ago, and per-job Secrets that nobody owns any more.

    A job with a `retention` goes when its time is over. Also jobs that wait in vain: their clock has run out,
    and whoever would have ended them is gone. What a process watches (it says so by a Lease) is left to it.
    Where Kubernetes does not say when a job ended, the time since its launch counts.
    """
    site = options.site_from(**given)
    if cronjob:
        print_cronjob(site, image, schedule, older_than[1], everywhere=everywhere)
        return
    if image:
        raise click.UsageError("--image needs --cronjob: nothing else runs in an image")
    left_out: list[str] = []
    where = "" if everywhere else site.namespace
    names = _swept(cli.service(site), where, older_than[0], left_out, dry_run=dry_run)
    if output != "text":
        _print_json(names, output, left_out, dry_run=dry_run)
    elif not _print_text(names, dry_run=dry_run, everywhere=everywhere):
        where = "any namespace" if everywhere else f"namespace {site.namespace}"
        say(f"nothing to remove in {where}" + (" but those" if left_out else ""), err=True)
    if left_out:
        raise click.exceptions.Exit(PART)


def _print_text(names: Iterator[_Name], *, dry_run: bool, everywhere: bool) -> int:
    """Print each thing when it is gone, and return how many there were."""
    number = 0
    for namespace, kind, name in names:
        number += 1
        where = f" in namespace {namespace}" if everywhere else ""
        say(f"{'would remove' if dry_run else 'removed'} {kind} {name}{where}")
    return number


def _print_json(names: Iterator[_Name], output: str, left_out: list[str], *, dry_run: bool) -> None:
    """Print all of them as one list, also when something else could not be removed."""
    rows: list[dict[str, Any]] = []
    try:
        for namespace, kind, name in names:
            rows.append({"namespace": namespace, "kind": kind, "name": name, "removed": not dry_run})
    finally:
        click.echo(options.written(rows, output, left_out))


def _swept(
    service: Service, namespace: str, older_than: float, left_out: list[str], *, dry_run: bool
) -> Iterator[_Name]:
    """Yield namespace, kind and name of what is gone; one namespace that holds out spares no other.

    Args:
        service: the use cases.
        namespace: of the jobs; empty = all.
        older_than: seconds since the end.
        left_out: gets the namespaces in which there is no right to look.
        dry_run: only say what would go.

    Raises:
        NotFound: there is no such namespace.
        LauncherError: something could not be looked at or removed.
    """
    failed, has_found = None, False
    for space in [namespace] if namespace else service.namespaces():
        try:
            found = service.sweep(space, older_than, dry_run=dry_run)
        except Denied as error:
            if namespace:
                raise
            left_out.append(space)
            say(foreign.line(f"namespace {space} is left out: {error.message}"), err=True)
            continue
        try:
            for title in found:
                has_found = True
                kind, _, name = title.partition(" ")
                yield space, kind, name
        except LauncherError as error:
            failed = error
    if failed is not None:
        raise failed
    if not has_found:
        check_namespace(service.world, namespace)
