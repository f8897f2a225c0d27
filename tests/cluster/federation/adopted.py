"""A job of five rounds that outlives parents: how it starts, and what must be true when it has gone on."""

from __future__ import annotations

__all__ = ["IMPOSSIBLE", "ROUNDS", "SERVER", "completed", "started", "went_on"]

SERVER = "nvflare-server"
ROUNDS = 5
IMPOSSIBLE = {"cpu": "999", "cpu_request": "999", "pending_timeout": 900}


def started(federation, *, action="slow", **more):
    """Submit a job of five rounds; return its id and its pods once all run."""
    run = federation.submit(action=action, options=("--rounds", str(ROUNDS)), **more)
    run.until("RUNNING")
    for site in ("server", "site-1", "site-2"):
        federation.pod_runs(site)
    return run.job, federation.uids(run.job)


def completed(federation, job):
    """Assert that a job completed with all its rounds and with results everywhere, and left nothing else."""
    assert federation.ends(job) == "FINISHED:COMPLETED"
    assert federation.ask(job, "rounds") == str(ROUNDS)
    for site in ("site-1", "site-2"):
        assert {"log.txt", "stats_pool_summary.json"} <= federation.results(site, job)
    assert federation.is_clean()


def went_on(federation, job, *parents):
    """Assert that a job completed, and that these parents took it over."""
    completed(federation, job)
    for parent in parents:
        said = federation.says(parent, job)
        assert f"job {job} taken over" in said
        assert "removed" not in said
    # What a restart has left does not stand in the way of the next job.
    assert federation.submit().end() == "FINISHED:COMPLETED"
