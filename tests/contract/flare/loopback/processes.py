"""Ports over processes of this machine: releases and Secrets are files, a pod is a process without a parent."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from launcher.core.names import LABEL_JOB_ID
from launcher.core.revisions import Revision
from launcher.core.views import PodView, ReleaseView, Seen
from launcher.edges.clock import SystemClock
from launcher.errors import Conflict, NotFound, Reason, Rejected
from launcher.usecases.ports import World, no_op
from tests.fakes import FakePods, FakeSecrets, exited, main, scheduled

__all__ = ["Cluster"]

REPOSITORY = Path(__file__).parents[4]
MOUNTED = "/var/tmp/nvflare/workspace"
# What a kubelet does, in a session of its own: nothing that happens to the parent reaches it.
KUBELET = (
    'echo $$ > "$1/pid"; cd "$1/workspace"; while [ -e "$1/../../hold-$2" ]; do sleep 0.2; done; touch "$1/started"; d=$1; '
    'shift 2; "$@" > "$d/log" 2>&1; echo $? > "$d/rc.part"; mv "$d/rc.part" "$d/rc"'
)


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content))
    part.rename(path)


def read(path: Path) -> dict[str, Any] | None:
    """Return what stands in a file and since when (``made``); None if another parent has removed it, also just now."""
    with contextlib.suppress(FileNotFoundError):
        made = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
        return {**json.loads(path.read_text()), "made": made}
    return None


def read_all(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what stands in the files of a folder, by their names without ``.json``."""
    found = {path.stem: read(path) for path in sorted(folder.glob("*.json"))}
    return {name: content for name, content in found.items() if content is not None}


class Pods(FakePods):
    """Each release that is installed has a pod: a folder with pid, log and, at its end, rc."""

    folder: Path

    def get(self, name: str, namespace: str) -> Seen[PodView]:
        found = {pod.name: pod for pod in self.list(namespace)}
        if name not in found:
            return Seen.absent(self.last.get(name))
        self.last[name] = found[name]
        return Seen.found(found[name])

    def list(self, namespace: str) -> tuple[PodView, ...]:
        return tuple(self._view(*item) for item in read_all(self.folder / "releases").items())

    def _view(self, release: str, record: Mapping[str, Any]) -> PodView:
        name = record["values"]["pod"]["name"]
        pod = self.folder / "pods" / name
        annotations = {
            **record["values"]["pod"].get("annotations", {}),
            "meta.helm.sh/release-name": release,
        }
        about = {
            "name": name,
            "uid": record["uid"],
            "labels": record["labels"],
            "annotations": annotations,
            "created": record["made"],
        }
        with contextlib.suppress(FileNotFoundError):
            return exited(int((pod / "rc").read_text()), **about)
        is_started = (pod / "started").exists()
        state = main("running") if is_started else main("waiting", "ContainerCreating")
        return scheduled(state, phase="Running" if is_started else "Pending", **about)

    def watch(self, namespace: str) -> Any:
        return Watch(self)

    def logs(self, name: str, namespace: str, **_: Any) -> Iterator[str]:
        log = self.folder / "pods" / name / "log"
        return iter(log.read_text(errors="replace").splitlines()[-20:] if log.exists() else [])

    def delete(self, name: str, namespace: str, *, uid: str, grace_seconds: int | None = None) -> None:
        """A pod ends with its release here."""


@dataclass
class Watch:
    """Looks twice a second."""

    pods: Pods

    def pod(self, name: str) -> Seen[PodView]:
        return self.pods.get(name, "fl")

    def all(self) -> Seen[tuple[PodView, ...]]:
        return Seen.found(self.pods.list("fl"))

    def version(self, name: str) -> int:
        return int(time.monotonic() * 2)

    def wake(self, name: str) -> None:
        """Whoever waits looks again at once."""

    def wait(self, name: str, seen: int, timeout: float | None) -> int:
        time.sleep(min(0.5, 0.5 if timeout is None else timeout))
        return self.version(name)


@dataclass
class Releases:
    """Helm's records as files; an install starts a process, an uninstall ends it."""

    folder: Path
    workspace: str

    def install(
        self,
        name: str,
        namespace: str,
        values: Mapping[str, Any],
        labels: Mapping[str, str],
        cancel: threading.Event | None = None,
    ) -> None:
        record = self.folder / "releases" / f"{name}.json"
        if record.exists():
            raise Conflict(f"release {name} exists")
        if (self.folder / f"refuse-{values['job']['site']}").exists():
            raise Rejected("exceeded quota: loop", reason=Reason.QUOTA_EXCEEDED)
        pod = self.folder / "pods" / values["pod"]["name"]
        kit = pod / "workspace" / "startup"
        kit.mkdir(parents=True)
        for key, value in self._secret(values["startupKit"]["secretName"]).items():
            (kit / key).write_text(value)
        site = values["job"]["site"]
        command = [self._moved(word, pod) for word in ("python", *values["args"])]
        subprocess.Popen(
            ["sh", "-c", KUBELET, "kubelet", str(pod), site, sys.executable, *command[1:]],
            env={**self._environment(values, pod), "FLJOB_LOOPBACK": str(self.folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        write(record, {"values": values, "labels": dict(labels), "uid": f"uid-{time.time_ns()}"})

    def _moved(self, word: str, pod: Path) -> str:
        own = str(pod / "workspace")
        return word.replace(self.workspace, own).replace(MOUNTED, own)

    def _secret(self, name: str) -> dict[str, str]:
        return dict(json.loads((self.folder / "secrets" / f"{name}.json").read_text())["data"])

    def _environment(self, values: Mapping[str, Any], pod: Path) -> dict[str, str]:
        own = {key: os.environ[key] for key in ("PATH", "HOME")} | {"PYTHONPATH": str(REPOSITORY)}
        for entry in values["env"]:
            reference = entry.get("valueFrom", {}).get("secretKeyRef")
            value = self._secret(reference["name"])[reference["key"]] if reference else entry["value"]
            is_path = entry["name"] == "PYTHONPATH"
            own[entry["name"]] = f"{REPOSITORY}:{self._moved(value, pod)}" if is_path else value
        return own

    def uninstall(self, name: str, namespace: str, before: Callable[[], object] = no_op) -> bool:
        before()
        record = self.folder / "releases" / f"{name}.json"
        found = read(record)
        if found is None:
            return False
        pod = self.folder / "pods" / found["values"]["pod"]["name"]
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
            if not (pod / "rc").exists():
                os.killpg(int((pod / "pid").read_text()), signal.SIGKILL)
        record.unlink(missing_ok=True)
        gone = self.folder / "gone" / f"{pod.name}-{time.time_ns()}"
        gone.parent.mkdir(exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.move(pod, gone)
        return True

    def status(self, name: str, namespace: str) -> Seen[ReleaseView]:
        found = read(self.folder / "releases" / f"{name}.json")
        if found is None:
            return Seen.absent()
        view = ReleaseView(name, "fl", "deployed", 1, found["made"], found["values"])
        return Seen.found(replace(view, labelled=LABEL_JOB_ID in found["labels"], chart="fljob"))

    record = status

    def revisions(self, name: str, namespace: str) -> tuple[Revision, ...]:
        return ()  # nobody else installs here

    def is_whole(self, name: str, namespace: str) -> bool:
        return self.status(name, namespace).value is not None

    def note_pod(self, name: str, namespace: str, uid: str) -> None:
        """Nobody else makes pods here."""

    def note_ledger(self, name: str, namespace: str, text: str, pod: str) -> None:
        """There is no other shell that would read it."""

    def list(self, namespace: str) -> tuple[ReleaseView, ...]:
        views = (self.status(name, namespace).value for name in read_all(self.folder / "releases"))
        return tuple(replace(view, values={}) for view in views if view is not None)

    def template(self, name: str, namespace: str, values: Mapping[str, Any]) -> str:
        return ""


class Secrets(FakeSecrets):
    """Secrets that outlive the process: read before and written after each change."""

    folder: Path

    def put(self, name: str, *args: Any, **more: Any) -> bool:
        self.load()
        return self._saved(name, super().put(name, *args, **more))

    def put_shared(self, name: str, *args: Any) -> bool:
        self.load()
        return self._saved(name, super().put_shared(name, *args))

    def delete(self, name: str, *args: Any, **more: Any) -> bool:
        self.load()
        is_ours = super().delete(name, *args, **more)
        if is_ours:
            (self.folder / "secrets" / f"{name}.json").unlink(missing_ok=True)
        return is_ours

    def list(self, namespace: str) -> Any:
        self.load()
        return super().list(namespace)

    def credentials(self, name: str, namespace: str) -> Mapping[str, str]:
        self.load()
        if name not in self.items:
            raise NotFound(f"there is no secret {name}")
        return super().credentials(name, namespace)

    def load(self) -> None:
        found = read_all(self.folder / "secrets")
        self.items = {
            name: {key: value.encode() for key, value in one["data"].items()} for name, one in found.items()
        }
        self.labels = {name: one["labels"] for name, one in found.items()}

    def _saved(self, name: str, answer: bool) -> bool:
        data = {key: value.decode() for key, value in self.items[name].items()}
        write(self.folder / "secrets" / f"{name}.json", {"data": data, "labels": dict(self.labels[name])})
        return answer


@dataclass
class Cluster:
    """A folder that stands for a namespace; ``workspace`` is that of the parent who looks at it."""

    folder: Path
    workspace: str = ""

    @property
    def world(self) -> World:
        clock: Any = SystemClock()
        for name in ("releases", "secrets", "pods"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        pods, secrets = Pods(clock), Secrets()
        pods.folder = secrets.folder = self.folder
        return World(Releases(self.folder, self.workspace), pods, secrets, clock)
