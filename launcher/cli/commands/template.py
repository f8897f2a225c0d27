"""``fljob template``: the manifests of a job, offline."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from launcher import composition
from launcher.cli import offline, options
from launcher.cli.width import say
from launcher.core import foreign
from launcher.errors import InvalidInput

__all__ = ["template_command"]


@click.command("template")
@options.printed_job_options
@options.cluster_options
@click.option("--all-studies", is_flag=True, help="A job of each study of the site, one after the other.")
@click.option(
    "--split",
    metavar="DIR",
    help="Write DIR/STUDY/KIND-NAME.yaml, one file for each object; remove those of an earlier run.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def template_command(
    meta: str | None,
    command: tuple[str, ...],
    kit: Path | None,
    split: str | None,
    *,
    all_studies: bool,
    **given: Any,
) -> None:
    """Print the manifests of the job META without asking a cluster; the same input prints the same bytes.

    With --kit they are those that the parent of that kit would install, and META may be left out: then they
    are what the site gives to any job.
    """
    if split == "":  # `--split "$DIR"` without DIR is not meant for the current folder
        raise click.UsageError("--split: name a folder")
    jobs = offline.jobs_of(offline.asked(meta, command, kit, given))
    if all_studies and given["study"]:
        raise click.UsageError("--study and --all-studies: one of them")
    texts = dict(_manifests(jobs)) if all_studies else _of_one(jobs, given["study"] or jobs.study)
    if split is None:
        shown = [f"# study: {study or '-'}\n{text}" if all_studies else text for study, text in texts.items()]
        # For `kubectl apply` every byte counts; on a terminal a control character is a command.
        text = "".join(shown)
        click.echo(foreign.lines(text) if sys.stdout.isatty() else text, nl=False, color=True)
        return
    from launcher.edges.disk.rendered import write_rendered  # noqa: PLC0415

    done = write_rendered(Path(split), texts, is_whole=all_studies)
    files = "1 file" if len(done.written) == 1 else f"{len(done.written)} files"
    say(f"{files} in {split}" + (f", {len(done.removed)} removed" if done.removed else ""))


def _of_one(jobs: offline.Jobs, study: str) -> dict[str, str]:
    return {name: composition.manifests(spec, jobs.site) for name, spec in jobs.specs([study])}


def _manifests(jobs: offline.Jobs) -> Iterator[tuple[str, str]]:
    """Yield each study of a site with its manifests; an error says which study it is about."""
    for study in jobs.studies():
        try:
            yield from _of_one(jobs, study).items()
        except InvalidInput as error:
            where = f"study {foreign.quoted(study)}" if study else "a job without a study"
            raise InvalidInput(error.message, where=where, cure=error.cure, reason=error.reason) from error
