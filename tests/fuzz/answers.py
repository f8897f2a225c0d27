"""Malformed answers of an API server and of helm, read by the adapters themselves."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kubernetes.client.exceptions import ApiException

from launcher.core.names import LABEL_JOB_ID, LABEL_SITE
from launcher.edges.helm.parsing import release_of_list, release_of_status
from launcher.edges.kube import KubeClient, KubePods, KubeSecrets
from launcher.edges.kube.events import KubeEventWatch, latest_claim_events
from launcher.edges.kube.listwatch import _changes
from launcher.edges.kube.watch import KubePodWatch
from launcher.errors import LauncherError
from tests.fakes import make_pod
from tests.fuzz.commands import recorded
from tests.fuzz.objects import EVENT, NODE, RELEASE, hostile_pod
from tests.fuzz.texts import grafted, mutated, text, wounded

__all__ = ["one_answer"]

LABELS = {LABEL_JOB_ID: "a1", LABEL_SITE: "site-1"}
SECRET = {
    "metadata": {
        "name": "nvflare-cred-a1",
        "uid": "u",
        "resourceVersion": "1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": LABELS,
        "annotations": {},
    },
    "data": {"key": "Y2FuYXJ5"},
}
STATUS = {
    "kind": "Status",
    "code": 409,
    "reason": "Conflict",
    "message": 'pods "a" is forbidden: exceeded quota: q',
}


@dataclass
class _Response:
    """An answer as urllib3 has it."""

    data: bytes
    chunked: bool = True

    def read_chunked(self) -> Iterator[bytes]:
        for at in range(0, len(self.data), 1000):
            yield self.data[at : at + 1000]

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class _Core:
    """The methods of the client: each answers something malformed, some with an error."""

    rng: random.Random
    answer: Callable[[], Any]
    left: int = 40
    answered: list[str] = field(default_factory=list)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda *_args, **_more: self._answer(method)

    def _answer(self, method: str) -> _Response:
        self.left -= 1
        assert self.left > 0, f"asked again and again: {method}"
        if self.rng.random() < 0.2:
            error = ApiException(
                status=self.rng.choice((0, 400, 403, 404, 409, 410, 422, 429, 500, 503)),
                reason=text(self.rng),
            )
            error.body = wounded(self.rng, json.dumps(mutated(self.rng, STATUS)))
            error.headers = {"Retry-After": text(self.rng)}
            raise error
        written = wounded(self.rng, json.dumps(self.answer()))
        return _Response(written.encode("utf-8", "surrogatepass"))


def _client(core: Any) -> KubeClient:
    client = KubeClient.__new__(KubeClient)
    client.core, client.requests, client.kubeconfig, client._server_time = core, 0, "kubeconfig", None
    client._connection = SimpleNamespace(pool=None, forget=lambda _: None)
    return client


def _list(rng: random.Random, item: Callable[[], Any]) -> Any:
    found = {"items": [item() for _ in range(rng.randrange(4))], "metadata": {"resourceVersion": "7"}}
    if rng.random() < 0.1:
        found["metadata"]["continue"] = "more"
    return mutated(rng, found, 0.03)


def _changed(rng: random.Random, item: Callable[[], Any]) -> bytes:
    kinds = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", text(rng))
    changes = [mutated(rng, {"type": rng.choice(kinds), "object": item()}, 0.03) for _ in range(5)]
    return "\n".join(wounded(rng, json.dumps(change)) for change in changes).encode("utf-8", "surrogatepass")


def _acts(rng: random.Random) -> Iterator[tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """Yield what the server has to answer, and who asks."""
    pod, event = (lambda: hostile_pod(rng)), (lambda: grafted(rng, EVENT))
    pods, secrets = KubePods, KubeSecrets
    secret = lambda: grafted(rng, SECRET)  # noqa: E731
    yield pod, lambda client: pods(client).get("a", "fl")
    yield lambda: _list(rng, pod), lambda client: pods(client).list("fl")
    yield lambda: _list(rng, lambda: grafted(rng, NODE)), lambda client: pods(client).nodes()
    yield lambda: _list(rng, event), lambda client: pods(client).claim_events("fl")
    yield pod, lambda client: pods(client).delete("a", "fl", uid="u")
    yield pod, lambda client: list(pods(client).logs("a", "fl"))
    yield lambda: _list(rng, secret), lambda client: secrets(client).list("fl")
    yield secret, lambda client: secrets(client).mask("a", "fl")("text")
    yield secret, lambda client: secrets(client).delete("a", "fl")
    yield secret, lambda client: secrets(client).put("a", "fl", {"k": b"v"}, LABELS)
    yield secret, lambda client: secrets(client).put_shared("a", "fl", {"k": b"v"}, LABELS)
    yield secret, lambda client: secrets(client).own("a", "fl", make_pod())
    for kind, item in ((KubePodWatch, pod), (KubeEventWatch, event)):
        yield lambda item=item: _list(rng, item), lambda client, kind=kind: kind(client, "fl")._list()
        yield dict, lambda client, kind=kind, item=item: _watched(kind(client, "fl"), _changed(rng, item))
    yield dict, lambda _: latest_claim_events([one for one in (event(), event()) if isinstance(one, dict)])
    for read in (release_of_list, release_of_status):
        yield dict, lambda _, read=read: read(grafted(rng, RELEASE))


def _watched(watch: Any, answer: bytes) -> None:
    with contextlib.suppress(OSError):  # a stream that is no JSON; the loop translates it
        for change, item in _changes(_Response(answer)):
            watch._receive(change, item)


def one_answer(rng: random.Random, folder: Path) -> Iterator[str]:
    """Yield what is said of a malformed answer."""
    del folder
    answer, ask = rng.choice(list(_acts(rng)))
    with recorded() as said:
        try:
            seen = ask(_client(_Core(rng, answer)))
            yield str(getattr(seen, "why", ""))
        except LauncherError as error:
            yield str(error)
        except Exception as error:
            if type(error).__name__ != "_Gone":
                raise
    yield from said
