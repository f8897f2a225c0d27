"""``fljob diff``: what a change means for the jobs of a site, and what has become of a launched one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from launcher import composition
from launcher.cli import offline, options, streams
from launcher.cli.context import Cli
from launcher.cli.release_diff import release_report
from launcher.cli.width import folded, output_width
from launcher.core.manifest_diff import Difference, Side, compare
from launcher.core.report import drift, review
from launcher.core.report.drift import DriftReport
from launcher.core.spec.plain_settings import plain_settings
from launcher.edges.disk.documents import parse_manifests
from launcher.edges.disk.site_files import own_templates
from launcher.errors import InvalidInput

__all__ = ["diff_command"]

_SHOWN: dict[str, Callable[[Difference], str]] = {
    "text": review.as_text,
    "json": lambda found: json.dumps(review.as_json(found), indent=2) + "\n",
    "markdown": review.as_markdown,
}
_OF_RELEASE: dict[str, Callable[[DriftReport], str]] = {
    "text": drift.as_text,
    "json": lambda found: json.dumps(drift.as_json(found), indent=2) + "\n",
    "markdown": drift.as_markdown,
}
# As of `kubectl diff`: 0 no difference, 1 a difference, more for an error.
_SAME, _DIFFERENT, _FAILED = 0, 1, 2
_PATH = click.Path(path_type=Path)
_TO = ("to_job", "to_kit", "to_config", "to_chart")


@click.command("diff")
@options.compared_job_options
@options.cluster_options
@click.option("--chart", metavar="CHART", default="", help="Chart of the first side; else that of the site.")
@click.option("--to-kit", metavar="DIR", help="Kit of the second side.")
@click.option("--to-config", metavar="FILE", help="Site configuration of the second side.")
@click.option("--to-chart", metavar="CHART", help="Chart of the second side.")
@click.option("--to-job", metavar="META", help="Job of the second side.")
@options.output_option(*_SHOWN)
@click.pass_obj
def diff_command(cli: Cli, /, output: str, **given: Any) -> int:
    """Compare the manifests of all studies of a site on two sides, or a launched JOB with what was installed.

    The second side is what the --to-... options say, and for the rest as the first one. Without the job META
    it is what the site gives to any.

    Without a --to-... option it is about JOB, which was launched: what somebody has changed since, and who.
    With META or --kit also what would be installed now. Exit codes: 0 no difference, 1 a difference, more for
    an error.
    """
    for name in _TO:
        if given[name] == "":  # `--to-config "$NEW"` without NEW would compare the first side with itself
            raise click.UsageError(f"--{name.replace('_', '-')}: it is empty; name the second side")
    if not any(given[name] for name in _TO):
        return _of_release(cli, output, given)
    if given["now"]:
        raise click.UsageError("there are two METAs: --to-job names that of the second side")
    first, second = _asked(given)
    found = compare(*_sides(offline.jobs_of(first), offline.jobs_of(second), given["study"]))
    _print(_SHOWN[output](found), output)
    if found.has_failed:
        return _FAILED
    return _SAME if found.is_same else _DIFFERENT


def _of_release(cli: Cli, output: str, given: Mapping[str, Any]) -> int:
    """Print what has become of a job's release."""
    if not given["meta"]:
        raise click.UsageError(
            "nothing to compare with: name JOB, or --to-kit, --to-config, --to-chart or --to-job"
        )
    found = release_report(cli, given["meta"], given)
    _print(_OF_RELEASE[output](found), output)
    return _SAME if found.is_same else _DIFFERENT


def _print(text: str, output: str) -> None:
    with streams.read_or_not():
        click.echo(folded(text, output_width()) if output == "text" else text, nl=False)


def _asked(given: Mapping[str, Any]) -> tuple[offline.Asked, offline.Asked]:
    """Return what the options say of both sides."""
    job, kit, config, chart = (given[name] for name in _TO)
    if kit and not given["kit"]:
        raise click.UsageError("--to-kit needs --kit, the kit of the first side")
    if job == given["meta"] == "-":
        raise click.UsageError("META and --to-job: only one of them can be standard input")
    first = offline.Asked(
        meta=offline.read_job(given["meta"]), kit=given["kit"], chart=given["chart"], given=given
    )
    second = replace(
        first,
        meta=offline.read_job(job) if job else first.meta,
        kit=Path(kit) if kit else first.kit,
        chart=chart or first.chart,
        given={**given, "config": config or given["config"]},
    )
    return first, second


def _sides(one: offline.Jobs, two: offline.Jobs, asked: Iterable[str]) -> tuple[Side, Side]:
    """Return what both sides have of the studies that are asked for, of all of either side without."""
    wanted = tuple(asked)
    return tuple(_side(jobs, wanted or jobs.studies()) for jobs in (one, two))  # type: ignore[return-value]


def _side(jobs: offline.Jobs, studies: Iterable[str]) -> Side:
    """Return the manifests of studies, and why some have none: it is one of the things to be seen."""
    objects, failed = {}, {}
    for study in studies:
        try:
            ((_, spec),) = jobs.specs([study])
            objects[study] = parse_manifests(composition.manifests(spec, jobs.site))
        except InvalidInput as error:
            failed[study] = " ".join(str(error).split())
    settings = plain_settings(jobs.declared, str(jobs.folder), str(jobs.folder.absolute()))
    # A template can do something else for another job than the one that is rendered, so its text counts, too.
    templates = own_templates(jobs.site)
    return Side(objects, failed, settings | ({"templates": templates} if templates else {}))
