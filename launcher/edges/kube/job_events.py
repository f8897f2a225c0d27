"""Events on the pods of jobs (port ``JobEvents``), in the group that ``kubectl describe`` has always read.

Each is applied: the event that a process writes of a cause is the same object as that of another process, or
of its successor, so that of each cause there is one.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime, timezone
from typing import Any

from launcher.core import names
from launcher.core.jobref import JobRef
from launcher.core.report.pod_events import JobEvent
from launcher.edges.kube.client import KubeClient

__all__ = ["KubeJobEvents"]

_LONGEST_INSTANCE = 128


class KubeJobEvents:
    """One request for each event: no list, no read, no right but to create and to patch events."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._instance = f"{socket.gethostname()}_{os.getpid()}"[:_LONGEST_INSTANCE]

    def put(self, job: JobRef, event: JobEvent) -> None:
        """Apply an event; see the port."""
        name = names.event_name(job.pod_name, job.uid or job.release, event.reason.value, event.code.value)
        self._client.call(
            f"apply event {job.namespace}/{name}",
            self._client.core.apply_namespaced_event,
            name,
            job.namespace,
            self._body(name, job, event),
            field_manager=names.EVENT_SOURCE,
            force=True,
        )

    def _body(self, name: str, job: JobRef, event: JobEvent) -> dict[str, Any]:
        about = {"apiVersion": "v1", "kind": "Pod", "namespace": job.namespace, "name": job.pod_name}
        if job.uid:  # a job whose creation is refused has no pod yet
            about["uid"] = job.uid
        at = _time(event.at)
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": job.namespace},
            "involvedObject": about,
            "reason": event.reason.value,
            "message": event.message,
            "type": "Warning" if event.is_warning else "Normal",
            "source": {"component": names.EVENT_SOURCE},
            "reportingComponent": names.EVENT_SOURCE,
            "reportingInstance": self._instance,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }


def _time(moment: datetime) -> str:
    """Return a time as Kubernetes writes it: '2026-11-29T04:55:00Z'."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
