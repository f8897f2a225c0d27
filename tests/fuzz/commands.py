"""Every command that looks at jobs, over a namespace with malformed and hostile objects: what it prints."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import launcher.cli
from launcher.core.foreign import shallow
from launcher.core.names import ANNOTATION_JOB_ID, ANNOTATION_SITE, LABEL_JOB_ID, pod_name, release_name
from launcher.core.views import ReleaseView
from launcher.edges.kube.translate import event_view, node_view, pod_view
from tests.fakes import START, FakeInstallations, FakeWorld
from tests.fuzz.objects import EVENT, NODE, RawPods, drifted, hostile_pod
from tests.fuzz.texts import grafted, mutated, text

__all__ = ["one_command"]

JOB, SITE = "a1", "site-1"
RELEASE, POD = release_name(JOB, SITE), pod_name(JOB, SITE)
_SAID = ("", 'Error: admission webhook "x" denied the request: no', "connection refused")
# Options and what is printed raw: the log of a job is for files and pipes what the job wrote.
COMMANDS = (
    ("list",), ("list", "-o", "json"), ("status", RELEASE), ("status", RELEASE, "-o", "json"), ("events", RELEASE),
    ("events", RELEASE, "-o", "json"), ("logs", RELEASE), ("diagnose", RELEASE), ("gc", "--dry-run"), ("gc", "--older-than", "0s"),
    ("terminate", RELEASE), ("wait", RELEASE), ("status", "fj-forged"), ("terminate", "fj-forged"),
    ("diff", RELEASE), ("diff", RELEASE, "-o", "json"), ("diff", RELEASE, "-o", "markdown"),
)  # fmt: skip


def _ours(rng: random.Random, raw: Any) -> Any:
    """Return the pod with the names of our job, most of the time: commands then go further."""
    if not isinstance(raw, dict) or rng.random() < 0.3:
        return raw
    metadata = raw.get("metadata") if isinstance(raw.get("metadata"), dict) else {}
    labels = metadata.get("labels") if isinstance(metadata.get("labels"), dict) else {}
    told = metadata.get("annotations") if isinstance(metadata.get("annotations"), dict) else {}
    names = {ANNOTATION_JOB_ID: JOB, ANNOTATION_SITE: SITE, "meta.helm.sh/release-name": RELEASE}
    changed = {
        "name": POD,
        "uid": "u1",
        "labels": {**labels, LABEL_JOB_ID: JOB},
        "annotations": {**told, **names},
    }
    return {**raw, "metadata": {**metadata, **changed}}


def _installed(rng: random.Random) -> FakeInstallations:
    """Return what a release has installed: its pod as somebody has changed it, and what Helm has recorded."""
    whole = json.loads(json.dumps(rng.choice(drifted())))
    manifest = whole["manifest"]
    live, answer = (grafted(rng, one) if rng.random() < 0.8 else one for one in (whole["pod"], manifest))
    # As the adapters do.
    live, answer = (shallow(one) if isinstance(one, dict) else {} for one in (live, answer))
    own = {key: manifest[key] for key in ("apiVersion", "kind")}
    found = FakeInstallations()
    found.records[RELEASE] = [{**shallow(grafted(rng, manifest)), **own, "metadata": manifest["metadata"]}]
    found.objects[manifest["metadata"]["name"]] = rng.choice((live, live, live, None, text(rng)))
    found.applied = lambda *_: answer  # type: ignore[method-assign]
    return found


def hostile_world(rng: random.Random) -> FakeWorld:
    """Return a namespace with one release, its pod in any state whatever, and what else there may be."""
    fake = FakeWorld()
    pods = RawPods(fake.clock)
    fake.pods = fake.releases.pods = pods
    raw = _ours(rng, hostile_pod(rng))
    view = pod_view(raw, "fl")
    pods.raw_pod, pods.items = raw, {view.name: view}
    later = pod_view(_ours(rng, hostile_pod(rng)), "fl")
    pods.script = [later, None]
    if later.name != view.name:
        pods.script = [None]
    pods.event_list = tuple(event_view(mutated(rng, EVENT)) for _ in range(rng.randrange(4)))
    pods.node_list = (node_view(mutated(rng, NODE)),)
    pods.lines = {"": [text(rng).replace("\n", " ").encode("utf-8", "replace").decode() for _ in range(5)]}
    values = {"job": {"id": JOB, "site": SITE}, "pod": {"name": POD}, "labels": {LABEL_JOB_ID: JOB}}
    values = shallow(mutated(rng, values, 0.05))  # as the adapter of helm does
    record = ReleaseView(RELEASE, "fl", "deployed", 1, START, values if isinstance(values, dict) else {})
    if rng.random() < 0.8:
        fake.releases.items[RELEASE] = record
    fake.installed = _installed(rng)
    return fake


def run_command(args: list[str], fake: FakeWorld) -> Iterator[str]:
    """Run a command, and yield what it printed on both streams."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.suppress(SystemExit):
        launcher.cli.main(args, fake.world)
    if args[0] != "logs":
        yield out.getvalue()
    yield err.getvalue()
    if "defect of fljob" in err.getvalue():
        raise AssertionError(err.getvalue())


class _Records(logging.Handler):
    """Keeps what our loggers say, as a handler of FLARE would write it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


@contextlib.contextmanager
def recorded() -> Iterator[list[str]]:
    """Give a list that holds what our loggers say meanwhile."""
    ours, handler = logging.getLogger("launcher"), _Records()
    level = ours.level
    ours.addHandler(handler)
    ours.setLevel(logging.DEBUG)
    try:
        yield handler.said
    finally:
        ours.removeHandler(handler)
        ours.setLevel(level)


def one_command(rng: random.Random, folder: Path) -> Iterator[str]:
    """Yield what one command prints and logs of a hostile namespace, and what it writes."""
    fake, command = hostile_world(rng), list(rng.choice(COMMANDS))
    where = folder / f"bundle-{rng.randrange(10**9)}"
    if command[0] == "diagnose":
        command += ["-o", str(where)]
    with recorded() as said:
        yield from run_command([*command, "-n", "fl"], fake)
    yield from said
    for path in where.rglob("*"):
        yield path.name
        if path.is_file():
            yield path.read_text(encoding="utf-8")
            path.unlink()
