"""How long a site keeps ended jobs; rows of its settings below ``retention``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launcher.core.checks import as_json, invalid, require_known, require_mapping
from launcher.core.retention import Kept
from launcher.core.spec.settings import LIMIT, MAPPING, Kind, setting
from launcher.core.spec.study import require_name

__all__ = ["Retention"]

_MOST_KEPT = 1_000_000


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_KEPT


_TIME = Kind(
    LIMIT.is_fine,
    "must be a number of seconds, 0 or more, or null",
    "write a number such as 86400, 0 to keep none, or null to say nothing",
    type=float,
    convert=LIMIT.convert,
    nullable=True,
)
_NUMBER = Kind(
    _is_number,
    f"must be a whole number, 0 to {_MOST_KEPT}, or null",
    "write a number such as 20, or null for any number",
    type=int,
    nullable=True,
)
_KINDS: Mapping[str, Kind] = {"succeeded": _TIME, "failed": _TIME, "keep": _NUMBER}


def _check_studies(value: Any, where: str) -> None:
    """Refuse what no study's retention is, with its key path.

    Raises:
        InvalidInput: a name that no study has, an unknown key, or a value that breaks the rule of the key.
    """
    for study, given in require_mapping(value, where).items():
        at = f"{where}.{study}"
        require_name(study, at)
        entry = require_mapping(given, at, cure="write `failed: 86400` and the like below it")
        require_known(entry, set(_KINDS), at)
        for key, one in entry.items():
            kind = _KINDS[key]
            if not kind.accepts(one):
                raise invalid(f"{at}.{key}", as_json(one, at), kind.rule, cure=kind.cure)


_STUDIES = Kind(
    MAPPING.is_fine,
    "must be a mapping of names of studies",
    "write `{name}: {json}`",
    type=dict[str, Any],
    check=_check_studies,
)


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long ended jobs stay, in seconds from their end; None = nothing is said."""

    succeeded: float | None = setting(
        _TIME,
        None,
        "seconds that release and pod of a job that succeeded stay after its end; null or 0 = not at all",
        example=3600,
    )
    failed: float | None = setting(
        _TIME,
        None,
        "the same for a job that ran and failed; 0 = not at all, null = a FLARE parent removes it at its "
        "end, and `fljob wait` leaves it to `fljob gc --older-than`",
        example=86400,
    )
    keep: int | None = setting(
        _NUMBER,
        None,
        "how many of them stay at most, of each outcome: the one that ended first goes first; without the "
        "two times above so many stay for ever; null = any number",
        example=20,
    )
    studies: Mapping[str, Any] = setting(
        _STUDIES,
        {},
        "study -> `succeeded`, `failed` and `keep` of its jobs, where they are others than the site's; its "
        "`keep` counts its own jobs",
        example={"heart": {"failed": 604800}},
    )

    def of(self, study: str) -> Kept:
        """Return what holds for the jobs of a study, empty for none."""
        own = self.studies.get(study, {}) if study else {}
        given = {name: own[name] if name in own else getattr(self, name) for name in _KINDS}
        converted = {name: _KINDS[name].converted(value) for name, value in given.items()}
        return Kept(**converted, of_study="keep" in own)
