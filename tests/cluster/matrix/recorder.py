"""Writes fixtures: every version of the job's pod is kept, so that exactly the one that was judged is written."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from launcher.core.catalogue import Code
from launcher.core.lifecycle import Track
from launcher.core.outcome import Outcome
from launcher.core.patience import Verdict
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import Scene
from tests.recorded import POLICY, Recording

__all__ = ["Recorder"]

_EVENT_KEYS = (
    "reason",
    "message",
    "type",
    "count",
    "series",
    "eventTime",
    "firstTimestamp",
    "lastTimestamp",
    "reportingComponent",
)
# Copies of the spec, and what is the same in every pod.
_DULL = frozenset(
    {
        "allocatedResources",
        "resources",
        "volumeMounts",
        "observedGeneration",
        "lastProbeTime",
        "hostIPs",
        "podIPs",
    }
)


class Recorder:
    """Follows the pods of a namespace from the start, for one row."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
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

    def stop(self) -> None:
        """End the watch."""
        self._watch.terminate()
        self._watch.wait(10)
        self._file.close()

    def write(self, row: Row, track: Track, folder: Path) -> None:
        """Write the fixture of a row at the first sight of its verdict.

        Raises:
            AssertionError: what is written would not be judged as it was.
        """
        document = {
            "name": row.name,
            "how": row.how,
            "provenance": row.provenance,
            "kubernetes": self._version(),
            "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            **({"absent": True} if track.absent_since is not None else {}),
            "expected": _expected(row),
            **self._seen(row, track),
        }
        _check(Recording(document), row)
        folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(document, sort_keys=False, width=120, allow_unicode=True)
        (folder / f"{row.name}.yaml").write_text(text)

    def _seen(self, row: Row, track: Track) -> dict[str, Any]:
        if track.pod is None:
            assert track.verdict is not None, "neither a pod nor a verdict"
            return {"refused": {"code": track.verdict.code.value, "detail": track.verdict.detail}}
        seen = {
            "pod": _plain(self._version_of(track.pod.resource_version)),
            "events": self._events(track.pod.uid),
        }
        if row.code is Code.IMPOSSIBLE_REQUEST:
            seen["nodes"] = [
                {
                    "metadata": {"name": n["metadata"]["name"]},
                    "status": {"allocatable": n["status"]["allocatable"]},
                }
                for n in json.loads(self._scene.kubectl("get", "nodes", "-o", "json"))["items"]
            ]
        return seen

    def _version_of(self, resource_version: str) -> Mapping[str, Any]:
        found = None
        for event in self._stream():
            if event["object"]["metadata"]["resourceVersion"] == resource_version:
                found = event["object"]
        assert found is not None, f"the recorder missed version {resource_version} of the pod"
        return found

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
        listed = json.loads(
            self._scene.kubectl(
                "get", "events", "--field-selector", f"involvedObject.uid={uid}", "-o", "json"
            )
        )["items"]
        trimmed = [{key: item[key] for key in _EVENT_KEYS if item.get(key)} for item in listed]
        return sorted(trimmed, key=lambda item: str(item.get("lastTimestamp") or item.get("eventTime")))

    def _version(self) -> str:
        return str(json.loads(self._scene.kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"])


def _expected(row: Row) -> dict[str, Any]:
    return {
        "code": row.code.value,
        **({"action": row.action.value} if row.action else {}),
        "return_code": row.return_code,
        **({} if row.exit_code is None else {"exit_code": row.exit_code}),
        **({} if row.ends_as is None else {"ends_as": row.ends_as.value}),
    }


def _plain(pod: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in pod["metadata"].items() if key != "managedFields"}
    return {**pod, "metadata": metadata, "status": _without_dull(pod.get("status", {}))}


def _without_dull(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_dull(item) for key, item in value.items() if key not in _DULL}
    return [_without_dull(item) for item in value] if isinstance(value, list) else value


def _check(recording: Recording, row: Row) -> None:
    track = recording.first(POLICY)
    judged: Verdict | Outcome | None = track.verdict if row.action else track.outcome
    assert judged is not None, "replay says nothing"
    assert judged.code is row.code, f"replay says {judged}"
