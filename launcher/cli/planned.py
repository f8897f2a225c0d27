"""The plan of a job, for the commands that show one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from launcher import composition
from launcher.cli import streams
from launcher.cli.width import folded, say, table
from launcher.core.spec.jobspec import JobSpec
from launcher.core.spec.site import SiteConfig
from launcher.errors import InvalidInput, Rejected

if TYPE_CHECKING:
    from launcher.core.plan.rows import Plan
    from launcher.edges.kube.planning import KubePlanning
    from launcher.edges.registry import HttpRegistries

__all__ = ["DRY_RUNS", "plan_text", "planned", "tried_out"]

_CLIENT = "client"
DRY_RUNS = ("server", _CLIENT)


def planned(
    site: SiteConfig,
    spec: JobSpec,
    given: Mapping[str, Any],
    *,
    advice: bool = True,
    offline: bool = False,
    registry: bool = False,
) -> Plan:
    """Return the plan of a job.

    Args:
        site: its site.
        spec: the job.
        given: the options ``kubeconfig`` and ``context``.
        advice: whether to look for what a pod needs after its creation, too.
        offline: whether to make the objects only, and to ask nobody.
        registry: whether to ask the registries of the images, too.

    Raises:
        LauncherError: the cluster cannot be asked.
    """
    from launcher.edges.disk.documents import parse_manifests  # noqa: PLC0415 - needed here only
    from launcher.usecases.plan import Asked, made_plan, make_plan, refused_plan  # noqa: PLC0415

    named = {key: given[key] for key in ("kubeconfig", "context") if given.get(key)}
    site = replace(site, **named)
    asked = Asked(spec=spec, objects=(), policy=composition.wait_policy(site), driver=site.storage_driver)
    try:
        asked = replace(asked, objects=tuple(parse_manifests(composition.manifests(spec, site))))
    except (InvalidInput, Rejected) as error:
        return refused_plan(asked, error)
    if offline:
        return made_plan(asked)
    return make_plan(asked, _api(site), advice=advice, registries=_registries() if registry else None)


def tried_out(site: SiteConfig, spec: JobSpec, given: Mapping[str, Any], output: str) -> int:
    """Print what a launch would be told, and return the exit code.

    Args:
        site: its site.
        spec: the job.
        given: the options ``dry_run``, ``kubeconfig`` and ``context``.
        output: ``table`` or ``json``.
    """
    from launcher.core.report.plan import as_json, as_verdicts  # noqa: PLC0415

    found = planned(site, spec, given, advice=False, offline=given["dry_run"] == _CLIENT)
    with streams.read_or_not():
        if output == "json":
            click.echo(json.dumps(as_json(found)))
        else:
            say(as_verdicts(found).rstrip("\n"))
    return int(found.return_code)


def plan_text(plan: Plan, width: int | None) -> str:
    """Return a plan as a table, with what was said below the rows.

    Args:
        plan: the plan.
        width: columns of the terminal; None = each text in one line.
    """
    from launcher.core.report.plan import as_rows, sentence  # noqa: PLC0415

    cells, below = zip(*as_rows(plan), strict=True)
    lines = []
    for line, said in zip(table(cells, width), below, strict=True):
        lines += [line, *(folded(f"    {text}", width) for text in said)]
    return "\n".join([*lines, "", folded(sentence(plan), width)])


def _api(site: SiteConfig) -> KubePlanning:
    from launcher.edges.kube import KubeClient  # noqa: PLC0415 - costs 0.15 s
    from launcher.edges.kube.planning import KubePlanning  # noqa: PLC0415

    return KubePlanning(KubeClient(loader=composition.cluster_of(site)))


def _registries() -> HttpRegistries:
    from launcher.edges.registry import HttpRegistries  # noqa: PLC0415 - costs 0.1 s

    return HttpRegistries()
