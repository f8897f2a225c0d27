"""The rights that a site needs: those of every site, and those for what its values make its chart print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from launcher import composition
from launcher.cli.width import say
from launcher.core import foreign
from launcher.core.flare.meta import parse_meta
from launcher.core.rights import NETWORK_POLICIES, POD_DISRUPTION_BUDGETS, WRITE_EVENTS, Right, printed
from launcher.core.spec.assemble import Request, build_jobspec
from launcher.core.spec.jobspec import JobSpec
from launcher.core.spec.site import SiteConfig
from launcher.core.spec.study import Study
from launcher.core.values.templates import studies
from launcher.core.yaml_text import documents
from launcher.edges.disk.site_files import values_templates
from launcher.errors import InvalidInput, LauncherError

__all__ = ["chart_rights", "example_job", "rights_of_chart_or_warning", "switched_on"]

_NAME = "doctor"
# Values of the shipped chart that make something beside the pod, and the rights for it.
_MADE = (
    ("networkPolicy", "enabled", NETWORK_POLICIES),
    ("disruption", "budget", POD_DISRUPTION_BUDGETS),
)
_META = {"launcher_spec": {"default": {"k8s": {"image": _NAME}}}}


def example_job(site: SiteConfig, study: str = "") -> JobSpec:
    """Return a job of a site, to see what is made of it."""
    request = Request(job_id=_NAME, site=site.site or _NAME, role=site.role, study=study, args=("-V",))
    return build_jobspec(request, parse_meta(_META, request.site), Study(name=study), site)


def chart_rights(site: SiteConfig) -> frozenset[Right]:
    """Return the rights for what the chart of a site prints beside the pod, whatever the study of a job.

    The shipped chart prints what its values say; what another chart prints is known from `helm template`.

    Raises:
        LauncherError: the values or the chart cannot be rendered, so that nobody can tell.
    """
    found = frozenset[Right]()
    for spec, values in _jobs(site):
        if site.chart:
            text = composition.helm_edge(site).template(spec.release, spec.namespace, values)
            found |= _printed(text)
            continue
        for group, key, rights in _MADE:
            part = values.get(group)
            if isinstance(part, Mapping) and part.get(key) is True:
                found |= rights
    return found


def switched_on(site: SiteConfig) -> frozenset[Right]:
    """Return the optional rights for what a site has switched on."""
    return WRITE_EVENTS if site.events else frozenset[Right]()


def rights_of_chart_or_warning(site: SiteConfig) -> frozenset[Right]:
    """Return what :func:`chart_rights` does; where nobody can tell say so on stderr and return none."""
    try:
        return chart_rights(site)
    except LauncherError as error:
        said = f"warning: rights for what the chart makes beside the pod are not included: {error.message}"
        say(foreign.line(said), err=True)
        return frozenset()


def _printed(text: str) -> frozenset[Right]:
    try:
        return printed(documents(text))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        why = f"what it prints cannot be read: {error}"
        raise InvalidInput(why, where="chart", cure="look at it with `helm template`") from error


def _jobs(site: SiteConfig) -> Iterator[tuple[JobSpec, Mapping[str, Any]]]:
    """Yield a job of no study, and one of each study that has values of its own."""
    for study in ("", *studies(values_templates(site))):
        spec = example_job(site, study)
        yield spec, composition.render_values(spec, site)
