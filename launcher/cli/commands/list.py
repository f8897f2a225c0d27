"""``fljob list``: the jobs of a namespace, or of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli
from launcher.core.foreign import quoted
from launcher.core.lifecycle.state import JobState
from launcher.errors import NotFound
from launcher.usecases.service import Service

__all__ = ["list_command"]

_FILTERS = ("site", "study", "state")


@click.command("list")
@options.cluster_options
@options.output_option("table", "wide", "json", "yaml")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="The jobs of all namespaces.")
@click.option("--site", multiple=True, help="Only jobs of this site; may be given several times.")
@click.option("--study", multiple=True, help="Only jobs of this study; may be given several times.")
@click.option(
    "--state",
    multiple=True,
    type=click.Choice([state.value for state in JobState], case_sensitive=False),
    help="Only jobs in this state; may be given several times.",
)
@click.pass_obj
def list_command(cli: Cli, /, output: str, *, everywhere: bool, **given: Any) -> None:
    """List the jobs of a namespace."""
    wanted = {name: given.pop(name) for name in _FILTERS}
    site = options.site_from(**given)
    service = cli.service(site)
    namespace = "" if everywhere else site.namespace
    every = [service.describe(found) for found in service.jobs(namespace)]
    if not every and namespace and not service.world.pods.has_namespace(namespace):
        raise NotFound(
            f"there is no namespace {quoted(namespace)}",
            cure="correct -n, or `namespace` in the configuration",
        )
    rows = list(_chosen(every, wanted))
    if output in ("json", "yaml"):
        click.echo(options.written(rows, output))
    elif rows:
        _print_table(service, rows, everywhere=everywhere, wide=output == "wide")
    else:
        where = f"in namespace {namespace}" if namespace else "in any namespace"
        click.echo(f"no such jobs {where}" if every else f"no jobs {where}", err=True)


def _chosen(rows: list[dict[str, Any]], wanted: Mapping[str, tuple[str, ...]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        if all(not values or row[name] in values for name, values in wanted.items()):
            yield row


def _print_table(service: Service, rows: list[dict[str, Any]], *, everywhere: bool, wide: bool) -> None:
    from launcher.cli.jobs_table import jobs_table  # noqa: PLC0415 - only for tables

    jobs_table(rows, service.world.clock.now(), namespaces=everywhere, wide=wide)
