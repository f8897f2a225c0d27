"""``fljob render``: the chart values of a job, offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import yaml

from launcher import composition
from launcher.cli import offline, options
from launcher.core import foreign

__all__ = ["render_command", "shown"]


@click.command("render")
@options.printed_job_options
@options.cluster_options
@options.output_option("yaml", "json")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def render_command(
    meta: str | None, command: tuple[str, ...], kit: Path | None, output: str, **given: Any
) -> None:
    """Print the chart values of the job META (a FLARE job folder, its meta.json, or -)."""
    site, spec = offline.one_job(offline.asked(meta, command, kit, given), given["study"])
    values = composition.render_values(spec, site)
    click.echo(shown(values, output), nl=False)


def shown(values: dict[str, Any], output: str) -> str:
    """Return the values as YAML or JSON: umlauts as they are, unless there is what a terminal would obey."""
    text = _written(values, output, is_plain=False)
    return text if foreign.lines(text) == text else _written(values, output, is_plain=True)


def _written(values: dict[str, Any], output: str, *, is_plain: bool) -> str:
    # An escape of JSON or YAML is the same value.
    if output == "json":
        return json.dumps(values, indent=2, ensure_ascii=is_plain) + "\n"
    return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=not is_plain, width=110))
