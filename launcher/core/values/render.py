"""One template -> its values: jinja2 in a sandbox, printed as YAML, read back strictly.

A template sees ``job`` (the JobSpec) and ``site`` (the SiteConfig). Neither holds the content of a Secret, so
no template can print one. Every interpolation ends in ``| emit``; ``label_value`` and ``seconds`` may stand
before it.
"""

from __future__ import annotations

import functools
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jinja2
import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment

from launcher.core.checks import refuse_endless, require_mapping
from launcher.core.names import label_value
from launcher.core.spec.jobspec import JobSpec
from launcher.core.spec.site import SiteConfig
from launcher.core.values.emit import Emitted, emit
from launcher.errors import InvalidInput

__all__ = ["renderer"]

_CURE = "correct the template; it sees `job` (fields of JobSpec) and `site` (the site configuration)"
# What a template with a mistake in it can raise while it runs.
_RUNTIME = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


# Of printed text: helm keeps a release in one object of the API server, which takes no more.
_LONGEST = 1024 * 1024
# What makes a long text, or a number of that many digits, of two short operands.
_GROWING = frozenset({"*", "**", "%"})
_WIDE = re.compile(r"\d{5}|\*")  # "%1000000000d" % 1
_PADDING = frozenset({"center", "expandtabs", "format", "format_map", "ljust", "rjust", "zfill"})


def renderer(
    templates: Mapping[str, str], job: JobSpec, site: SiteConfig
) -> Callable[[str], Mapping[str, Any]]:
    """Return what renders one of ``templates``, by name, for ``job``; an empty template has no values.

    It raises InvalidInput when the template fails, or prints something that is not a YAML mapping.
    """
    environment = _environment(tuple(sorted(templates.items())))
    return functools.partial(_render, environment, {"job": job, "site": site})


# Compiling costs two thirds of a job's values, and the templates of a site rarely change.
@functools.lru_cache(maxsize=4)
def _environment(templates: tuple[tuple[str, str], ...]) -> jinja2.Environment:
    environment = _Environment(
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
    for name in ("random", "center", "format"):
        environment.filters.pop(name)
    environment.filters |= {
        "emit": _of_defined(emit),
        "label_value": _of_defined(label_value),
        "seconds": _of_defined(_seconds),
    }
    return environment


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox in which no operator makes more than a template may print."""

    intercepted_binops = _GROWING

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if _is_endless(operator, left, right):
            raise jinja2.TemplateRuntimeError(f"the result of {operator} is too long")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Refuse the methods of a text that pad it to any length, besides what the sandbox refuses."""
        is_padding = isinstance(obj, str) and attr in _PADDING
        return not is_padding and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Leave ``format`` to :meth:`is_safe_attribute`, which refuses it."""
        del value


def _is_endless(operator: str, left: Any, right: Any) -> bool:
    if operator == "**":
        return isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > _LONGEST
    if operator == "%":
        return isinstance(left, str) and _WIDE.search(left) is not None
    pairs = ((left, right), (right, left))
    return any(
        isinstance(times, int) and hasattr(text, "__len__") and len(text) * times > _LONGEST
        for text, times in pairs
    )


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


def _of_defined(function: Callable[[Any], str]) -> Callable[[Any], str]:
    """Return a filter that names the variable when it is undefined."""

    def filtered(value: Any) -> str:
        if isinstance(value, jinja2.Undefined):
            str(value)  # raises
        return function(value)

    return filtered


def _seconds(timeout: float | None) -> str:
    if timeout is None:
        return "none"
    return str(int(timeout)) if timeout == int(timeout) else repr(timeout)


def _require_emitted(value: Any) -> Any:
    """Refuse ``{{ x }}`` without the filter: a newline in x would inject a key."""
    if isinstance(value, jinja2.Undefined):
        str(value)
    if not isinstance(value, Emitted):
        raise jinja2.TemplateRuntimeError("interpolation does not end in `| emit`")
    return value


def _render(environment: jinja2.Environment, context: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    try:
        text = _printed(environment.get_template(name).generate(context), name)
    except jinja2.TemplateSyntaxError as error:
        where = f"{name}: line {error.lineno}"
        raise InvalidInput(error.message or "syntax error", where=where, cure=_CURE) from error
    except InvalidInput as error:
        if error.where == name:  # about the whole, not about a line
            raise
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
    # RecursionError: hundreds of brackets.
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        raise InvalidInput(f"prints no YAML: {error}", where=name, cure=_CURE) from error
    refuse_endless(parsed, name)
    return require_mapping({} if parsed is None else parsed, name)


def _printed(parts: Iterable[str], name: str) -> str:
    """Return what a template prints, and stop it when that is too much."""
    printed, size = [], 0
    for part in parts:
        printed.append(part)
        size += len(part)
        if size > _LONGEST:
            cure = "print less: Helm stores all values of a job in one object of at most 1 MiB"
            raise InvalidInput(f"prints more than {_LONGEST} characters", where=name, cure=cure)
    return "".join(printed)


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
