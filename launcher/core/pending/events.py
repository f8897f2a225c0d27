"""The codes of Warning events of a scheduled pod, whose containers still wait for volumes or the sandbox.

Volumes have no status in the pod: while a mount fails, the container shows ContainerCreating and only the
events name the cause. Events that repeat a waiting reason (BackOff, Failed) are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from launcher.core.catalogue import Code
from launcher.core.pending.containers import waiting_code
from launcher.core.views import PodEvent

__all__ = ["event_code", "failure_code", "last_words", "newest_warning"]

_ROWS: tuple[tuple[str, re.Pattern[str], Code], ...] = (
    # 'MountVolume.SetUp failed for volume "x" : secret "nope" not found'
    (
        "FailedMount",
        re.compile(r'(?:secret|configmap) "[^"]*" not found|references non-existent (?:secret|config) key'),
        Code.MISSING_REF,
    ),
    # 'Multi-Attach error for volume "pvc-..." Volume is already exclusively attached to one node'
    ("FailedAttachVolume", re.compile(r"Multi-Attach"), Code.VOLUME_BUSY),
    ("FailedAttachVolume", re.compile(r""), Code.MOUNT),
    ("FailedMount", re.compile(r""), Code.MOUNT),
    ("FailedMapVolume", re.compile(r""), Code.MOUNT),
    ("FailedCreatePodSandBox", re.compile(r""), Code.NETWORK_NOT_READY),
    ("NetworkNotReady", re.compile(r""), Code.NETWORK_NOT_READY),
    ("FailedSync", re.compile(r""), Code.NETWORK_NOT_READY),
)


def event_code(event: PodEvent) -> Code | None:
    """Return the code of an event, or None when it is not about why the pod does not start."""
    if event.type != "Warning":
        return None
    return next(
        (code for reason, text, code in _ROWS if event.reason == reason and text.search(event.message)), None
    )


def failure_code(event: PodEvent) -> Code | None:
    """Return the code of a ``Failed`` event, which comes a moment before the waiting reason that it repeats.

    Only policy ``strict`` decides by it.
    """
    # 'Failed to pull image "x": ...', then 'Error: ErrImagePull', which says less
    if event.reason != "Failed" or event.message in {"Error: ErrImagePull", "Error: ImagePullBackOff"}:
        return None
    if event.message.startswith("Failed to pull image"):
        return waiting_code("ErrImagePull", event.message)
    started = "containerd task" in event.message
    return waiting_code("RunContainerError" if started else "CreateContainerConfigError", event.message)


def newest_warning(events: Iterable[PodEvent], created: datetime | None) -> tuple[PodEvent, Code] | None:
    """Return the newest event that has a code, with it, unless a later Normal event shows that it is over.

    Args:
        events: events of this pod uid, oldest first.
        created: when the pod was created; older events are about another pod of its name.
    """
    found: tuple[PodEvent, Code] | None = None
    for event in events:
        if created is not None and event.last_seen is not None and event.last_seen < created:
            continue
        code = event_code(event)
        if code is not None:
            found = (event, code)
        elif (
            found is not None
            and event.type == "Normal"
            and event.reason in {"Pulling", "Pulled", "Created", "Started"}
        ):
            found = None  # the volumes and the sandbox are there: images are only pulled afterwards
    return found


def last_words(events: Iterable[PodEvent], known: str) -> str:
    """Return the newest event as text to append to the detail of a timeout; empty when there is none.

    Args:
        events: events of this pod uid, oldest first; ``Scheduled`` is left out.
        known: the detail so far; an event that it contains is left out.
    """
    new = [e for e in events if e.reason != "Scheduled" and e.message and e.message not in known]
    return f"; last event: {new[-1].reason}: {new[-1].message}" if new else ""
