"""Options that several commands share, and the site configuration that they give."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from launcher.core import foreign
from launcher.core.checks import invalid
from launcher.core.releases import StorageDriver
from launcher.core.spec.jobspec import Role
from launcher.core.spec.settings import NAMESPACE
from launcher.core.spec.site import SiteConfig
from launcher.errors import LauncherError

__all__ = [
    "cluster_arguments",
    "cluster_options",
    "compared_job_options",
    "config_options",
    "diagnose_option",
    "driver_option",
    "job_argument",
    "job_options",
    "jobs_options",
    "output_option",
    "printed_job_options",
    "site_from",
    "wanted_jobs",
    "written",
]

F = TypeVar("F", bound=Callable[..., Any])

_DEFAULT_CONFIG = "fljob.yaml"
# Bash reads what it has completed as part of a command: a job id `a;touch x` would be one of its own.
_COMPLETED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")


def _combine(*options: Callable[[F], F]) -> Callable[[F], F]:
    def apply(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


_config = click.option(
    "--config", metavar="FILE", help="Site configuration; ./fljob.yaml or $FLJOB_CONFIG if there is one."
)
_namespace = click.option("-n", "--namespace", help="Namespace of the jobs.")


def config_options(command: F) -> F:
    """Add --config and --namespace."""
    return _combine(_config, _namespace)(command)


def cluster_options(command: F) -> F:
    """Add the options of commands that use a cluster."""
    return _combine(
        config_options,
        click.option("--kubeconfig", metavar="FILE", help="Kubeconfig file."),
        click.option("--context", help="Context of the kubeconfig."),
    )(command)


_site = click.option("--site", help="Name of the site; `server` (which means --role server) for the server.")
_role = click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    help="Job process of a client or of the server.",
)
_study = click.option("--study", default="", help="Study the job belongs to.")
_job_id = click.option("--job-id", help="FLARE's job id.")
_kit = click.option(
    "--kit",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="A kit of `nvflare deploy prepare`, or a parent's workspace: what its parent would install.",
)


def job_options(command: F) -> F:
    """Add META and the options that identify the job."""
    return _combine(click.argument("meta"), _site, _role, _study, _job_id)(command)


def printed_job_options(command: F) -> F:
    """Add the same for a job that is only printed, and ``--kit``, which makes META optional."""
    return _combine(click.argument("meta", required=False), _kit, _site, _role, _study, _job_id)(command)


def compared_job_options(command: F) -> F:
    """Add the same for jobs that are compared, of as many studies as are named, or for a launched one."""
    studies = click.option("--study", multiple=True, metavar="NAME", help="Only this study; may be repeated.")
    first = click.argument("meta", required=False, metavar="[META|JOB]")
    now = click.argument("now", required=False, metavar="[META]")
    return _combine(first, now, _kit, studies, _site, _role, _job_id)(command)


_FILTERS = ("site", "study", "state")


def jobs_options(command: F) -> F:
    """Add the options that say which jobs are shown; see :func:`wanted_jobs`."""
    from launcher.core.lifecycle.state import JobState  # noqa: PLC0415 - most commands have no use for it

    names = [state.value for state in JobState]
    states = click.Choice(names, case_sensitive=False)
    which = f"{', '.join(names[:-1])} or {names[-1]}".lower()
    one, several = "Only jobs", "may be given several times."
    return _combine(
        click.option(
            "-A", "--all-namespaces", "everywhere", is_flag=True, help="The jobs of all namespaces."
        ),
        click.option("--site", multiple=True, help=f"{one} of this site; {several}"),
        click.option("--study", multiple=True, help=f"{one} of this study; {several}"),
        click.option(
            "--state",
            multiple=True,
            type=states,
            metavar="STATE",
            help=f"{one} that are {which}; {several}",
        ),
    )(command)


def wanted_jobs(given: dict[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    """Take the filters out of the options; return what tells of a job as JSON whether it is shown."""
    wanted = {name: given.pop(name) for name in _FILTERS}
    return lambda row: all(not values or row[name] in values for name, values in wanted.items())


def output_option(*formats: str) -> Callable[[F], F]:
    """Add ``-o``; the first format is the default."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="Output format.",
    )


def written(value: Any, output: str, left_out: Iterable[str] = ()) -> str:
    """Return JSON or YAML text, without a line end.

    Args:
        value: what is printed.
        output: ``json``, ``yaml``, or ``object``: JSON that says beside a list of what it is a part.
        left_out: namespaces in which there is no right to look; a bare list has no place for them.
    """
    if output == "object":
        value = {"items": value, "leftOut": [*map(foreign.line, left_out)]}
    if output != "yaml":
        return json.dumps(value, indent=2)
    from launcher.core import yaml_text  # noqa: PLC0415 - only where it is asked for

    return yaml_text.written(value, unicode=False).rstrip("\n")


def _known_jobs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return what a shell may complete to: releases, and job ids where somebody has begun one."""
    del param
    given = {name: ctx.params.get(name) for name in ("config", "namespace", "kubeconfig", "context")}
    try:
        site = site_from(**given)
        found = ctx.obj.service(site).known_names(site.namespace)
    except LauncherError:
        return []  # nobody reads an error between two keys
    names = found.keys() | set(found.values())
    return sorted(name for name in names if name.startswith(incomplete) and _COMPLETED.fullmatch(name))


def job_argument(command: F) -> F:
    """Add JOB: a release, a job id, or the beginning of one."""
    return click.argument("release", metavar="JOB", shell_complete=_known_jobs)(command)


def diagnose_option(command: F) -> F:
    """Add ``--diagnose``."""
    return click.option(
        "--diagnose",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="If the job fails, write a diagnosis into this new folder before anything is removed.",
    )(command)


def driver_option(*, default: str | None, without: str) -> Callable[[F], F]:
    """Add ``--driver``; ``without`` describes the default, for the help."""
    return click.option(
        "--driver",
        type=click.Choice(get_args(StorageDriver)),
        default=default,
        help=f"Where Helm keeps its releases; {without}.",
    )


def cluster_arguments(given: Mapping[str, Any], namespace: str) -> str:
    """Return the options with which a suggested command uses the same cluster and namespace."""
    words = ["-n", namespace]
    for name in ("config", "kubeconfig", "context"):
        if given.get(name):
            words += [f"--{name}", str(given[name])]
    return shlex.join(words)


def site_from(
    *,
    config: str | None,
    namespace: str | None = None,
    kubeconfig: str | None = None,
    context: str | None = None,
    site: str | None = None,
    role: str | None = None,
) -> SiteConfig:
    """Return the site configuration with the options of the command line over it.

    Raises:
        LauncherError: the file is missing or wrong, or the namespace is no valid name.
    """
    if namespace is not None and not NAMESPACE.accepts(namespace):
        raise invalid("--namespace", namespace, NAMESPACE.rule, cure=NAMESPACE.cure)
    path = (
        config
        or os.environ.get("FLJOB_CONFIG")
        or (_DEFAULT_CONFIG if Path(_DEFAULT_CONFIG).exists() else None)
    )
    found = SiteConfig()
    if path is not None:
        from launcher.edges.disk.config import load_config  # noqa: PLC0415 - pydantic costs 0.2 s

        found = load_config(Path(path))
    given: dict[str, Any] = {
        "namespace": namespace,
        "kubeconfig": kubeconfig,
        "context": context,
        "site": site,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if role is not None:
        changes["role"] = Role(role)
    elif site == Role.SERVER.value:  # FLARE reserves this name for the server
        changes["role"] = Role.SERVER
    return replace(found, **changes)
