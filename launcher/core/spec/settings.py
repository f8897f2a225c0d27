"""What a site setting is: its row, and the kinds of values.

The rows stand at the fields of ``SiteConfig`` and ``Timeouts`` (:mod:`launcher.core.spec.site`). The reader
of ``fljob.yaml``, FLARE's component arguments, the errors of both and ``docs/configuration.md`` read them.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from launcher.core.moments import LONGEST_SECONDS
from launcher.core.quantities import quantity_text
from launcher.core.syntax import MOUNT_PATH_RULE, is_dns_label, is_dns_subdomain, is_mount_path
from launcher.errors import InvalidInput

__all__ = [
    "FILE",
    "GRACE",
    "LIMIT",
    "LONGEST_SECONDS",
    "MAPPING",
    "MOUNT_PATH",
    "NAMESPACE",
    "PROGRAM",
    "QUANTITY",
    "SECONDS",
    "SECRET_NAMES",
    "SWITCH",
    "TEXT",
    "WORDS",
    "Kind",
    "Setting",
    "at_most_longest",
    "choice",
    "is_grace",
    "is_mapping",
    "is_quantity",
    "is_seconds",
    "is_switch",
    "is_text",
    "setting",
    "settings_of",
]

T = TypeVar("T")

_ROW = "setting"


def is_seconds(value: Any) -> bool:
    """Tell whether FLARE takes ``value`` for a time to wait: a number, 0 or more, and not infinite."""
    # No math.isfinite: it cannot turn 10**400 into a float.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value < float("inf")


def at_most_longest(seconds: float) -> float:
    """Return a time to wait as one whose end has a date."""
    return min(seconds, LONGEST_SECONDS)


def is_text(value: Any) -> bool:
    """Tell whether ``value`` is text with at least one visible character."""
    return isinstance(value, str) and value.strip() != ""


def is_count(value: Any) -> bool:
    """Tell whether ``value`` is a whole number, 1 or more; True is an ``int`` in Python."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def is_switch(value: Any) -> bool:
    """Return whether ``value`` is true or false, as YAML gives them: not 0, 1 or "yes"."""
    return isinstance(value, bool)


def is_mapping(value: Any) -> bool:
    """Tell whether ``value`` is a mapping."""
    return isinstance(value, Mapping)


def is_quantity(value: Any) -> bool:
    """Tell whether ``value`` is the text of a Kubernetes quantity, 0 or more."""
    if not isinstance(value, str):
        return False
    try:
        quantity_text(value, "")
    except InvalidInput:
        return False
    return True


def _same(value: Any) -> Any:
    return value


def _accept(value: Any, where: str) -> None:
    """Find nothing wrong."""


def _text_and(is_fine: Callable[[str], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and is_fine(value)


@dataclass(frozen=True, eq=False)
class Kind:
    """Which values a setting takes.

    Attributes:
        is_fine: tells whether a value is one of them; of a list: whether an entry is.
        rule: what a value must be; begins with "must".
        cure: what to write in ``fljob.yaml``. ``{name}`` is the key, ``{example}`` the row's example,
            ``{json}`` the same as JSON.
        type: the type that YAML gives such a value, or an entry of the list.
        convert: returns the value as the field of SiteConfig holds it.
        is_list: whether the value is a list.
        nullable: whether null is a value.
        is_path: tells whether a value is a path; one in ``fljob.yaml`` is relative to the file's folder.
        check: raises InvalidInput, with its key path, for what is wrong inside a value at a key path.
    """

    is_fine: Callable[[Any], bool]
    rule: str
    cure: str
    type: Any = str
    convert: Callable[[Any], Any] = _same
    is_list: bool = False
    nullable: bool = False
    is_path: Callable[[str], bool] = lambda _: False
    check: Callable[[Any, str], None] = _accept

    def accepts(self, value: Any) -> bool:
        """Tell whether ``value`` is one of this kind, as YAML or JSON give it."""
        if value is None:
            return self.nullable
        if self.is_list:
            return isinstance(value, list) and all(map(self.is_fine, value))
        return self.is_fine(value)

    def converted(self, value: Any) -> Any:
        """Return an accepted value as the field of SiteConfig holds it."""
        if value is None:
            return None
        return tuple(value) if self.is_list else self.convert(value)


_EXAMPLE, _EXAMPLE_JSON = "write `{name}: {example}`", "write `{name}: {json}`"
TEXT = Kind(
    is_text, "must be non-empty text", "write text, in quotes if it looks like a number, or remove the key"
)
FILE = replace(TEXT, is_path=lambda _: True)
# A program is looked up in PATH unless it is written as a path.
PROGRAM = replace(TEXT, is_path=lambda text: "/" in text)
NAMESPACE = Kind(
    _text_and(is_dns_label),
    "must be the name of a namespace",
    "use a-z, 0-9 and '-', at most 63 characters",
)
WORDS = Kind(is_text, "must be a list of words", _EXAMPLE_JSON, is_list=True)
SECRET_NAMES = Kind(
    _text_and(is_dns_subdomain),
    "must be a list of Secret names",
    f"{_EXAMPLE_JSON}, names of a-z, 0-9, '-' and '.'",
    is_list=True,
)
MOUNT_PATH = Kind(_text_and(is_mount_path), MOUNT_PATH_RULE, "write `{example}`")
QUANTITY = Kind(
    is_quantity, "must be a quantity in quotes", _EXAMPLE_JSON, convert=lambda text: quantity_text(text, "")
)
SWITCH = Kind(is_switch, "must be true or false", _EXAMPLE_JSON, type=bool)
COUNT = Kind(is_count, "must be a whole number, 1 or more", _EXAMPLE, type=int)
MAPPING = Kind(is_mapping, "must be a mapping", _EXAMPLE_JSON, type=dict[str, Any])
SECONDS = Kind(
    is_seconds,
    "must be a number of seconds, 0 or more",
    "write a number such as 120",
    type=float,
    convert=at_most_longest,
)
LIMIT = replace(
    SECONDS, rule=f"{SECONDS.rule}, or null", cure=f"{SECONDS.cure}, or null for no limit", nullable=True
)


_LONGEST_GRACE = 86_400


def is_grace(value: Any) -> bool:
    """Tell whether ``value`` is a grace period: whole seconds, 1 to a day (the API server makes 0 a 1)."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LONGEST_GRACE


GRACE = Kind(
    is_grace,
    f"must be a whole number of seconds, 1 to {_LONGEST_GRACE}",
    "write `{name}: {example}`",
    type=int,
)


def choice(*words: str, convert: Callable[[str], Any] = _same) -> Kind:
    """Return the kind of a setting that is one of a few words."""
    return Kind(words.__contains__, f"must be {' or '.join(words)}", _EXAMPLE, convert=convert)


@dataclass(frozen=True)
class Setting:
    """One row: all that is known about a site setting.

    Attributes:
        kind: which values it takes.
        default: value of the field when nobody sets it; a dataclass for a section such as ``timeouts``.
        meaning: the sentence of ``docs/configuration.md``.
        example: a value, for cures; None = the default.
        own_cure: what to write in ``fljob.yaml``, where the kind cannot say it.
        flare: name of FLARE's launcher argument, where it is another one than the key.
        formerly: name that FLARE's launcher argument had before.
        is_argument: whether it is an argument of FLARE's launcher component, too.
        null: what null means there, after "null", such as "in a pod"; empty = it is refused.
        name: the key, such as ``timeouts.heal``.
    """

    kind: Kind
    default: Any
    meaning: str
    example: Any = None
    own_cure: str = ""
    flare: str = ""
    formerly: str = ""
    is_argument: bool = True
    null: str = ""
    name: str = ""

    @property
    def argument(self) -> str:
        """Name of the argument of FLARE's launcher component; empty for none."""
        return (self.flare or self.name) if self.is_argument and "." not in self.name else ""

    @property
    def sample(self) -> Any:
        """A value for a cure, as it is written."""
        return self.plain_default if self.example is None else self.example

    @property
    def plain_default(self) -> Any:
        """The default, as it is written."""
        if isinstance(self.default, enum.Enum):
            return self.default.value
        return list(self.default) if isinstance(self.default, tuple) else self.default

    @property
    def is_section(self) -> bool:
        """Whether it has settings below it."""
        return is_dataclass(self.default)

    @property
    def cure(self) -> str:
        """What to write in ``fljob.yaml``."""
        example = self.sample
        return (self.own_cure or self.kind.cure).format(
            name=self.name, example=example, json=json.dumps(example, default=str)
        )


def setting(kind: Kind, default: T, meaning: str, **more: Any) -> T:
    """Return a dataclass field that carries its row; ``more`` are attributes of :class:`Setting`."""
    metadata = {_ROW: Setting(kind, default, meaning, **more)}
    if isinstance(default, dict):
        return cast("T", field(default_factory=default.copy, metadata=metadata))
    return field(default=default, metadata=metadata)


def settings_of(config: type) -> dict[str, Setting]:
    """Return the rows of a dataclass and of its sections, key path -> row, in the order of the fields."""
    return {row.name: row for row in _rows(config, "")}


def _rows(config: type, above: str) -> Iterator[Setting]:
    for one in fields(config):
        row = replace(one.metadata[_ROW], name=f"{above}{one.name}")
        yield row
        if row.is_section:
            yield from _rows(type(row.default), f"{row.name}.")
