"""Makes the job, its Secret and its diagnosis from the options of several commands."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launcher import composition
from launcher.cli.width import say
from launcher.composition import helm_edge as helm
from launcher.core.flare.process import PROCESS
from launcher.core.names import credential_secret_name, pod_name
from launcher.core.spec.assemble import Request, check_site
from launcher.core.spec.jobspec import EnvVar, JobSpec, Role, SecretKey
from launcher.core.spec.site import SiteConfig
from launcher.edges.disk.site_files import load_study, read_meta
from launcher.errors import Cancelled, InvalidInput, LauncherError
from launcher.usecases.make_job import MadeJob, make_job

if TYPE_CHECKING:
    from launcher.usecases.handle import OnFailure
    from launcher.usecases.service import Service

__all__ = [
    "bundle_on_failure",
    "bundle_on_refusal",
    "helm",
    "job_spec",
    "made_job",
    "secret_content",
    "texts",
]

_SERVER = "server"
_DIAGNOSE = "--diagnose"


def bundle_on_failure(
    service: Service, folder: Path | None, known: Mapping[str, bytes] | None = None
) -> OnFailure | None:
    """Return a callback that writes the diagnosis of a failed job into ``folder``; None without a folder.

    Raises:
        InvalidInput: the folder is not empty.
    """
    if folder is None:
        return None
    from launcher.edges.disk.bundle import check_folder  # noqa: PLC0415 - needed with --diagnose only

    check_folder(folder, where=_DIAGNOSE)
    return composition.bundle_writer(service.world, _bundle_target(folder, known or {}))


@contextmanager
def bundle_on_refusal(
    spec: JobSpec, site: SiteConfig, folder: Path | None, known: Mapping[str, bytes]
) -> Iterator[None]:
    """If the launch in this context is refused, write its diagnosis into ``folder`` (None = nowhere)."""
    try:
        yield
    except Cancelled:
        raise
    except LauncherError as error:
        if folder is not None:
            composition.write_refused_bundle(spec, site, error, _bundle_target(folder, known))
        raise


def _bundle_target(folder: Path, known: Mapping[str, bytes]) -> composition.BundleTarget:
    report = partial(_print_cause, folder)
    return composition.BundleTarget(folder=folder, report=report, known=texts(known), where=_DIAGNOSE)


def _print_cause(folder: Path, cause: str) -> None:
    say(f"diagnosis in {folder}: {cause}", err=True)


def texts(known: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the contents of a Secret as text, for masking."""
    return tuple(value.decode("utf-8", "replace") for value in known.values())


def job_spec(site: SiteConfig, meta: str, **more: Any) -> JobSpec:
    """Return the job of a META argument, and print what it asks for in vain.

    Args:
        site: the site, with its name.
        meta: FLARE job folder, meta.json, or ``-``.
        more: arguments of :func:`made_job`.
    """
    made = made_job(site, read_meta(meta), **more)
    for warning in made.warnings:
        say(f"warning: {warning}", err=True)
    return made.spec


def made_job(
    site: SiteConfig,
    meta: tuple[Mapping[str, Any], str],
    *,
    job_id: str,
    study: str,
    command: tuple[str, ...] = (),
    secret_env: tuple[str, ...] = (),
    offline: bool = False,
) -> MadeJob:
    """Return the job of a meta and options.

    Args:
        site: the site, with its name.
        meta: of the job, and where it stands.
        job_id: FLARE's job id.
        study: name of the study, empty for none.
        command: what to run; empty = the site's ``command``.
        secret_env: variables whose values are in the per-job Secret.
        offline: without a command, take FLARE's job process instead of refusing.
    """
    raw, source = meta
    name = _site_name(site)
    secret = credential_secret_name(pod_name(job_id, name))
    flare = offline and not command and not site.command
    request = Request(
        job_id=job_id,
        site=name,
        role=site.role,
        study=study,
        command=command,
        args=("-u", "-m", PROCESS[site.role]) if flare else (),
        secret_env=tuple(EnvVar(key, secret=SecretKey(secret, key)) for key in secret_env),
    )
    return make_job(request, raw, site, load_study, source=source)


def _site_name(site: SiteConfig) -> str:
    name = site.site or (_SERVER if site.role is Role.SERVER else "")
    if not name:
        cure = "give --site NAME, or set `site` in fljob.yaml"
        raise InvalidInput("the site has no name", where="--site", cure=cure)
    return check_site(name, "--site")


def secret_content(names: tuple[str, ...]) -> Mapping[str, bytes]:
    """Return the values of environment variables for the per-job Secret, as bytes: they need not be UTF-8.

    Raises:
        InvalidInput: a variable is not set.
    """
    for name in names:
        if name not in os.environ:
            where = f"--secret-env {name}"
            raise InvalidInput("the variable is not set", where=where, cure=f"export {name} before launching")
    return {name: os.fsencode(os.environ[name]) for name in names}
