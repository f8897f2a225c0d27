"""Templates + JobSpec -> the one values dict of the chart.

Layers, each merged over the one before: ``site.yaml.j2``, the site configuration's ``values``, the study's
Pod template, ``studies/<study>.yaml.j2``, ``mounts.yaml.j2``, ``job.yaml.j2``, ``launcher.yaml.j2``. Helm
puts the chart's defaults below all of them, and null leaves out what stands below it. ``env`` and
``imagePullSecrets`` merge by name, so that a site or a study can add to them; every other list replaces.

``launcher.yaml.j2`` alone writes what belongs to the launcher. :mod:`launcher.core.values.owned` refuses a
layer that says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from launcher.core.checks import key_path
from launcher.core.merge import merge, merge_by_name, named_items
from launcher.core.spec.jobspec import JobSpec
from launcher.core.spec.podtemplate import template_values
from launcher.core.spec.site import SiteConfig
from launcher.core.values.fields import Definitions, refuse_unknown_fields
from launcher.core.values.owned import TOP_KEYS, refuse_owned, refuse_reserved_env, require_owned
from launcher.core.values.render import renderer
from launcher.core.values.templates import JOB, LAUNCHER, MOUNTS, SITE, check_names, study_template

__all__ = ["build_values"]

_POD_TEMPLATE = "pod template"
_MERGED_BY_NAME = ("env", "imagePullSecrets")


def build_values(
    spec: JobSpec, site: SiteConfig, templates: Mapping[str, str], fields: Definitions = MappingProxyType({})
) -> dict[str, Any]:
    """Return the values of one job: the same input gives the same values in the same order.

    Args:
        spec: the job.
        site: the site's configuration.
        templates: file name under ``values/`` -> jinja2 text, with the shipped ``launcher.yaml.j2``;
            ``site.yaml.j2``, ``mounts.yaml.j2`` and ``job.yaml.j2`` must be there, too.
        fields: definitions of the chart's schema, by which fields of a pod are known; without them all are.

    Raises:
        InvalidInput: a template is missing, fails, prints something that is not a YAML mapping, has a null
            that leaves nothing out, sets a key that belongs to the launcher, or a field that Kubernetes does
            not have.
    """
    check_names(templates)
    render = renderer(templates, spec, site)
    owned = render(LAUNCHER)
    require_owned(owned, LAUNCHER)
    values: dict[str, Any] = {}
    for source, layer in _layers(spec, site, templates, render):
        refuse_owned(layer, owned, source)
        refuse_unknown_fields(layer, fields, source)
        # FLARE silently replaces what a pod template says about its own variables.
        if source != _POD_TEMPLATE:
            refuse_reserved_env(layer, owned, source)
        # A manifest may have null anywhere, and a chart of the site's own has defaults of its own.
        values = _stack(values, layer, source, any_null=source == _POD_TEMPLATE or bool(site.chart))
    values = _stack(values, owned, LAUNCHER)
    return {key: values[key] for key in TOP_KEYS if key in values}


def _layers(
    spec: JobSpec,
    site: SiteConfig,
    templates: Mapping[str, str],
    render: Callable[[str], Mapping[str, Any]],
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (source, values) from the weakest to the strongest layer below the launcher's own."""
    study = study_template(spec.study)
    yield SITE, render(SITE)
    yield "site configuration: values", site.values
    yield _POD_TEMPLATE, template_values(spec)
    if spec.study and study in templates:
        yield study, render(study)
    yield MOUNTS, render(MOUNTS)
    yield JOB, render(JOB)


def _stack(
    base: Mapping[str, Any], over: Mapping[str, Any], source: str, *, any_null: bool = False
) -> dict[str, Any]:
    merged = merge(base, over, source, any_null=any_null)
    for key in _MERGED_BY_NAME:
        if over.get(key) is not None:
            merged[key] = merge_by_name(base.get(key) or [], named_items(over[key], key_path(source, key)))
    return merged
