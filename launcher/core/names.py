"""Names: always valid, never colliding, deterministic.

Helm allows 53 characters for a release name, Kubernetes 63 for a pod name and a label value. Job ids
and site names are free text, so a name that loses information carries a hash of what it was made from.
Pod, volume and Secret names are FLARE's own (2.9.0): an operator who knows FLARE finds the same objects.
"""

from __future__ import annotations

import hashlib
import re

__all__ = [
    "ANNOTATION_JOB_ID",
    "ANNOTATION_LEDGER",
    "ANNOTATION_PENDING_TIMEOUT",
    "ANNOTATION_POD_UID",
    "ANNOTATION_RETENTION",
    "ANNOTATION_SITE",
    "ANNOTATION_STUDY",
    "ANNOTATION_WATCHES",
    "EVENT_SOURCE",
    "LABEL_ATTEMPT",
    "LABEL_FEDERATION",
    "LABEL_JOB_ID",
    "LABEL_ROLE",
    "LABEL_SITE",
    "LABEL_WATCHER",
    "PREFIX",
    "STARTUP_PREFIX",
    "container_name",
    "credential_secret_name",
    "dataset_volume_name",
    "event_name",
    "is_credential_of",
    "is_labelled_credential",
    "job_slug",
    "label_value",
    "may_be_release",
    "pod_name",
    "release_name",
    "release_names",
    "secret_volume_name",
    "site_slug",
    "startup_secret_name",
]

PREFIX = "fljob.internal/"
LABEL_JOB_ID = PREFIX + "job-id"
LABEL_SITE = PREFIX + "site"
LABEL_ROLE = PREFIX + "role"
LABEL_ATTEMPT = PREFIX + "attempt"
# Set on jobs that a FLARE parent launched: a new parent may remove those of its predecessor, and no others.
LABEL_FEDERATION = PREFIX + "federation"
ANNOTATION_JOB_ID = PREFIX + "job-id"
ANNOTATION_SITE = PREFIX + "site"
ANNOTATION_STUDY = PREFIX + "study"
# On Helm's record: the uid of the pod that the install made.
ANNOTATION_POD_UID = PREFIX + "pod-uid"
# There, too: what the process that waits for the job has measured of it, and how it has ended.
ANNOTATION_LEDGER = PREFIX + "ledger"
ANNOTATION_PENDING_TIMEOUT = PREFIX + "pending-timeout"
ANNOTATION_RETENTION = PREFIX + "retention"
# Who says it, in events that we write: nobody else's events have it, unless somebody forges them.
EVENT_SOURCE = "fljob"
# On the Lease of a process that watches jobs: it is one of ours, and which jobs those are.
LABEL_WATCHER = PREFIX + "watcher"
ANNOTATION_WATCHES = PREFIX + "watches"

STARTUP_PREFIX = "nvflare-startup-"

_NOT_DNS = re.compile(r"[^a-z0-9-]")
_RELEASE = re.compile(r"fj-[a-z0-9-]{1,40}-[0-9a-f]{20}")
_RELEASE_LIKE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,51}[a-z0-9])?")
_NOT_LABEL = re.compile(r"[^A-Za-z0-9._-]")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_HASH = 8
# Eighty bits: of eight digits somebody who tries all night finds a job id that has the name of another's.
_RELEASE_HASH = 20
_DNS_LABEL_MAX = 63
_RELEASE_MAX = 53
_RELEASE_SITE_MAX = 20
_RELEASE_JOB_MAX = 8
_POD_SITE_MAX = 20
_SECRET_SITE_MAX = 47
_EVENT_POD_MAX = 200
# Cannot occur in UTF-8, so different lists of parts never join to the same bytes.
_DELIMITER = b"\xff"


def _digest(*parts: str, length: int = _HASH) -> str:
    return hashlib.sha256(
        _DELIMITER.join(part.encode("utf-8", "surrogatepass") for part in parts)
    ).hexdigest()[:length]


def _head(text: str, limit: int) -> str:
    return _NOT_DNS.sub("", text.lower()).strip("-")[:limit].strip("-")


def release_name(job_id: str, site: str) -> str:
    """Return ``fj-<job>-<site>-<hash>``: at most 53 characters, no dots, the same for the same job and site.

    Helm refuses more than 53 characters and pyhelm3 refuses dots. The hash covers the whole job id and
    site, so ``site#1`` and ``site1`` differ.
    """
    return _release_name(job_id, site, _RELEASE_HASH)


def release_names(job_id: str, site: str) -> tuple[str, str]:
    """Return the name of a job's release, and the one with a shorter hash that launchers gave before."""
    return release_name(job_id, site), _release_name(job_id, site, _HASH)


def is_release_name(text: str) -> bool:
    """Return whether a text has the form of a release's whole name, with a hash at its end."""
    return _RELEASE.fullmatch(text) is not None


def may_be_release(text: str) -> bool:
    """Return whether Helm takes a text for the name of a release; dots, which nobody here uses, aside."""
    return len(text) <= _RELEASE_MAX and _RELEASE_LIKE.fullmatch(text) is not None


def _release_name(job_id: str, site: str, length: int) -> str:
    hashed = _digest(job_id, site, length=length)
    parts = ["fj", _head(job_id, _RELEASE_JOB_MAX), _head(site, _RELEASE_SITE_MAX), hashed]
    return "-".join(part for part in parts if part)


def job_slug(job_id: str) -> str:
    """Return the job id as FLARE writes it into names: lower case, ``j`` before a digit, at most 63."""
    slug = _NOT_DNS.sub("", job_id.lower())
    if slug[:1].isdigit():
        slug = "j" + slug
    return slug[:_DNS_LABEL_MAX].rstrip("-")


def site_slug(site: str, limit: int = _SECRET_SITE_MAX) -> str:
    """Return ``<head>-<hash>`` of a site name as FLARE builds it, at most ``limit`` characters."""
    head = _NOT_DNS.sub("", site.lower()).strip("-") or "site"
    if head[0].isdigit():
        head = "s" + head
    head = head[: limit - _HASH - 1].rstrip("-") or "site"
    return f"{head}-{_digest(site)}"


def pod_name(job_id: str, site: str) -> str:
    """Return FLARE's pod name: job slug and a 20-character site slug, at most 63 characters together."""
    suffix = site_slug(site, _POD_SITE_MAX)
    return f"{job_slug(job_id)[: _DNS_LABEL_MAX - len(suffix) - 1].rstrip('-')}-{suffix}"


def container_name(job_id: str) -> str:
    """Return FLARE's name of the job container, cut at 63 (FLARE lets the API server refuse more)."""
    return f"container-{job_slug(job_id)}"[:_DNS_LABEL_MAX].rstrip("-")


def startup_secret_name(site: str, federation: str = "") -> str:
    """Return FLARE's name of the Secret that holds the startup kit of a site.

    Args:
        site: the site's name.
        federation: mark of a federation, for a name of its own where FLARE's is another federation's.
    """
    if federation:
        slug = site_slug(site, _SECRET_SITE_MAX - len(federation) - 1)
        return f"{STARTUP_PREFIX}{slug}-{federation}"
    return f"{STARTUP_PREFIX}{site_slug(site)}"


def credential_secret_name(pod: str) -> str:
    """Return FLARE's name of the Secret that holds the credentials of one job pod."""
    return f"nvflare-cred-{pod}"


def event_name(pod: str, *parts: str) -> str:
    """Return the name of an event about a pod: the same parts make the same event, whoever writes it."""
    return f"{_head(pod, _EVENT_POD_MAX)}.{_digest(*parts, length=_RELEASE_HASH)}"


def is_credential_of(secret: str, site: str) -> bool:
    """Return whether ``secret`` holds credentials of a job of ``site``: its name ends in the site's slug."""
    slug = site_slug(site, _POD_SITE_MAX)
    return secret.startswith(credential_secret_name("")) and secret.endswith(f"-{slug}")


def is_labelled_credential(secret: str, site: str) -> bool:
    """Return whether ``secret`` has the name of credentials of a site, given the site's label value.

    A label value that lost information ends in the hash of the whole, as the site's slug in the name does.
    """
    if not site or not secret.startswith(credential_secret_name("")):
        return False
    return secret.endswith((f"-{_digest(site)}", f"-{site[-_HASH:]}"))


def dataset_volume_name(study: str, dataset: str) -> str:
    """Return FLARE's name of the volume of a study dataset."""
    return site_slug(f"data-{study}-{dataset}", _DNS_LABEL_MAX)


def secret_volume_name(study: str, name: str) -> str:
    """Return FLARE's name of the volume of a study's Secret mount."""
    return site_slug(f"secret-{study}-{name}", _DNS_LABEL_MAX)


def label_value(text: str) -> str:
    """Return ``text`` if it is a valid label value, else a readable head and a hash of the whole."""
    if _LABEL.fullmatch(text):
        return text
    head = _NOT_LABEL.sub("", text)[: _DNS_LABEL_MAX - _HASH - 1].strip("-._")
    return f"{head}-{_digest(text)}" if head else _digest(text)
