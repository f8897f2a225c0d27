"""What Flux says of its objects."""

from __future__ import annotations

from tests.cluster.gitops.examples import Names, conditions, eventually

__all__ = ["is_ready", "ready", "says"]


def ready(names: Names, kind: str, name: str) -> tuple[str, str]:
    """Return status and message of the condition Ready; nothing while it is about an earlier generation."""
    return conditions(names.get(kind, name)).get("Ready", ("", ""))


def is_ready(names: Names, kind: str, name: str, seconds: float = 120.0) -> None:
    """Wait until an object is ready."""
    eventually(lambda: ready(names, kind, name)[0] == "True", lambda: names.get(kind, name), seconds)


def says(names: Names, kind: str, name: str, words: str) -> None:
    """Wait until an object is not ready and says why."""

    def shown() -> bool:
        status, message = ready(names, kind, name)
        return status == "False" and words in message

    eventually(shown, lambda: names.get(kind, name))
