"""Whose is it? Helm's own record decides; a pod, an annotation and a name never do.

Whoever may create a pod can write our labels and ``meta.helm.sh/release-name`` on it. Whoever can change the
record of a release can uninstall it as well: so the record is believed, and what it does not confirm is shown
as foreign and left alone.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from launcher.core import foreign, names
from launcher.core.foreign import quoted, word
from launcher.core.jobref import RELEASE_ANNOTATION, JobRef, ref_of_pod, ref_of_release
from launcher.core.revisions import have_made
from launcher.core.views import PodView, ReleaseView, SecretView, age_seconds
from launcher.errors import Conflict

__all__ = [
    "CONFIRMED",
    "Assigned",
    "Located",
    "Owner",
    "Ownership",
    "assign",
    "credential_is_ours",
    "credentials_of",
    "is_other_job",
    "is_pod_of",
    "judge",
    "left_alone",
    "locate",
    "old_credentials",
    "other_job",
    "unclaimed",
]

_CHART = "fljob"


class Owner(str, enum.Enum):
    """Whose a release or a pod is; the value is the word that ``fljob list`` shows."""

    OURS = "Ours"
    FOREIGN_RELEASE = "ForeignRelease"
    POD_WITHOUT_RELEASE = "PodWithoutRelease"
    FOREIGN_POD = "ForeignPod"
    UNKNOWN = "Unknown"


@dataclass(frozen=True)
class Ownership:
    """Whose it is, and why, in one sentence of bounded length (empty for what is ours)."""

    owner: Owner
    sentence: str = ""

    @property
    def is_foreign(self) -> bool:
        """True of what must be left alone."""
        return self.owner in (Owner.FOREIGN_RELEASE, Owner.FOREIGN_POD)


CONFIRMED = Ownership(Owner.OURS)


def judge(release: ReleaseView | None, pod: PodView | None, wanted: JobRef) -> Ownership:
    """Return whose a release and a pod that is said to be of it are.

    Args:
        release: Helm's record with its values, None when there is certainly none.
        pod: the pod, None when there is none.
        wanted: the job that the caller has in mind; ids and sites that are not empty are compared.
    """
    if release is None:
        return _without_release(pod, wanted)
    if why := _foreign_release(release, wanted):
        said = f"release {foreign.name(release.name)} is not this launcher's job: {why}"
        return Ownership(Owner.FOREIGN_RELEASE, said)
    why = "" if pod is None else _foreign_pod(release, pod)
    return Ownership(Owner.FOREIGN_POD, why) if why else CONFIRMED


def _without_release(pod: PodView | None, wanted: JobRef) -> Ownership:
    if pod is None:
        return Ownership(Owner.UNKNOWN, "there is neither a release nor a pod")
    one = f"pod {foreign.name(pod.name)}"
    if names.LABEL_JOB_ID not in pod.labels:
        return Ownership(Owner.FOREIGN_POD, f"{one} does not carry the label {names.LABEL_JOB_ID}")
    found = ref_of_pod(pod)
    if is_other_job(found, wanted):
        return Ownership(Owner.FOREIGN_POD, f"{one} is that of {other_job(found)}")
    return Ownership(Owner.POD_WITHOUT_RELEASE, f"Helm knows no release of {one}")


def _foreign_release(release: ReleaseView, wanted: JobRef) -> str:
    if not release.labelled:
        return f"Helm's record does not carry the label {names.LABEL_JOB_ID}"
    found = ref_of_release(release.name, release.namespace, release)
    pod = release.values.get("pod")
    if not (found.job_id and isinstance(pod, Mapping) and pod.get("name")):
        return "its values name no job and no pod"
    if release.chart != _CHART and not _is_own_layer(release, found):
        return f"its chart is {quoted(release.chart)}"
    return f"its values name {other_job(found)}" if is_other_job(found, wanted) else ""


def _is_own_layer(release: ReleaseView, found: JobRef) -> bool:
    """Tell whether the launcher wrote the values: a site may bring a chart of its own, under any name."""
    labels = release.values.get("labels")
    return isinstance(labels, Mapping) and labels.get(names.LABEL_JOB_ID) == names.label_value(found.job_id)


def _foreign_pod(release: ReleaseView, pod: PodView) -> str:
    recorded, found = ref_of_release(release.name, release.namespace, release), ref_of_pod(pod)
    one, whose = f"pod {foreign.name(pod.name)}", f"release {foreign.name(release.name)}"
    if pod.name != recorded.pod_name:
        return f"{one} claims {whose}, whose pod is {quoted(recorded.pod_name)}"
    if found.release and found.release != release.name:
        return f"{one}, named by {whose}, is that of release {quoted(found.release)}"
    if names.LABEL_JOB_ID not in pod.labels:
        return f"{one}, named by {whose}, does not carry our label"
    if is_other_job(found, recorded):
        return f"{one}, named by {whose}, is that of {other_job(found)}"
    if not have_made(release.revisions, pod.uid, pod.created):
        return f"{one} is another than the one that {whose} has made"
    return ""


def is_pod_of(job: JobRef, pod: PodView) -> bool:
    """Tell whether a pod is that of a job whose pod nobody has seen: it says so itself, in every respect."""
    found = ref_of_pod(pod)
    is_labelled, is_claimed = names.LABEL_JOB_ID in pod.labels, found.release == job.release
    return is_labelled and is_claimed and pod.name == job.pod_name and not is_other_job(found, job)


def is_other_job(one: JobRef, other: JobRef) -> bool:
    """Return whether two references are of different jobs; a label value stands for what it is made of."""
    pairs = ((one.job_id, other.job_id), (one.site, other.site))
    return any(a and b and a != b and names.label_value(a) != names.label_value(b) for a, b in pairs)


def other_job(job: JobRef) -> str:
    """Return a job in words of bounded length: its id and site."""
    return f"job {quoted(job.job_id)} at site {quoted(job.site)}"


def _is_named_after_its_job(pod: PodView) -> bool:
    """Tell whether pod and claimed release have the names that the launcher gives to this job's."""
    job = ref_of_pod(pod)
    is_release = job.release in names.release_names(job.job_id, job.site)
    return is_release and pod.name == names.pod_name(job.job_id, job.site)


@dataclass(frozen=True)
class Assigned:
    """Which pod is shown with which release, as far as a list without values tells.

    Attributes:
        pods: name of a release -> its pod.
        disputed: name of a release -> pods that claim it, none of which has the name of its job and is the
            one that it has made: only its record, read again with its values, tells.
        others: pods of none of the releases.
    """

    pods: Mapping[str, PodView]
    disputed: Mapping[str, tuple[PodView, ...]]
    others: tuple[PodView, ...]


def assign(releases: Mapping[str, ReleaseView], pods: Sequence[PodView]) -> Assigned:
    """Return which pods belong to the releases that Helm listed by our label.

    Args:
        releases: they, by their names.
        pods: all pods with our label.
    """
    claimed: dict[str, list[PodView]] = {name: [] for name in releases}
    others: list[PodView] = []
    for pod in pods:
        claimed.get(pod.annotations.get(RELEASE_ANNOTATION, ""), others).append(pod)
    own: dict[str, PodView] = {}
    disputed: dict[str, tuple[PodView, ...]] = {}
    for name, claimants in claimed.items():
        made = partial(have_made, releases[name].revisions)
        named = [pod for pod in claimants if _is_named_after_its_job(pod) and made(pod.uid, pod.created)]
        if len(named) == 1:
            own[name] = named[0]
            others += [pod for pod in claimants if pod is not named[0]]
        elif claimants:
            disputed[name] = tuple(claimants)
    return Assigned(own, disputed, tuple(others))


def unclaimed(pod: PodView, releases: Mapping[str, ReleaseView]) -> Ownership:
    """Return whose a pod of none of the listed releases is."""
    claim = pod.annotations.get(RELEASE_ANNOTATION, "")
    if claim in releases:
        said = f"pod {foreign.name(pod.name)} claims release {foreign.name(claim)}, which does not confirm it"
        return Ownership(Owner.FOREIGN_POD, said)
    if claim and not _is_named_after_its_job(pod):
        said = (
            f"pod {foreign.name(pod.name)} claims release {quoted(claim)}, which is none of this launcher's"
        )
        return Ownership(Owner.FOREIGN_POD, said)
    return judge(None, pod, ref_of_pod(pod))


@dataclass(frozen=True)
class Located:
    """What there is of one job: its names, its pod if it is confirmed, and whose they are.

    ``is_recorded`` is true when Helm has a record: with a foreign pod, one that confirms the release.
    """

    job: JobRef
    pod: PodView | None
    ownership: Ownership = field(default=CONFIRMED)
    is_recorded: bool = False


def locate(release: str, namespace: str, view: ReleaseView | None, pods: Sequence[PodView]) -> Located:
    """Return the job behind the name of a release, or of a pod that claims none.

    Args:
        release: the name.
        namespace: where it lives.
        view: Helm's record with its values, None when there is certainly none.
        pods: all pods with our label.
    """
    recorded = ref_of_release(release, namespace, view)
    if view is None:
        # An empty claim is none.
        claiming = [pod for pod in pods if release and ref_of_pod(pod).release == release]
        claiming.sort(key=_is_named_after_its_job, reverse=True)
        by_name = [pod for pod in pods if pod.name == release and not ref_of_pod(pod).release]
        pod = next(iter([*claiming, *by_name]), None)
        job = replace(ref_of_pod(pod), namespace=namespace) if pod else recorded
        return Located(job, pod, judge(None, pod, job))
    pod = next((pod for pod in pods if pod.name == recorded.pod_name), None)
    ownership = judge(view, pod, recorded)
    if pod is None or ownership.is_foreign:
        return Located(recorded, None, ownership)
    return Located(replace(ref_of_pod(pod), release=release, namespace=namespace), pod, ownership)


def credential_is_ours(name: str, secret: SecretView) -> bool:
    """Return whether a Secret holds the credentials of a job: our label, our own name, of no chart.

    A label alone says nothing: the objects of a site's own chart carry it, too.
    """
    return bool(secret.job_id) and not secret.of_helm and names.is_labelled_credential(name, secret.site)


def credentials_of(secrets: Mapping[str, SecretView], site: str, federation: str) -> Iterator[str]:
    """Yield the names of the Secrets that hold credentials of a site's jobs in a federation."""
    for name, secret in secrets.items():
        is_theirs = secret.federation == federation and names.is_credential_of(name, site)
        if is_theirs and credential_is_ours(name, secret):
            yield name


def old_credentials(secrets: Mapping[str, SecretView], now: datetime, age: float) -> Iterator[str]:
    """Yield the names of the Secrets that hold credentials of jobs and are at least so many seconds old."""
    for name, secret in secrets.items():
        if age_seconds(secret.created, now) >= age and credential_is_ours(name, secret):
            yield name


def left_alone(job: JobRef, ownership: Ownership) -> Conflict:
    """Return the error for what is not ours, with what its owner can do."""
    cure = f"`fljob list -n {job.namespace}` shows it; remove it with kubectl or helm if it is yours"
    if ownership.owner is Owner.FOREIGN_POD:
        # Helm deletes by name: with the release of a job whose pod is gone, whatever has that name now.
        pod = f"`kubectl delete pod {word(job.pod_name)} -n {job.namespace}`"
        cure = f"if nobody needs that pod, delete it with {pod}, then try again"
    return Conflict(f"{ownership.sentence}; it is left alone", cure=cure)
