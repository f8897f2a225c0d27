"""``fljob diff JOB``: what runs, against what was installed, and against what would be installed now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from launcher import composition
from launcher.cli import offline, options
from launcher.cli.context import Cli
from launcher.core.jobref import JobRef, ref_of_release
from launcher.core.lifecycle.state import JobReport
from launcher.core.manifest_diff import Difference, Side, compare
from launcher.core.names import LABEL_ATTEMPT
from launcher.core.report.drift import DriftReport
from launcher.core.spec.site import SiteConfig
from launcher.core.structural import at
from launcher.edges.disk.documents import parse_manifests
from launcher.usecases.drift import Compared, installed_drift

__all__ = ["release_report"]

# What the release itself says of its job.
_KNOWN = {"study": "--study", "site": "--site", "role": "--role", "job_id": "--job-id"}


def release_report(cli: Cli, name: str, given: Mapping[str, Any]) -> DriftReport:
    """Return what has become of a job's release.

    Args:
        cli: the context of the command.
        name: JOB: a release, a job id, or the beginning of one.
        given: the options; ``now`` (META) or ``kit`` ask for what would be installed now, too.

    Raises:
        UsageError: an option that says what the release says.
        LauncherError: something could not be asked, or the release is not ours.
    """
    for key, option in _KNOWN.items():
        if given.get(key):
            raise click.UsageError(f"{option}: the release of JOB decides that")
    wants_now = bool(given["now"] or given["kit"])
    if given["chart"] and not wants_now:
        raise click.UsageError("--chart needs META or --kit: what would be installed now")
    site = _site(given)
    service = cli.service(site)
    found = service.inspect(service.find(name, site.namespace), site.namespace)
    compared = installed_drift(service.world, found)
    now = _now(found, compared, given) if wants_now else None
    return DriftReport(found.job.release, found.job.namespace, compared.drift, compared.not_asked, now)


def _site(given: Mapping[str, Any]) -> SiteConfig:
    """Return where the release is looked for: of a kit that is named in its namespace, with its driver."""
    cluster = {key: given.get(key) for key in ("config", "namespace", "kubeconfig", "context")}
    site = options.site_from(**cluster)
    if not given["kit"]:
        return site
    own = offline.jobs_of(_asked(given, None)).site
    namespace = given.get("namespace") or own.namespace
    return replace(site, namespace=namespace, storage_driver=own.storage_driver)


def _asked(given: Mapping[str, Any], job: JobRef | None, command: tuple[str, ...] = ()) -> offline.Asked:
    """Return what the options, and the release for the rest, say of the job that would be installed now."""
    known = {"config": given.get("config"), "job_id": job.job_id if job else None}
    if job and not given["kit"]:
        known |= {"namespace": job.namespace, "site": job.site, "role": job.role or None}
    return offline.Asked(
        meta=offline.read_job(given["now"]),
        command=command,
        kit=given["kit"],
        chart=given["chart"],
        given=known,
    )


def _now(found: JobReport, compared: Compared, given: Mapping[str, Any]) -> Difference:
    """Return in what the installed manifests differ from those of today."""
    # Of the record, since whoever may change the pod may change what it says.
    job = ref_of_release(found.job.release, found.job.namespace, found.release)
    jobs = offline.jobs_of(_asked(given, job, _command(found, given)))
    study = job.study or jobs.study
    ((_, spec),) = jobs.specs([study])
    again = replace(spec, attempt=_attempt(compared))
    today = parse_manifests(composition.manifests(again, jobs.site))
    before = Side({study: compared.manifests}, {})
    return compare(before, Side({study: today}, {}))


def _command(found: JobReport, given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a job that was launched by hand runs: it stands in no file, unless the site has one."""
    if given["kit"] or options.site_from(config=given.get("config")).command:
        return ()
    command = found.release.values.get("command") if found.release else None
    return tuple(map(str, command)) if isinstance(command, list) else ()


def _attempt(compared: Compared) -> int:
    """Return how often the job was launched, which decides nothing but a label."""
    labels = (at(one, ("metadata", "labels", LABEL_ATTEMPT)) for one in compared.manifests)
    return next((int(text) for text in labels if isinstance(text, str) and text.isdecimal()), 1)
