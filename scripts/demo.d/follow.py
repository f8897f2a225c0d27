"""Show the jobs of a namespace as a live table until each has ended or waits, then one line each."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.live import Live

from launcher import Service, SiteConfig, make_service
from launcher.cli.jobs_table import make_table
from launcher.core.report.status import verdict_line

PATIENCE = 120.0


def rows(jobs: Service, namespace: str) -> list[dict]:
    """Return the jobs as `fljob list -o json` shows them."""
    return [jobs.describe(found) for found in jobs.jobs(namespace)]


def settled(row: dict) -> bool:
    """Return whether a job has ended, or waits for something only a person can give."""
    pending = row["pending"] or {}
    return row["outcome"] is not None or pending.get("action") == "WAIT_FOR_RESOURCES"


def main(namespace: str) -> int:
    """Follow until all are settled."""
    console = Console()
    jobs = make_service(SiteConfig(namespace=namespace))
    end = time.monotonic() + PATIENCE
    with Live(console=console, auto_refresh=False, transient=not console.is_terminal) as live:
        while True:
            now = rows(jobs, namespace)
            live.update(make_table(now), refresh=console.is_terminal)
            if all(map(settled, now)) or time.monotonic() > end:
                break
            time.sleep(0.5)
    for row in now:
        pending = row["pending"]
        line = (
            f"{pending['action']}  {pending['code']}: {pending['detail']}" if pending else verdict_line(row)
        )
        console.print(f"{row['release']}  {line}", markup=False, highlight=False, soft_wrap=True)
        if row["state"] == "SUCCEEDED":
            for text in jobs.world.pods.logs(row["pod"]["name"], namespace, tail=3):
                console.print(f"  | {text}", markup=False, highlight=False)
    return 0 if all(map(settled, now)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
