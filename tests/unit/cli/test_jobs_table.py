"""The table of jobs: a line for each, with the node and the code of its cause where there are any."""

from __future__ import annotations

from rich.console import Console

from launcher.cli.jobs_table import make_table
from tests.fakes import exited, running, unscheduled
from tests.jobs import make_spec, show


def test_a_job_is_a_line_with_the_code_of_its_cause(fake, service, capsys):
    service.launch(make_spec())
    lines = []
    for pod in (unscheduled(), exited(137, "OOMKilled"), running()):
        show(fake, pod)
        rows = [service.describe(found) for found in service.jobs("fl")]
        Console(width=200).print(make_table(rows))
        head, line = capsys.readouterr().out.splitlines()
        assert head.split() == ["RELEASE", "SITE", "STATE", "NODE", "WHY"]
        lines.append(line.split())
    assert lines == [
        ["fj-a1b2-site-1-0", "STARTING", "InsufficientResources"],
        ["fj-a1b2-site-1-0", "FAILED", "node-1", "OOMKilled"],
        ["fj-a1b2-site-1-0", "RUNNING", "node-1"],
    ]
