"""A job of a site from what was asked for: the one road of FLARE's parents, of `fljob` and of a review."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from launcher.core.flare.meta import parse_meta
from launcher.core.spec.assemble import Request, all_warnings, build_jobspec
from launcher.core.spec.jobspec import JobSpec
from launcher.core.spec.site import SiteConfig
from launcher.core.spec.study import Study

__all__ = ["LoadStudy", "MadeJob", "Stage", "Within", "make_job"]

LoadStudy = Callable[[SiteConfig, str], Study]


class Stage(enum.Enum):
    """Where a mistake was found: FLARE has other error types for a job's meta than for a site's files."""

    META = "meta"
    STUDY = "study"
    JOB = "job"


Within = Callable[[Stage, str], AbstractContextManager[None]]


@dataclass(frozen=True)
class MadeJob:
    """A job, and a sentence for each thing that was asked for and is read by nobody."""

    spec: JobSpec
    warnings: tuple[str, ...]


def _plain(stage: Stage, source: str) -> AbstractContextManager[None]:
    del stage, source
    return nullcontext()


def make_job(
    request: Request,
    meta: Mapping[str, Any],
    site: SiteConfig,
    load_study: LoadStudy,
    *,
    source: str = "meta.json",
    within: Within = _plain,
) -> MadeJob:
    """Return the job of a request.

    Args:
        request: what is to be launched.
        meta: parsed meta of the job.
        site: the site.
        load_study: reads what a study gives to its jobs.
        source: name of the meta's file, for errors.
        within: returns the context of a stage, which may raise errors as others; it is given that name, too.

    Raises:
        InvalidInput: a mistake in the meta, in a study file of the site, or in what they make together.
    """
    with within(Stage.META, source):
        parsed = parse_meta(meta, request.site, source=source)
    with within(Stage.STUDY, source):
        study = load_study(site, request.study)
    with within(Stage.JOB, source):
        spec = build_jobspec(request, parsed, study, site)
    return MadeJob(spec, all_warnings(parsed, study, spec))
