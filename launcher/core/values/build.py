"""Templates + JobSpec -> the one values dict of the chart.

Layers, each merged over the one before: ``site.yaml.j2``, the site configuration's ``values``, the study's
Pod template, ``studies/<study>.yaml.j2``, ``mounts.yaml.j2``, ``job.yaml.j2``, what the launcher owns. Helm
puts the chart's defaults below all of them. ``env`` and ``imagePullSecrets`` merge by name, so that a site or
a study can add to them; every other list replaces.

Templates see ``job`` (the JobSpec) and ``site`` (the SiteConfig). Neither holds the content of a Secret, so
no template can print one.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jinja2
import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment

from launcher.core.checks import below, require_mapping
from launcher.core.merge import merge, merge_by_name, named_items
from launcher.core.spec.jobspec import JobSpec
from launcher.core.spec.podtemplate import template_values
from launcher.core.spec.site import SiteConfig
from launcher.core.values.emit import Emitted, emit
from launcher.core.values.owned import TOP_KEYS, job_labels, owned_values, refuse_owned, refuse_reserved_env
from launcher.errors import InvalidInput

__all__ = ["build_values", "emit", "job_labels", "merge"]

_SITE, _MOUNTS, _JOB = "site.yaml.j2", "mounts.yaml.j2", "job.yaml.j2"
_STUDIES, _SUFFIX = "studies/", ".yaml.j2"
_POD_TEMPLATE = "pod template"
_MERGED_BY_NAME = ("env", "imagePullSecrets")
_CURE = "correct the template; it sees `job` (fields of JobSpec) and `site` (the site configuration)"
# What a template with a mistake in it can raise while it runs.
_RUNTIME = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def build_values(spec: JobSpec, site: SiteConfig, templates: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of one job: the same input gives the same values in the same order.

    Args:
        spec: the job.
        site: the site's configuration.
        templates: file name under ``values/`` -> jinja2 text; ``site.yaml.j2``, ``mounts.yaml.j2`` and
            ``job.yaml.j2`` must be there.

    Raises:
        InvalidInput: a template is missing, fails, prints something that is not a YAML mapping, has a null,
            or sets a key that belongs to the launcher.
    """
    _check_names(templates)
    owned = owned_values(spec)
    values: dict[str, Any] = {}
    for source, layer in _layers(spec, site, templates):
        refuse_owned(layer, owned, source)
        # FLARE silently replaces what a pod template says about its own variables.
        if source != _POD_TEMPLATE:
            refuse_reserved_env(layer, owned, source)
        values = _stack(values, layer, source)
    values = _stack(values, owned, "launcher")
    return {key: values[key] for key in TOP_KEYS if key in values}


def _check_names(templates: Mapping[str, str]) -> None:
    required = (_SITE, _MOUNTS, _JOB)
    for name in required:
        if name not in templates:
            cure = "add it to the values folder; an empty file is allowed"
            raise InvalidInput("values template is missing", where=name, cure=cure)
    for name in templates:
        if name not in required and not name.startswith(_STUDIES):
            cure = f"use {', '.join(required)} or {_STUDIES}<study>{_SUFFIX}"
            raise InvalidInput(
                "no values template has this name, so it would never be read", where=name, cure=cure
            )


def _layers(
    spec: JobSpec, site: SiteConfig, templates: Mapping[str, str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (source, values) from the weakest to the strongest layer below the launcher's own."""
    environment = _environment(tuple(sorted(templates.items())))
    context = {"job": spec, "site": site}
    study = f"{_STUDIES}{spec.study}{_SUFFIX}"
    yield _SITE, _render(environment, _SITE, context)
    yield "site configuration: values", site.values
    yield _POD_TEMPLATE, template_values(spec)
    if spec.study and study in templates:
        yield study, _render(environment, study, context)
    yield _MOUNTS, _render(environment, _MOUNTS, context)
    yield _JOB, _render(environment, _JOB, context)


def _stack(base: Mapping[str, Any], over: Mapping[str, Any], source: str) -> dict[str, Any]:
    merged = merge(base, over, source)
    for key in _MERGED_BY_NAME:
        if key in over:
            merged[key] = merge_by_name(base.get(key, []), named_items(over[key], below(source, key)))
    return merged


# Compiling costs two thirds of a job's values, and the templates of a site rarely change.
@functools.lru_cache(maxsize=4)
def _environment(templates: tuple[tuple[str, str], ...]) -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # the output is YAML: `emit` escapes, and `_require_emitted` demands it
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_require_emitted,
        loader=_Loader(dict(templates)),
    )
    # Nothing random and nothing but if/for: `lipsum`, `random` and friends have no place in values.
    environment.globals.clear()
    environment.filters.pop("random")
    environment.filters["emit"] = _emit_filter
    return environment


class _Loader(jinja2.BaseLoader):
    """Templates of a mapping, compiled under their own names so that tracebacks carry them."""

    def __init__(self, templates: Mapping[str, str]) -> None:
        self._templates = templates

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        del environment
        if template not in self._templates:
            raise jinja2.TemplateNotFound(template)
        return self._templates[template], template, None


def _emit_filter(value: Any) -> Emitted:
    if isinstance(value, jinja2.Undefined):
        str(value)  # raises, and names the variable
    return emit(value)


def _require_emitted(value: Any) -> Any:
    """Refuse ``{{ x }}`` without the filter: a newline in x would inject a key."""
    if isinstance(value, jinja2.Undefined):
        str(value)
    if not isinstance(value, Emitted):
        raise jinja2.TemplateRuntimeError("interpolation does not end in `| emit`")
    return value


def _render(environment: jinja2.Environment, name: str, context: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        text = environment.get_template(name).render(context)
    except jinja2.TemplateSyntaxError as error:
        where = f"{name}: line {error.lineno}"
        raise InvalidInput(error.message or "syntax error", where=where, cure=_CURE) from error
    except InvalidInput as error:
        where = f"{name}: line {_line(error, name)}"
        raise InvalidInput(error.message, where=where, cure=error.cure) from error
    except _RUNTIME as error:
        raise InvalidInput(str(error), where=f"{name}: line {_line(error, name)}", cure=_CURE) from error
    try:
        parsed = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        snippet = text.splitlines()[line - 1 : line]
        message = f"prints no YAML: {error.problem} (printed line {line}: {' '.join(snippet).strip()!r})"
        raise InvalidInput(
            message, where=name, cure="look at indentation and at keys that occur twice"
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidInput(f"prints no YAML: {error}", where=name, cure=_CURE) from error
    return require_mapping({} if parsed is None else parsed, name)


def _line(error: BaseException, name: str) -> int:
    """Return the line of template ``name`` in which ``error`` was raised (jinja2 rewrites tracebacks)."""
    lines = [
        line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == name
    ]
    return lines[-1] if lines else 0


class _StrictLoader(yaml.SafeLoader):
    """A SafeLoader that refuses a key twice in one mapping; PyYAML would keep the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT002
        seen = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
                if key_node.value in seen:
                    problem = f"key {key_node.value!r} occurs twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
                seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)
