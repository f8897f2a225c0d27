"""What the sites of a federation have told of one job, for people: a row for each site."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.report.site_verdict import SiteVerdict

__all__ = ["site_rows"]


def site_rows(verdicts: Mapping[str, SiteVerdict], now: datetime) -> list[tuple[str, list[str]]]:
    """Return each site's name and lines: state with cause and clock, what Kubernetes says, the cure.

    The server comes first, as in FLARE's own lists, the others by name.

    Args:
        verdicts: of the sites, by name.
        now: the time now, aware.
    """
    order = sorted(verdicts, key=lambda site: (site != "server", site))
    return [(site, _lines(verdicts[site], now)) for site in order]


def _lines(verdict: SiteVerdict, now: datetime) -> list[str]:
    code = verdict.known
    lines = [_first(verdict, now), verdict.detail]
    if code is not None and code is not Code.SUCCESS:
        lines[0] += f": {CATALOGUE[code].summary}"
        lines.append(f"cure, at the site: {CATALOGUE[code].cure}" if CATALOGUE[code].cure else "")
    return [line for line in lines if line]


def _first(verdict: SiteVerdict, now: datetime) -> str:
    said = [verdict.state, _clock(verdict, now), _codes(verdict)]
    text = ", ".join(part for part in said if part)
    return f"{text}, {verdict.code}" if verdict.code else text


def _codes(verdict: SiteVerdict) -> str:
    if verdict.return_code is None:
        return ""
    exited = "" if verdict.exit_code is None else f" (exit code {verdict.exit_code})"
    return f"return code {verdict.return_code}{exited}"


def _clock(verdict: SiteVerdict, now: datetime) -> str:
    if verdict.return_code is not None:
        return f"{verdict.clock} ran out" if verdict.clock else ""
    since = _seconds(verdict.since, now)
    waits = "" if since is None else f"for {max(0.0, -since):.0f} s"
    left = _seconds(verdict.deadline, now)
    if left is None:
        return waits
    ends = f"{verdict.clock or 'a clock'} ends it in {left:.0f} s" if left > 0 else "its clock has run out"
    return f"{waits}, {ends}" if waits else ends


def _seconds(moment: str, now: datetime) -> float | None:
    """Return the seconds until a moment; one without a zone is UTC."""
    if not moment:
        return None
    then = datetime.fromisoformat(moment)
    return ((then if then.tzinfo else then.replace(tzinfo=timezone.utc)) - now).total_seconds()
