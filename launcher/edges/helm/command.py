"""pyhelm3's Command with our own process runner.

From pyhelm3: the command lines of ``uninstall`` and ``status`` and the parsing of their output.
Added: ``install`` (pyhelm3 only has ``upgrade --install``, which would upgrade a job that is already
running, creates namespaces, and spells the OpenAPI switch as single letters) and ``list`` by label.
"""

from __future__ import annotations

import json
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from launcher.edges.helm.child import HelmProcess
from launcher.edges.put_off import put_off

put_off("pyhelm3")  # its body imports pydantic and the models of charts: 0.3 s of CPU

from pyhelm3.command import Command  # noqa: E402

__all__ = ["HelmCommand", "drive"]

T = TypeVar("T")

# One by one: helm 4 lists every status by default and has no `--all`, helm 3 lists deployed and failed only.
_EVERY_STATUS = ("--deployed", "--failed", "--pending", "--superseded", "--uninstalled", "--uninstalling")


class HelmCommand(Command):  # type: ignore[misc]  # pyhelm3 has no py.typed
    """The helm command lines that the launcher uses. Its coroutines never suspend (see :func:`drive`).

    Attributes:
        verb: the first word of the command line that was run last.
    """

    def __init__(self, process: HelmProcess) -> None:
        # A Go duration: a bare number is refused with "missing unit in duration".
        super().__init__(
            default_timeout=f"{max(1, int(process.deadline_seconds))}s", executable=process.executable
        )
        self._process = process
        self.verb = ""

    async def run(self, command: list[Any], input: bytes | None = None) -> bytes:  # noqa: A002 - pyhelm3's name
        """Run helm with the parts of ``command``, which pyhelm3 also fills with numbers and paths."""
        self.verb = str(command[0])
        return self._process.run([str(part) for part in command], input)

    async def install(
        self, name: str, chart: str, values: bytes, *, namespace: str, labels: Mapping[str, str]
    ) -> None:
        """Install without waiting or rollback; only the API server validates, which halves the time."""
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

    async def manifest(self, name: str, *, namespace: str) -> str:
        """Return the manifests of a release as Helm has recorded them."""
        return (await self.run(["get", "manifest", name, "--namespace", namespace])).decode()

    async def list_by_label(self, selector: str, *, namespace: str, only: str = "") -> list[dict[str, Any]]:
        """Return the releases that match, in every status; 0 lifts helm's default limit of 256.

        ``only`` is the name of one release (names that we ask for are no regular expressions).
        """
        command = ["list", "--max", "0", "--output", "json", *_EVERY_STATUS]
        command += ["--filter", f"^{only}$"] if only else []
        where = ("--namespace", namespace) if namespace else ("--all-namespaces",)
        found = json.loads(await self.run([*command, "--selector", selector, *where]))
        return list(found or ())


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine of :class:`HelmCommand` to its end in this thread, without an event loop.

    ``run`` blocks instead of suspending, so any number of threads can call helm, and Ctrl-C is raised while
    helm is waited for. ``asyncio.run`` would turn it into a cancellation, which a blocked coroutine misses.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise RuntimeError("a helm command suspended; it needs an event loop")
