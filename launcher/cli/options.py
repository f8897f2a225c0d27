"""Options that several commands share, and the site configuration that they give."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from launcher.core.checks import invalid
from launcher.core.releases import StorageDriver
from launcher.core.spec.jobspec import Role
from launcher.core.spec.settings import NAMESPACE
from launcher.core.spec.site import SiteConfig

__all__ = [
    "cluster_arguments",
    "cluster_options",
    "config_options",
    "diagnose_option",
    "driver_option",
    "job_options",
    "output_option",
    "site_from",
]

F = TypeVar("F", bound=Callable[..., Any])

_DEFAULT_CONFIG = "fljob.yaml"


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


def job_options(command: F) -> F:
    """Add META and the options that identify the job."""
    return _combine(
        click.argument("meta"),
        click.option("--site", help="Name of the site; `server` (which means --role server) for the server."),
        click.option(
            "--role",
            type=click.Choice([role.value for role in Role]),
            help="Job process of a client or of the server.",
        ),
        click.option("--study", default="", help="Study the job belongs to."),
        click.option("--job-id", help="FLARE's job id."),
    )(command)


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
