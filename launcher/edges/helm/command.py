"""pyhelm3's Command with our own process runner.

Kept of pyhelm3: the command lines of ``uninstall`` and ``status`` and the parsing of their output.
Added: ``install`` (pyhelm3 only has ``upgrade --install``, which would upgrade a job that is already
running, creates namespaces, and spells the OpenAPI switch as single letters) and ``list`` by label.
"""

from __future__ import annotations

import json
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from pyhelm3.command import Command

from launcher.edges.helm.child import HelmProcess

__all__ = ["HelmCommand", "drive"]

T = TypeVar("T")

# Said one by one, since helm 4 lists everything by default and helm 3 only deployed and failed ones;
# `--all` is gone from helm 4.
_EVERY_STATUS = ("--deployed", "--failed", "--pending", "--superseded", "--uninstalled", "--uninstalling")


class HelmCommand(Command):  # type: ignore[misc]  # pyhelm3 has no py.typed
    """The helm command lines that the launcher uses; no coroutine of it ever suspends (see :func:`drive`)."""

    def __init__(self, process: HelmProcess) -> None:
        # A Go duration: a bare number is refused with "missing unit in duration".
        super().__init__(
            default_timeout=f"{max(1, int(process.deadline_seconds))}s", executable=process.executable
        )
        self._process = process

    async def run(self, command: list[Any], input: bytes | None = None) -> bytes:  # noqa: A002 - pyhelm3's name
        """Run helm with the parts of ``command``, which pyhelm3 also fills with numbers and paths."""
        return self._process.run([str(part) for part in command], input)

    async def install(
        self, name: str, chart: str, values: bytes, *, namespace: str, labels: Mapping[str, str]
    ) -> None:
        """Install once: no waiter, no rollback; the API server validates, not helm: half the time."""
        await self.run(
            [
                *("install", name, chart),
                *("--namespace", namespace),
                *("--labels", ",".join(f"{key}={labels[key]}" for key in sorted(labels))),
                "--disable-openapi-validation",
                *("--timeout", self._default_timeout),
                *("--values", "-"),
            ],
            values,
        )

    async def list_by_label(self, selector: str, *, namespace: str) -> list[dict[str, Any]]:
        """Return the releases that match, in every status; 0 lifts helm's silent limit of 256."""
        command = ["list", "--max", "0", "--output", "json", *_EVERY_STATUS]
        found = json.loads(await self.run([*command, "--selector", selector, "--namespace", namespace]))
        return list(found or ())


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine of :class:`HelmCommand` to its end in this thread, without an event loop.

    ``run`` blocks instead of suspending, so any number of threads can call helm, and Ctrl-C arrives where
    helm is waited for: ``asyncio.run`` would turn it into a cancellation that a blocked coroutine cannot see.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise RuntimeError("a helm command suspended; it needs an event loop")
