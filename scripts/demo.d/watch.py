"""Show the releases of a namespace as a live table while a process runs; without a terminal, a line per change."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from follow import rows
from rich.console import Console
from rich.live import Live

from launcher import SiteConfig, Unavailable, make_service
from launcher.cli.jobs_table import make_table


def alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def main(namespace: str, pid: int) -> None:
    """Follow until the process has ended."""
    console = Console()
    jobs = make_service(SiteConfig(namespace=namespace))
    seen: dict[str, str] = {}
    begin = time.monotonic()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while alive(pid):
            try:
                now = rows(jobs, namespace)
            except Unavailable:
                continue
            if console.is_terminal:
                live.update(make_table(now), refresh=True)
            for row in now:
                if seen.get(row["release"]) != row["state"]:
                    seen[row["release"]] = row["state"]
                    line = f"{time.monotonic() - begin:6.1f} s  {row['release']}  {row['state']}"
                    console.print(line, markup=False, highlight=False)
            time.sleep(0.5)


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    main(sys.argv[1], int(sys.argv[2]))
