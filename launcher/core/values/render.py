"""One template -> its values: jinja2 in a sandbox, printed as YAML, read back strictly.

A template sees ``job`` (the JobSpec) and ``site`` (the SiteConfig). Neither holds the content of a Secret, so
no template can print one. Every interpolation ends in ``| emit``; ``label_value`` and ``seconds`` may stand
before it.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jinja2
import yaml
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from launcher.core.checks import refuse_dense, refuse_endless, require_mapping
from launcher.core.foreign import quoted
from launcher.core.names import label_value
from launcher.core.spec.jobspec import JobSpec
from launcher.core.spec.site import SiteConfig
from launcher.core.values import limits
from launcher.core.values.emit import Emitted, emit
from launcher.core.values.plain_yaml import PlainText
from launcher.core.yaml_text import problem_of
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
    SyntaxError,  # "too many statically nested blocks"
    TypeError,
    ValueError,
)


# Of printed text: helm keeps a release in one object of the API server, which takes no more.
_LONGEST = 1024 * 1024
# From the first mark of a template to its last; jinja2 compiles a hundred thousand characters in a second.
_LONGEST_TEMPLATE = 128 * 1024
_GROWING = frozenset({"*", "**", "%", "+"})
# Methods of text and numbers that pad to any length, and those that make bytes, which have them, too.
_UNSAFE = frozenset(
    "center encode expandtabs format format_map ljust rjust to_bytes translate zfill".split()  # noqa: SIM905
)
# Filters for prose and HTML, some of which pad to any length as well; nothing random.
_NO_FILTERS = frozenset(
    "batch center e escape filesizeformat forceescape format indent pprint random safe slice striptags "  # noqa: SIM905
    "urlize wordcount wordwrap xmlattr".split()
)
_ROUNDS, _CONCATENATED, _LITERAL = "rounds of a loop", "parts of ~", "items of a literal"


def renderer(
    templates: Mapping[str, str], job: JobSpec, site: SiteConfig
) -> Callable[[str], Mapping[str, Any]]:
    """Return what renders one of ``templates``, by name, for ``job``; an empty template has no values.

    It raises InvalidInput when the template fails, or prints something that is not a YAML mapping.
    """
    environment = _environment(tuple(sorted(templates.items())))
    context = {"job": job, "site": site}

    def render(name: str) -> Mapping[str, Any]:
        with limits.limited():
            return _render(environment, context, name)

    return render


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
    environment.filters |= {
        "emit": _of_defined(emit),
        "label_value": _of_defined(label_value),
        "seconds": _of_defined(_seconds),
    }
    return environment


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox in which everything that is made passes :mod:`launcher.core.values.limits`."""

    intercepted_binops = _GROWING

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Nothing but if/for: `lipsum`, `range` and friends have no place in values.
        self.globals.clear()
        kept = {name: one for name, one in self.filters.items() if name not in _NO_FILTERS}
        self.filters = {name: limits.limited_filter(name, one) for name, one in kept.items()}
        self.filters["sum"] = limits.sum_of_numbers
        self.filters |= {
            _ROUNDS: limits.rounds,
            _CONCATENATED: limits.concatenated,
            _LITERAL: limits.literal,
        }

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = _through(_ROUNDS, loop.iter, nodes.Const(limits.round_cost(source)))
        _limit_below(tree)
        tree.set_environment(self)
        return tree

    def get_template(self, name: Any, parent: Any = None, globals: Any = None) -> jinja2.Template:  # noqa: A002
        """Return a template; each time costs, for those that include themselves."""
        found = super().get_template(name, parent, globals)
        if self.loader is not None and found.name:
            limits.take(limits.CALL + limits.round_cost(self.loader.get_source(self, found.name)[0]))
        return found

    def call(__self, __context: Any, __obj: Any, *args: Any, **more: Any) -> Any:  # noqa: N805, PYI063 - as jinja2
        """Call a method or a macro."""
        of, name = getattr(__obj, "__self__", None), getattr(__obj, "__name__", "")
        if isinstance(of, str) and name == "join" and args:
            args = (limits.joined(args[0], of),)
        if isinstance(of, str) and name == "replace":
            limits.refuse_long_replace(of, *args, *more.values())
        limits.take(limits.CALL)
        return limits.short(super().call(__context, __obj, *args, **more), name or "a call")

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute what has not too long a result."""
        if limits.is_endless(operator, left, right):
            raise limits.Endless(f"the result of {operator} is too long")
        return limits.short(super().call_binop(context, operator, left, right), operator)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Refuse the methods that make a value of any length, besides what the sandbox refuses."""
        is_padding = isinstance(obj, (str, int)) and attr in _UNSAFE
        return not is_padding and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Leave ``format`` to :meth:`is_safe_attribute`, which refuses it."""
        del value


def _through(name: str, node: Any, *arguments: nodes.Expr) -> nodes.Expr:
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)


def _limit_below(node: nodes.Node) -> None:
    """Let every list, mapping and concatenation of a template pass a filter: each may repeat long ones."""
    for field, value in list(node.iter_fields()):
        if isinstance(value, list):
            value[:] = map(_limited, value)
        elif isinstance(value, nodes.Node):
            setattr(node, field, _limited(value))


def _limited(item: Any) -> Any:
    if not isinstance(item, nodes.Node):
        return item
    _limit_below(item)
    if isinstance(item, nodes.Concat):
        return _through(_CONCATENATED, nodes.List(item.nodes, lineno=item.lineno))
    # The other tuples are targets of assignments.
    is_value = isinstance(item, (nodes.List, nodes.Dict)) or getattr(item, "ctx", "") == "load"
    is_literal = is_value and isinstance(item, nodes.Literal)
    return _through(_LITERAL, item) if is_literal else item


class _Loader(jinja2.BaseLoader):
    """Templates of a mapping, compiled under their own names so that tracebacks carry them."""

    def __init__(self, templates: Mapping[str, str]) -> None:
        self._templates = templates

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        del environment
        if template not in self._templates:
            raise jinja2.TemplateNotFound(
                template, f"there is no template {quoted(template)} in `values_dir`"
            )
        text = self._templates[template]
        if text.rfind("}") - text.find("{") > _LONGEST_TEMPLATE:
            cure = "write less, or put the values into fljob.yaml"
            raise InvalidInput(f"is longer than {_LONGEST_TEMPLATE} characters", where=template, cure=cure)
        return text, template, None


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
    refuse_dense(text, name)
    try:
        parsed = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        snippet = text.splitlines()[line - 1 : line]
        message = f"prints no YAML: {problem_of(error)} (printed line {line}: {' '.join(snippet).strip()!r})"
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


class _StrictLoader(PlainText, yaml.SafeLoader):
    """A SafeLoader that refuses a key twice in one mapping; PyYAML would keep the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT002
        seen = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
                if key_node.value in seen:
                    problem = f"key {quoted(key_node.value)} occurs twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
                seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)
