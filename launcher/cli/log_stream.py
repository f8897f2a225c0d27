"""The log of a job, printed while somebody waits for its end."""

from __future__ import annotations

import sys
import threading

import click

from launcher.cli import streams
from launcher.cli.width import say
from launcher.core import foreign
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import Track
from launcher.core.redaction import Mask
from launcher.errors import LauncherError
from launcher.usecases.ports import Pods

__all__ = ["LogStream"]

# The kubelet sends the last lines within a moment; a node that does not answer must not hold up the end.
_LAST_LINES_WITHIN = 10.0
_STOP_WITHIN = 0.2


class LogStream:
    """Prints the log of the job's container on stdout, in a thread, from its start to its end.

    Args:
        pods: the port.
        job: the job.
        mask: hides credentials in a line.
    """

    def __init__(self, pods: Pods, job: JobRef, mask: Mask) -> None:
        self._pods, self._job, self._mask = pods, job, mask
        self._stopped = False
        self._thread: threading.Thread | None = None

    @property
    def has_begun(self) -> bool:
        """True once there is a log to print."""
        return self._thread is not None

    def see(self, track: Track) -> None:
        """Begin when the container has started."""
        if self._thread is None and track.has_started and track.pod is not None:
            self._thread = threading.Thread(target=self._print, name="fljob-log", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Wait for the last lines of a job that has ended."""
        if self._thread is not None:
            self._thread.join(_LAST_LINES_WITHIN)
        self.stop()

    def stop(self) -> None:
        """Print no more: a thread that wakes up while the interpreter ends would abort it."""
        self._stopped = True
        if self._thread is not None:
            self._thread.join(_STOP_WITHIN)

    def _print(self) -> None:
        is_shown = sys.stdout.isatty()
        try:
            for line in self._pods.logs(self._job.pod_name, self._job.namespace, follow=True):
                if self._stopped:
                    return
                text = self._mask(line)
                # Whoever read stdout may have gone (`| head`); the job and its exit code go on.
                with streams.goes_on():
                    click.echo(foreign.lines(text) if is_shown else text, color=True)
        except LauncherError as error:
            say(f"no log: {error.message}", err=True)
