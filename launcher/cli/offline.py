"""Commands that ask no cluster: render, template, version."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click
import yaml

from launcher import composition
from launcher.cli import options, wiring

__all__ = ["render_command", "template_command", "version_command"]

# Without --job-id the output must not change from run to run, so that it can be diffed.
_NO_JOB = "00000000-0000-0000-0000-000000000000"


def _spec(meta: str, command: tuple[str, ...], **given: Any) -> Any:
    keys = ("config", "namespace", "site", "role")
    site = options.site_from(**{key: given[key] for key in keys})
    job_id = given["job_id"] or _NO_JOB
    return site, wiring.job_spec(
        site, meta, job_id=job_id, study=given["study"], command=command, offline=True
    )


@click.command("render")
@options.job_options
@options.cluster_options
@options.output_option("yaml", "json")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def render_command(meta: str, command: tuple[str, ...], output: str, **given: Any) -> None:
    """Print the chart values of the job META (a FLARE job folder, its meta.json, or -)."""
    site, spec = _spec(meta, command, **given)
    values = composition.render_values(spec, site)
    if output == "json":
        click.echo(json.dumps(values, indent=2, ensure_ascii=False))
    else:
        click.echo(yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110), nl=False)


@click.command("template")
@options.job_options
@options.cluster_options
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def template_command(meta: str, command: tuple[str, ...], **given: Any) -> None:
    """Print the manifests of the job META without asking a cluster; the same input prints the same bytes."""
    site, spec = _spec(meta, command, **given)
    click.echo(
        wiring.helm(site).template(spec.release, spec.namespace, composition.render_values(spec, site)),
        nl=False,
    )


@click.command("version")
def version_command() -> None:
    """Print the version."""
    try:
        click.echo(version("fljob-launcher"))
    except PackageNotFoundError:
        click.echo("not installed (running from a checkout)")
