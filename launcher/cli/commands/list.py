"""``fljob list``: the jobs of a namespace, or of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import click

from launcher.cli import options
from launcher.cli.context import Cli
from launcher.cli.exit_codes import PART
from launcher.cli.width import say
from launcher.core import foreign
from launcher.core.lifecycle.state import JobReport
from launcher.errors import InvalidInput
from launcher.usecases.listing import check_namespace
from launcher.usecases.service import Service

__all__ = ["list_command", "watch_jobs"]

_MOST_NAMED = 10


@click.command("list")
@options.cluster_options
@options.output_option("table", "wide", "json", "yaml", "object")
@options.jobs_options
@click.option(
    "-w", "--watch", is_flag=True, help="Go on until q or Ctrl-C: a live table, or a line for each change."
)
@click.pass_obj
def list_command(cli: Cli, /, output: str, *, everywhere: bool, watch: bool, **given: Any) -> None:
    """List the jobs of a namespace."""
    wanted = options.wanted_jobs(given)
    site = options.site_from(**given)
    service = cli.service(site)
    namespace = "" if everywhere else site.namespace
    if watch:
        watch_jobs(service, namespace, output, wanted)
        return
    found, left_out = _jobs(service, namespace)
    every = [service.describe(one) for one in found]
    if not every:
        check_namespace(service.world, namespace)
    rows = [row for row in every if wanted(row)]
    if output in ("json", "yaml", "object"):
        click.echo(options.written(rows, output, left_out))
    elif rows:
        _print_table(service, rows, everywhere=everywhere, wide=output == "wide")
    else:
        where = f"in namespace {namespace}" if namespace else "in any namespace"
        where = "where there is a right to look" if left_out else where
        say(f"no such jobs {where}" if every else f"no jobs {where}", err=True)
    if left_out:
        _end_with_part(left_out)


def _jobs(service: Service, namespace: str) -> tuple[tuple[JobReport, ...], tuple[str, ...]]:
    """Return the jobs, and the namespaces in which there is no right to look for some."""
    if namespace:
        return service.jobs(namespace), ()
    from launcher.usecases.everywhere import jobs_everywhere  # noqa: PLC0415 - only for all namespaces

    return jobs_everywhere(service.world, service.policy)


def _end_with_part(left_out: Sequence[str]) -> NoReturn:
    """Say what is left out, and end.

    Raises:
        click.exceptions.Exit: with the code of a right that is missing.
    """
    named = ", ".join(foreign.name(one) for one in left_out[:_MOST_NAMED])
    more = f" and {len(left_out) - _MOST_NAMED} more" if len(left_out) > _MOST_NAMED else ""
    say(f"left out, since there is no right to look there: {named}{more}", err=True)
    say("  cure: `fljob rbac` prints the Role for one, with -n NAMESPACE", err=True)
    raise click.exceptions.Exit(PART)


def watch_jobs(
    service: Service,
    namespace: str,
    output: str,
    wanted: Callable[[Mapping[str, Any]], bool],
    *,
    summary: bool = False,
) -> None:
    """Show the jobs of a namespace, empty = of all, until somebody stops it.

    Raises:
        InvalidInput: as YAML, or as one object, there is no stream.
        NotFound: there is no such namespace.
        LauncherError: the jobs could not be listed at the beginning.
        click.exceptions.Exit: 130 after Ctrl-C, 143 after SIGTERM; none after `q` on a terminal.
    """
    from launcher.cli.live_view import Looking, look_on  # noqa: PLC0415 - only for who goes on looking

    if output in ("yaml", "object"):
        what = "YAML" if output == "yaml" else "single object"
        raise InvalidInput(f"--watch writes no {what}", cure="write -o json: one document for each change")
    check_namespace(service.world, namespace)
    look_on(service, Looking(namespace=namespace, output=output, wanted=wanted, summary=summary))


def _print_table(service: Service, rows: list[dict[str, Any]], *, everywhere: bool, wide: bool) -> None:
    from launcher.cli.jobs_table import jobs_table  # noqa: PLC0415 - only for tables

    jobs_table(rows, service.world.clock.now(), namespaces=everywhere, wide=wide)
