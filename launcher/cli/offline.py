"""Jobs that are printed and not launched: as the options say, or as the parent of a kit launches them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from launcher.cli import options, wiring
from launcher.cli.width import say
from launcher.core.flare.parent import DEFAULT_STUDY, Parent
from launcher.core.spec.jobspec import JobSpec
from launcher.core.spec.site import SiteConfig
from launcher.edges.disk.chart_files import named_chart
from launcher.edges.disk.site_files import load_study, read_meta, study_names
from launcher.usecases.make_job import MadeJob, make_job

__all__ = ["Asked", "Jobs", "Meta", "asked", "jobs_of", "one_job", "read_job"]

# Without --job-id the output must not change from run to run, so that it can be diffed.
_NO_JOB = "00000000-0000-0000-0000-000000000000"
# The image of a job that is there to show what a site gives to any: one that it names would hide a study's.
_ANY_IMAGE = "image-of-the-job"
_DECIDED = {"namespace": "-n", "site": "--site", "role": "--role"}


@dataclass(frozen=True)
class Meta:
    """The meta of a job, and where it stands; ``is_given`` = somebody named it."""

    raw: Mapping[str, Any] = field(repr=False)
    source: str
    is_given: bool = True


def read_job(meta: str | None) -> Meta:
    """Return the meta of the job that is printed; of none one that asks for nothing."""
    return Meta({}, "a job that asks for nothing", is_given=False) if meta is None else Meta(*read_meta(meta))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the options say of the jobs that are printed.

    Attributes:
        meta: of the job.
        command: what it runs; empty = FLARE's job process.
        kit: a prepared kit or a parent's workspace; None = the options and ``fljob.yaml`` decide.
        chart: stands in for the chart of the site; empty = it does not.
        given: the options ``config``, ``namespace``, ``site``, ``role`` and ``job_id``.
    """

    meta: Meta
    command: tuple[str, ...] = ()
    kit: Path | None = None
    chart: str = ""
    given: Mapping[str, Any]


@dataclass(frozen=True)
class Jobs:
    """One job of each study of a site.

    Attributes:
        site: its settings.
        study: of a job whose study nobody has said.
        make: returns the job of a study.
        declared: the settings as they are written, also those that decide nothing here.
        folder: where the files of the site are.
    """

    site: SiteConfig
    study: str
    make: Callable[[str], MadeJob]
    declared: SiteConfig
    folder: Path
    _told: set[str] = field(default_factory=set, repr=False)

    def studies(self) -> tuple[str, ...]:
        """Return all studies of the site, that of a job without one first."""
        return tuple(dict.fromkeys((self.study, *study_names(self.site))))

    def specs(self, studies: Iterable[str]) -> Iterable[tuple[str, JobSpec]]:
        """Yield study and job, lazily; each warning is printed once."""
        for study in studies:
            made = self.make(study)
            for warning in made.warnings:
                if warning not in self._told:
                    say(f"warning: {warning}", err=True)
            self._told.update(made.warnings)
            yield study, made.spec


def asked(meta: str | None, command: tuple[str, ...], kit: Path | None, given: Mapping[str, Any]) -> Asked:
    """Return what the options of a command say; without a kit META must be there."""
    if meta is None and kit is None:
        raise click.UsageError("Missing argument 'META', which only --kit makes optional.")
    return Asked(meta=read_job(meta), command=command, kit=kit, given=given)


def jobs_of(of: Asked) -> Jobs:
    """Return what makes the jobs that the options ask for.

    Raises:
        InvalidInput: a file or an option is wrong.
    """
    return _by_hand(of) if of.kit is None else _of_kit(of, of.kit)


def one_job(of: Asked, study: str) -> tuple[SiteConfig, JobSpec]:
    """Return the site and the job of a command that uses no cluster; an empty study = the site's own."""
    jobs = jobs_of(of)
    ((_, spec),) = jobs.specs([study or jobs.study])
    return jobs.site, spec


def _by_hand(of: Asked) -> Jobs:
    site = options.site_from(**{key: of.given.get(key) for key in ("config", *_DECIDED)})
    site = replace(site, chart=named_chart(of.chart, "--chart or --to-chart")) if of.chart else site
    job_id = of.given.get("job_id") or _NO_JOB

    def make(study: str) -> MadeJob:
        meta = (of.meta.raw, of.meta.source)
        return wiring.made_job(
            _of_any_job(site, of), meta, job_id=job_id, study=study, command=of.command, offline=True
        )

    config = of.given.get("config")
    return Jobs(site, "", make, _declared(site, of), Path(config).parent if config else Path())


def _of_kit(of: Asked, kit: Path) -> Jobs:
    """Return the jobs as the parent that starts from a kit launches them."""
    from launcher.edges.disk.parent import harmless, kit_site, read_parent  # noqa: PLC0415 - pydantic costs 0.2 s

    for name, option in _DECIDED.items():
        if of.given.get(name) is not None:
            raise click.UsageError(f"{option} and --kit: the kit decides that")
    if of.command:
        raise click.UsageError("COMMAND and --kit: a parent launches FLARE's job process")
    parent, config = read_parent(kit), of.given.get("config")
    site = kit_site(kit, parent, config=Path(config) if config else None, chart=of.chart)
    # FLARE's server writes id and study into a job's meta when it is submitted, over what stands there.
    raw = of.meta.raw
    known = raw if isinstance(raw.get("job_id"), str) and raw["job_id"] else {}
    job_id = of.given.get("job_id") or known.get("job_id") or _NO_JOB
    safe = harmless(site)
    make = partial(_made_by, parent, _of_any_job(safe, of), of.meta, job_id)
    return Jobs(safe, str(known.get("study") or DEFAULT_STUDY), make, _declared(site, of), kit)


def _made_by(parent: Parent, site: SiteConfig, meta: Meta, job_id: str, study: str) -> MadeJob:
    request = parent.process(job_id, study).request(parent.role, site.workspace_mount_path)
    return make_job(request, meta.raw, site, load_study, source=meta.source)


def _declared(site: SiteConfig, of: Asked) -> SiteConfig:
    """Return the settings as the site has them: without a chart that an option has put there."""
    return replace(site, chart="") if of.chart else site


def _of_any_job(site: SiteConfig, of: Asked) -> SiteConfig:
    is_needed = not (of.meta.is_given or site.image)
    return replace(site, image=_ANY_IMAGE) if is_needed else site
