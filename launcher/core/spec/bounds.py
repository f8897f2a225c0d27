"""How much a job may ask for: its meta comes from whoever may submit one, and the cluster is the site's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from launcher.core.checks import invalid
from launcher.core.quantities import parse_quantity
from launcher.core.spec.asked import JobMeta, Unset
from launcher.core.spec.site import SiteConfig

__all__ = ["grace_period", "pending_timeout", "refuse_beyond", "shorter_wait"]

# More than any node of any cluster has; a request for it is a mistake, or worse.
_NO_NODE_HAS: Mapping[str, str] = {
    "cpu": "4096",
    "memory": "256Ti",
    "ephemeral-storage": "1Pi",
    "nvidia.com/gpu": "1024",
}
_OF_SITE = "max_resources of the site"


def refuse_beyond(meta: JobMeta, site: SiteConfig) -> None:
    """Refuse a job that asks for more than the site allows, or than any node can have.

    Raises:
        InvalidInput: with the key path of the amount.
    """
    for name, amount in _amounts(meta):
        bound = site.max_resources.get(name, _NO_NODE_HAS.get(name))
        if bound is not None and parse_quantity(amount) > parse_quantity(bound):
            of = _OF_SITE if name in site.max_resources else "more than any node has"
            where = meta.places.get(name, f"{meta.source}: {name}")
            raise invalid(where, amount, f"must be at most {bound} ({of})", cure="ask for less")


def _amounts(meta: JobMeta) -> Iterator[tuple[str, str]]:
    yield from meta.resources.limits.items()
    yield from meta.resources.requests.items()
    if meta.ephemeral_storage:
        yield "ephemeral-storage", meta.ephemeral_storage


def grace_period(meta: JobMeta, site: SiteConfig) -> int | None:
    """Return the grace period that the job asks for, None when it does not.

    Raises:
        InvalidInput: it is longer than the site allows, with its key path.
    """
    if meta.grace_period is not None and meta.grace_period > site.max_grace_period:
        where = meta.places.get("grace_period", f"{meta.source}: grace_period")
        rule = f"must be at most {site.max_grace_period}, the site's max_grace_period"
        raise invalid(where, meta.grace_period, rule, cure="lower it, or ask the site to raise its bound")
    return meta.grace_period


def pending_timeout(meta: JobMeta, site: SiteConfig) -> float | None:
    """Return how long the job waits for resources: what it asks for, as far as the site lets jobs wait."""
    if isinstance(meta.pending_timeout, Unset):
        return site.pending_timeout
    if site.max_pending_timeout is None or site.pending_timeout is None:
        return meta.pending_timeout
    longest = max(site.max_pending_timeout, site.pending_timeout)
    return longest if meta.pending_timeout is None else min(meta.pending_timeout, longest)


def shorter_wait(meta: JobMeta, seconds: float | None) -> Iterator[str]:
    """Yield a sentence if the job will wait ``seconds`` and asked for more."""
    if isinstance(meta.pending_timeout, Unset) or meta.pending_timeout == seconds:
        return
    asked = "null" if meta.pending_timeout is None else f"{meta.pending_timeout:g}"
    where = meta.places.get("pending_timeout", f"{meta.source}: pending_timeout")
    yield f"{where} ({asked}) is longer than max_pending_timeout of the site: the job waits {seconds:g} s"
