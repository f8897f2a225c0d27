"""Writes fixtures: every version of the job's pod is kept, so that exactly the one that was judged is written."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from launcher.core.catalogue import Code
from launcher.core.ending.outcome import Outcome
from launcher.core.lifecycle.state import Track
from launcher.core.pending.clocks import Verdict
from launcher.edges.helm.child import ChildFailed
from launcher.errors import LauncherError
from launcher.usecases.ports import Releases
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import Scene
from tests.recorded import Recording

__all__ = ["Recorder"]

_EVENT_KEYS = (
    "reason",
    "message",
    "type",
    "count",
    "series",
    "eventTime",
    "lastTimestamp",
    "reportingComponent",
    "involvedObject",
)
# Left out wherever they are: copies of the spec in the status, and what the API server or the chart adds to every pod.
_DULL = frozenset(
    {
        "managedFields",
        "generation",
        "observedGeneration",
        "allocatedResources",
        "lastProbeTime",
        "hostIPs",
        "podIPs",
        "containerID",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "dnsPolicy",
        "enableServiceLinks",
        "preemptionPolicy",
        "serviceAccount",
        "automountServiceAccountToken",
        "qosClass",
        "meta.helm.sh/release-name",
        "meta.helm.sh/release-namespace",
        "app.kubernetes.io/component",
        "app.kubernetes.io/instance",
        "app.kubernetes.io/managed-by",
        "app.kubernetes.io/name",
        "helm.sh/chart",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "fake.fljob.internal/status",
        "labels",  # the annotations say the same
        "allowPrivilegeEscalation",
        "workingDir",
    }
)
# The same in the status as in the spec.
_COPIED = frozenset({"resources", "volumeMounts"})
_DEFAULTS = {
    "schedulerName": "default-scheduler",
    "serviceAccountName": "default",
    "priority": 0,
    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
    "lastState": {},
    "count": 1,
}


# Verdicts that only a look at the nodes gives.
_ABOUT_NODES = frozenset(
    {Code.NODES_TOO_SMALL, Code.IMPOSSIBLE_REQUEST, Code.NODE_NOT_READY, Code.TAINT_NOT_TOLERATED}
)


class Recorder:
    """Follows the pods of a namespace from the start, for one row."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self._scene = scene
        self._folder = folder
        self._refusal: LauncherError | None = None
        self._file = tempfile.NamedTemporaryFile("w+")  # noqa: SIM115 - open as long as the watch
        watch = (
            "get",
            "pods",
            "-l",
            "fljob.internal/job-id",
            "--watch",
            "--output-watch-events",
            "-o",
            "json",
        )
        self._watch = subprocess.Popen(
            ["kubectl", "-n", scene.namespace, *watch], stdout=self._file, stderr=subprocess.DEVNULL
        )

    def install(self, releases: Releases) -> Callable[..., None]:
        """Return an install that tells the recorder how it was refused."""
        install = releases.install

        def told(*args: Any, **options: Any) -> None:
            try:
                install(*args, **options)
            except LauncherError as error:
                self._refusal = error
                raise

        return told

    def stop(self) -> None:
        """End the watch."""
        self._watch.terminate()
        self._watch.wait(10)
        self._file.close()

    def seen(self, row: Row, track: Track) -> None:
        """Write the fixture of a row at the first sight of its verdict.

        Raises:
            AssertionError: what is written would not be judged as it was.
        """
        if track.pod is None:
            assert self._refusal is not None, "neither a pod nor a refusal"
            self.refused(row, self._refusal)
            return
        pod = track.pod
        seen: dict[str, Any] = {"absent": True} if track.absent_since is not None else {}
        seen |= {"pod": _plain(self._version_of(pod.resource_version)), "events": self._events(pod.uid)}
        if track.pod.condition("PodScheduled") is None and track.pod.claims:
            seen["claims"] = self._claim_events(track.pod.claims)
        if row.code in _ABOUT_NODES:
            seen["nodes"] = self._nodes()
        self._write(row, seen)

    def refused(self, row: Row, error: LauncherError) -> None:
        """Write the fixture of a row whose pod the API server refused: what helm said, word by word."""
        cause = error.__cause__
        if isinstance(cause, ChildFailed):
            self._write(row, {"helm": cause.text})
        else:
            self._write(row, {"refused": {"error": type(error).__name__, "message": error.message}})

    def _write(self, row: Row, seen: Mapping[str, Any]) -> None:
        document = {
            "name": row.name,
            "how": row.how,
            "provenance": row.provenance,
            "kubernetes": self._version(),
            "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "expected": _expected(row),
            **({} if row.may_grow else {"autoscaler": "none"}),
            **seen,
        }
        _check(Recording(document), row)
        self._folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(
            document, sort_keys=False, width=1000, allow_unicode=True, default_flow_style=None
        )
        (self._folder / f"{row.name}.yaml").write_text(text)

    def _nodes(self) -> list[dict[str, Any]]:
        listed = json.loads(self._scene.kubectl("get", "nodes", "-o", "json"))["items"]
        return [
            {
                "metadata": {key: _without(node["metadata"][key], _DULL) for key in ("name", "labels")},
                "spec": {
                    key: node["spec"][key] for key in ("taints", "unschedulable") if key in node["spec"]
                },
                "status": {"allocatable": node["status"].get("allocatable", {})},
            }
            for node in listed
            # not the fake nodes of other rows
            if node["metadata"]["labels"].get("fake", self._scene.namespace) == self._scene.namespace
        ]

    def _version_of(self, resource_version: str) -> Mapping[str, Any]:
        for _ in range(30):  # kubectl may show it later than our own watch
            found = [e["object"] for e in self._stream() if _revision(e) == resource_version]
            if found:
                return found[-1]  # type: ignore[no-any-return]
            time.sleep(0.1)
        raise AssertionError(f"the recorder missed version {resource_version} of the pod")

    def _stream(self) -> Iterator[Mapping[str, Any]]:
        text, decoder, at = Path(self._file.name).read_text(), json.JSONDecoder(), 0
        while True:
            while at < len(text) and text[at].isspace():
                at += 1
            try:
                event, at = decoder.raw_decode(text, at)
            except json.JSONDecodeError:
                return  # the end, or half an event
            yield event

    def _events(self, uid: str) -> list[dict[str, Any]]:
        return self._events_about(f"involvedObject.uid={uid}")

    def _claim_events(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the newest event of each claim."""
        about = {name: self._events_about(f"involvedObject.name={name}") for name in names}
        return {name: events[-1] for name, events in about.items() if events}

    def _events_about(self, what: str) -> list[dict[str, Any]]:
        listed = json.loads(self._scene.kubectl("get", "events", "--field-selector", what, "-o", "json"))[
            "items"
        ]
        trimmed = [
            _without({key: item[key] for key in _EVENT_KEYS if item.get(key)}, _DULL) | _field(item)
            for item in listed
        ]
        for item in trimmed:
            path = item.pop("involvedObject", {}).get("fieldPath")
            if path:
                item["involvedObject"] = {"fieldPath": path}
        return sorted(trimmed, key=lambda item: str(item.get("lastTimestamp") or item.get("eventTime")))

    def _version(self) -> str:
        return str(json.loads(self._scene.kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"])


def _field(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return which container a probe's event is about; others need not say it."""
    path = event["involvedObject"].get("fieldPath")
    said = path and event["reason"] in ("Unhealthy", "Killing")
    return {"involvedObject": {"fieldPath": path}} if said else {}


def _expected(row: Row) -> dict[str, Any]:
    return {
        "code": row.code.value,
        **({"action": row.action.value} if row.action else {}),
        "return_code": row.return_code,
        **({} if row.exit_code is None else {"exit_code": row.exit_code}),
        **({} if row.ends_as is None else {"ends_as": row.ends_as.value}),
    }


def _revision(event: Mapping[str, Any]) -> str:
    return str(event["object"]["metadata"]["resourceVersion"])


def _plain(pod: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = _without(pod, _DULL)
    plain["status"] = _without(plain["status"], _COPIED)
    given = [t for t in plain["spec"].get("tolerations", ()) if t.get("tolerationSeconds") != 300]
    plain["spec"] = {**plain["spec"], "tolerations": given}
    if not given:
        del plain["spec"]["tolerations"]
    for statuses in ("initContainerStatuses", "containerStatuses"):
        for status in plain["status"].get(statuses, ()):
            status["imageID"] = ""  # long, and of no use; clients demand that it is there
    for condition in plain["status"].get("conditions", ()):
        if condition.get("reason") == "ContainersNotReady":
            condition.pop("message", None)  # names the containers, in every pod that does not run
    return plain


def _without(value: Any, keys: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {
            key: _without(item, keys)
            for key, item in value.items()
            if key not in keys and (key not in _DEFAULTS or item != _DEFAULTS[key])
        }
    return [_without(item, keys) for item in value] if isinstance(value, list) else value


def _check(recording: Recording, row: Row) -> None:
    track = recording.first()
    judged: Verdict | Outcome | None = track.verdict if row.action else track.outcome
    assert judged is not None, "replay says nothing"
    assert judged.code is row.code, f"replay says {judged}"
