"""``fljob render``: the chart values of a job, offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from launcher import composition
from launcher.cli import offline, options
from launcher.core import foreign
from launcher.core.yaml_text import readable

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
    if output != "json":
        return readable(values)
    text = _json(values, is_plain=True)
    return text if foreign.lines(text) == text else _json(values, is_plain=False)


def _json(values: dict[str, Any], *, is_plain: bool) -> str:
    # An escape of JSON is the same value.
    return json.dumps(values, indent=2, ensure_ascii=not is_plain) + "\n"
