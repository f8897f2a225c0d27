"""The manifest of a chart from its registry: helm reads it, compares it and keeps it to itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from launcher.core.catalogue.reasons import cure_of
from launcher.core.chart_manifest import ChainBroken
from launcher.core.chart_reference import ChartReference
from launcher.core.plan.images import Place
from launcher.edges.charts.logins import logins_of, trusted_in
from launcher.edges.charts.programs import env_of_helm
from launcher.errors import Denied, InvalidInput, LauncherError, NotFound, Reason, Rejected, Unavailable

__all__ = ["RegistryManifests", "moved", "refusal"]

_REASONS: tuple[tuple[type[LauncherError], Reason, str], ...] = (
    (Denied, Reason.CHART_ACCESS_DENIED, "registry {host} refuses the credentials, or wants some"),
    (NotFound, Reason.CHART_NOT_IN_REGISTRY, "registry {host} has no such chart"),
    (Unavailable, Reason.CHART_REGISTRY_AWAY, "registry {host} does not answer"),
)
_BROKEN: Mapping[Reason, tuple[type[LauncherError], str]] = {
    Reason.CHART_OTHER_BYTES: (Rejected, "registry {host} sends other bytes than the digest names"),
    Reason.CHART_IS_NONE: (InvalidInput, "what registry {host} has there is no chart"),
}


@dataclass(frozen=True, kw_only=True)
class RegistryManifests:
    """Asks registries for manifests, with the credentials, proxies and certificates of helm.

    Attributes:
        environ: the launcher's environment.
        pass_env: names of further variables, for programs that hold credentials.
    """

    environ: Mapping[str, str] = field(repr=False)
    pass_env: Iterable[str] = ()

    def fetch(self, chart: ChartReference, folder: Path, *, by_tag: bool = False) -> bytes:
        """Return the manifest that the digest of a chart names, as the registry sends it.

        Args:
            chart: the chart.
            folder: for what is needed meanwhile.
            by_tag: the one that its tag names.

        Raises:
            Denied, NotFound, Unavailable: it cannot be had.
        """
        from launcher.edges.registry import HttpRegistries  # noqa: PLC0415 - requests, once for each chart

        env = env_of_helm(self.environ, self.pass_env, folder)
        registries = HttpRegistries(trusted_in(env, folder))
        try:
            place = Place(chart.host, chart.repository, chart.tag if by_tag else chart.digest)
            return registries.manifest(place, logins_of(chart, env))
        except (Denied, NotFound, Unavailable) as error:
            kind, reason, said = next(row for row in _REASONS if isinstance(error, row[0]))
            words = {"host": chart.host}
            message = f"chart {chart}: {said.format(**words)}: {error.message}"
            raise kind(message, cure=cure_of(reason, words), reason=reason) from error


def refusal(error: ChainBroken, chart: ChartReference) -> LauncherError:
    """Return our error for what a registry has sent."""
    kind, said = _BROKEN[error.reason]
    words = {"host": chart.host}
    return kind(
        f"chart {chart}: {said.format(**words)}: {error}",
        cure=cure_of(error.reason, words),
        reason=error.reason,
    )


def moved(chart: ChartReference, digest: str) -> InvalidInput:
    """Return our error for a tag that names another digest than the one beside it."""
    reason = Reason.CHART_TAG_MOVED
    said = f"chart {chart}: tag {chart.tag} names {digest} now, and not {chart.digest}"
    return InvalidInput(said, cure=cure_of(reason), reason=reason)
