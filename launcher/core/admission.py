"""What the numbers in a refusal of the API server mean: quotas that never admit, defaults of LimitRanges.

"exceeded quota: q, requested: cpu=8, used: cpu=0, limited: cpu=4" looks like a quota that others have used
up, and no job that ends will help. "must be less than or equal to memory limit of 512Mi" looks like a mistake
in a manifest, and nobody wrote that limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from launcher.core.foreign import quoted
from launcher.core.quantities import parse_quantity
from launcher.errors import InvalidInput, Reason, Rejected

__all__ = ["ABOVE_LIMIT", "LimitRangeView", "exceeded", "name_limit_range", "never_admitted"]

# 'spec.containers[0].resources.requests: Invalid value: "1Gi": must be less than or equal to memory limit of
# 512Mi'; hugepages and devices: 'must be equal to hugepages-2Mi limit of 4Mi'
ABOVE_LIMIT = (
    r'resources\.requests(?:\[[^\]]{1,253}\])?: Invalid value: "(?P<asked>[^"]{1,60})": '
    r"must be (?:less than or )?equal to (?P<resource>\S{1,253}) limit of (?P<limit>[^\s,\]]{1,60})"
)
_ABOVE_LIMIT = re.compile(ABOVE_LIMIT, re.IGNORECASE)
# The API server names those amounts alone that exceed the quota: "exceeded quota: q, requested: cpu=8,pods=1,
# used: ..."; our own words of it: "quota 'q' is exhausted: requested: cpu=8,pods=1, used: ...".
_REQUESTED = re.compile(
    r"(?:exceeded quota: [^,]{1,253}, |is exhausted: )requested: (\S{1,4000}), used: \S{1,4000}, limited: "
)
# Quotas count objects by these names, and by count/RESOURCE; all others are amounts.
_OBJECTS = frozenset(
    {
        "pods",
        "services",
        "services.loadbalancers",
        "services.nodeports",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "replicationcontrollers",
        "resourcequotas",
    }
)


def never_admitted(requested: str, limited: str) -> str:
    """Return of which exceeded resources the job asks more than the quota ever allows, with both numbers.

    Empty when others have to end first. A quota of no pods at all (or of no Secrets) closes the namespace,
    for this job as for any other: whoever closed it opens it again, so that one waits, too.

    Args:
        requested: what the API server says after "requested:", such as "cpu=8,memory=1Gi".
        limited: what it says after "limited:".
    """
    most = _amounts(limited)
    texts = [
        f"{name}: {asked} asked, {most[name][0]} is the most"
        for name, (asked, amount) in _amounts(requested).items()
        if not _is_object(name) and name in most and amount > most[name][1]
    ]
    return "; ".join(texts)


def exceeded(message: str) -> tuple[str, ...]:
    """Return the names of what a quota has too little left of; none where nobody says so."""
    said = _REQUESTED.search(message)
    return () if said is None else tuple(pair.partition("=")[0] for pair in said[1].split(","))


def _is_object(name: str) -> bool:
    return name in _OBJECTS or name.startswith("count/") or name.endswith("/persistentvolumeclaims")


def _amounts(text: str) -> dict[str, tuple[str, Decimal]]:
    found = {}
    for pair in text.split(","):
        name, _, amount = pair.strip().partition("=")
        try:
            found[name] = amount, parse_quantity(amount)
        except InvalidInput:
            continue
    return found


@dataclass(frozen=True)
class LimitRangeView:
    """A LimitRange: the limits that it gives to containers without one, resource -> quantity text."""

    name: str
    defaults: Mapping[str, str]


def name_limit_range(
    error: Rejected, own_limits: Mapping[str, object], ranges: Iterable[LimitRangeView]
) -> Rejected:
    """Return the error of a request above a limit with whose limit that is.

    Args:
        error: the refusal, of reason ABOVE_LIMIT_RANGE.
        own_limits: the limits that the job, its study or the site give.
        ranges: the LimitRanges of the namespace; empty when they may not be listed.
    """
    said = _ABOVE_LIMIT.search(error.message)
    if said is None:
        return error
    resource, limit = said["resource"], said["limit"]
    if resource in own_limits:
        cure = f"lower the request of {resource} or raise its limit, which are the job's own"
        return Rejected(error.message, cure=cure, reason=Reason.INVALID_SPEC)
    names = [one.name for one in ranges if _same(one.defaults.get(resource, ""), limit)]
    if not names:
        return error
    whose = " or ".join(f"LimitRange {quoted(name)}" for name in sorted(names))
    message = f"{error.message}; that limit is a default of {whose}"
    return Rejected(message, cure=error.cure, reason=error.reason)


def _same(one: str, other: str) -> bool:
    try:
        return parse_quantity(one) == parse_quantity(other)
    except InvalidInput:
        return False
