"""The names of one launched job, read from its pod or from its release."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from launcher.core import names
from launcher.core.foreign import head, quoted
from launcher.core.moments import LONGEST_SECONDS
from launcher.core.views import PodView, ReleaseView
from launcher.errors import NotFound

__all__ = [
    "MOST_ATTEMPTS",
    "RELEASE_ANNOTATION",
    "JobRef",
    "no_namespace",
    "no_release",
    "pending_timeout_from_text",
    "pending_timeout_of_pod",
    "ref_of_pod",
    "ref_of_release",
    "unreadable",
    "with_pod",
]

# Helm writes it on every object that it creates.
RELEASE_ANNOTATION = "meta.helm.sh/release-name"
# No release has a longer name (Helm: 53), so that a pod may claim what it likes.
_LONGEST_CLAIM = 63
_FIRST = "1"
# Whoever may create a pod writes any number on it: counting on ends where it is still read as one.
MOST_ATTEMPTS = 999_999_999
_ATTEMPT = re.compile(r"[1-9][0-9]{0,8}")
_SECONDS = re.compile(r"[0-9][0-9.]{0,29}(e[+-]?[0-9]{1,3})?")


@dataclass(frozen=True, kw_only=True)
class JobRef:
    """The names of one launched job.

    Attributes:
        release: name of the Helm release.
        namespace: where it lives.
        pod_name: name of its pod.
        uid: uid of its pod, empty while it is not known.
        job_id: FLARE's job id, verbatim.
        site: the site's name, verbatim.
        role: ``client`` or ``server``.
        study: the study's name, empty for none.
        attempt: how often the job id was launched at this site, from 1.
        federation: mark of the federation whose parent launched the job, empty for a job launched by hand.
        created: when the API server made its pod, None while it is not known.
    """

    release: str
    namespace: str
    pod_name: str
    uid: str = ""
    job_id: str = ""
    site: str = ""
    role: str = ""
    study: str = ""
    attempt: int = 1
    federation: str = ""
    created: datetime | None = field(default=None, compare=False)

    @property
    def credential_secret(self) -> str:
        """Name of the per-job Secret, whether there is one or not."""
        return names.credential_secret_name(self.pod_name)


def ref_of_pod(pod: PodView) -> JobRef:
    """Return the reference of the job that a pod belongs to, read from its labels and annotations."""
    attempt = pod.labels.get(names.LABEL_ATTEMPT, _FIRST)
    return JobRef(
        release=head(pod.annotations.get(RELEASE_ANNOTATION, ""), _LONGEST_CLAIM),
        namespace=pod.namespace,
        pod_name=pod.name,
        uid=pod.uid,
        job_id=pod.annotations.get(names.ANNOTATION_JOB_ID, pod.labels.get(names.LABEL_JOB_ID, "")),
        site=pod.annotations.get(names.ANNOTATION_SITE, pod.labels.get(names.LABEL_SITE, "")),
        role=pod.labels.get(names.LABEL_ROLE, ""),
        study=pod.annotations.get(names.ANNOTATION_STUDY, ""),
        attempt=int(attempt) if _is_attempt(attempt) else 1,
        federation=pod.labels.get(names.LABEL_FEDERATION, ""),
        created=pod.created,
    )


def with_pod(job: JobRef, pod: PodView | None) -> JobRef:
    """Return a job of which no pod was known with what tells this one from every other of the same name."""
    return job if job.uid or pod is None else replace(job, uid=pod.uid, created=pod.created)


def ref_of_release(release: str, namespace: str, view: ReleaseView | None) -> JobRef:
    """Return the names of a job whose pod is gone, from the values of its release where they are known."""
    values = view.values if view else {}
    # Those of somebody else's chart may be anything.
    job, pod, labels = (_mapping(values.get(key)) for key in ("job", "pod", "labels"))
    return JobRef(
        release=release,
        namespace=namespace,
        pod_name=str(pod.get("name") or release),
        job_id=str(job.get("id") or ""),
        site=str(job.get("site") or ""),
        role=str(job.get("role") or ""),
        study=str(job.get("study") or ""),
        federation=str(labels.get(names.LABEL_FEDERATION) or ""),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def pending_timeout_of_pod(pod: PodView | None, default: float | None) -> float | None:
    """Return the pending timeout that the launch wrote on a pod: seconds, or "none" for never."""
    text = pod.annotations.get(names.ANNOTATION_PENDING_TIMEOUT) if pod else None
    if text is None:
        return default
    try:
        return pending_timeout_from_text(text)
    except ValueError:
        return default


def pending_timeout_from_text(text: str) -> float | None:
    """Return the seconds that the annotation of a pod says; None = no limit.

    Raises:
        ValueError: it is none that a launch has written: no number, negative, or more than a hundred years.
    """
    if text == "none":
        return None
    # Python also takes digits of other scripts, blanks and `1_0`.
    seconds = float(text) if _SECONDS.fullmatch(text) else -1.0
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise ValueError(text)
    return seconds


def unreadable(pod: PodView | None) -> tuple[str, ...]:
    """Return a sentence for each thing of a pod that cannot be read; a default counts in its place."""
    if pod is None:
        return ()
    found = []
    timeout = pod.annotations.get(names.ANNOTATION_PENDING_TIMEOUT, "none")
    try:
        pending_timeout_from_text(timeout)
    except ValueError:
        found.append(f"annotation {names.ANNOTATION_PENDING_TIMEOUT} is no time to wait: {timeout}")
    attempt = pod.labels.get(names.LABEL_ATTEMPT, _FIRST)
    if not _is_attempt(attempt):
        found.append(f"label {names.LABEL_ATTEMPT} is no number: {attempt}")
    if pod.created is None:
        found.append("metadata.creationTimestamp is missing, or no time")
    return tuple(found)


def _is_attempt(text: str) -> bool:
    return _ATTEMPT.fullmatch(text) is not None


def no_release(release: str, namespace: str) -> NotFound:
    """Return the error for a release without a record and without a pod.

    While a refused creation is retried there is nothing of the job in the cluster; only the process that
    launched it knows of it.
    """
    return NotFound(
        f"there is no job release {quoted(release)} in namespace {quoted(namespace)}",
        cure=f"`fljob list -n {namespace}` shows what there is; a job that succeeded is gone, or its creation"
        " is refused for now and tried again: the log of the process that launched it says why",
    )


def no_namespace(namespace: str) -> NotFound:
    """Return the error for a namespace that is not there: nothing is said of a job in it."""
    return NotFound(
        f"there is no namespace {quoted(namespace)}", cure="correct -n, or `namespace` in the configuration"
    )
