"""The chart of a site, wherever it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from launcher.core.chart_reference import chart_reference, in_registry
from launcher.core.spec.site import SiteConfig
from launcher.edges.charts.cache import ChartCache, cache_folder
from launcher.edges.charts.manifests import RegistryManifests
from launcher.edges.charts.programs import RegistryPrograms
from launcher.edges.disk.chart_files import chart_path
from launcher.errors import LauncherError
from launcher.logs import logger

__all__ = ["chart_cache", "chart_of", "chart_or_later", "fetch_chart"]

_LOG = logger(__name__)


def chart_of(site: SiteConfig) -> Path:
    """Return the chart of a site on the disk; one in a registry is fetched and checked when it is not there.

    Raises:
        LauncherError: there is none, or it must not be used.
    """
    if not in_registry(site.chart):
        return chart_path(site)
    return chart_cache(site).archive(chart_reference(site.chart, "chart"))


def chart_or_later(site: SiteConfig) -> Path | Callable[[], Path]:
    """Return the chart of a site, or what returns one in a registry: who only looks at jobs fetches nothing.

    What :func:`chart_of` has compared for the values of a job is not compared again for helm.

    Raises:
        InvalidInput: there is none on the disk.
    """
    return partial(_compared, site) if in_registry(site.chart) else chart_path(site)


def _compared(site: SiteConfig) -> Path:
    return chart_cache(site).compared(chart_reference(site.chart, "chart"))


def chart_cache(site: SiteConfig) -> ChartCache:
    """Return what fetches, checks and keeps the chart of a site that is in a registry."""
    programs = RegistryPrograms(
        helm=site.helm, cosign=site.cosign, environ=os.environ, pass_env=site.pass_env
    )
    manifests = RegistryManifests(environ=os.environ, pass_env=site.pass_env)
    folder = cache_folder(site.chart_cache, os.environ)
    return ChartCache(folder, programs, manifests, site.chart_key)


def fetch_chart(site: SiteConfig) -> None:
    """Fetch the chart of a site from its registry, if it is in one, before a launch needs it.

    A failure is only logged: the launch that meets it says so, too, and it may heal until then.
    """
    try:
        if in_registry(site.chart):
            chart_of(site)
    except LauncherError as error:
        _LOG.warning("jobs cannot be launched yet: %s", error)
