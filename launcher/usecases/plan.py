"""Asks a cluster what it would say to a job, without a launch; the core decides what the answers mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from launcher.core.pending.clocks import WaitPolicy
from launcher.core.plan import checks
from launcher.core.plan.fit import fit_rows
from launcher.core.plan.images import Held, Login, Place, Pulled, image_rows, logins_for, place_of
from launcher.core.plan.references import merged
from launcher.core.plan.rows import Plan, Row
from launcher.core.plan.views import Cluster, Found, Looked, PlannedImage, PlannedPod, Reference, Tried
from launcher.core.releases import StorageDriver
from launcher.core.rights import Right, needed, printed
from launcher.core.spec.jobspec import JobSpec, ref_of_spec
from launcher.core.views import ObjectRef, Seen
from launcher.errors import LauncherError, Reason, Unavailable

__all__ = ["Asked", "Planning", "Registries", "made_plan", "make_plan", "refused_plan"]

# After one of them nothing else would be answered in other words.
_SAYS_IT_ALL = frozenset(
    {
        Reason.NAMESPACE_MISSING,
        Reason.NAMESPACE_TERMINATING,
        Reason.UNAUTHENTICATED,
        Reason.NOT_LOGGED_IN,
        Reason.CREDENTIAL_PLUGIN,
    }
)
_RECORDS: Mapping[StorageDriver, str] = {"secret": "Secret", "configmap": "ConfigMap"}


class Planning(Protocol):
    """What is asked of the API server; nothing is created."""

    def try_out(self, ref: ObjectRef, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an object as the API server would store it; raises what it would say to a creation."""

    def pod(self, raw: Any, namespace: str) -> PlannedPod:
        """Return what a plan looks at of a pod's JSON."""

    def missing(self, rights: Iterable[Right], namespace: str) -> tuple[Right, ...]:
        """Return those of the rights that we do not have; raises a LauncherError."""

    def look(self, reference: Reference, namespace: str) -> Seen[Found]:
        """Return whether an object is there, and which keys it has; never raises for a missing right."""

    def logins(self, secrets: Iterable[str], namespace: str) -> tuple[Login, ...]:
        """Return the logins of registry Secrets; one that is not there, or may not be read, has none."""

    def cluster(self) -> Cluster:
        """Return the nodes, and what is used of them, as far as both may be listed."""


class Registries(Protocol):
    """What is asked of the registries of images."""

    def held(self, place: Place, logins: Sequence[Login]) -> Held:
        """Return what a registry has of an image.

        Raises:
            NotFound: it has no such image.
            Denied: it lets none of the logins, nor anybody, read it.
            Unavailable: it could not be asked.
        """


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A job that is planned.

    Attributes:
        spec: the job.
        objects: its manifests, in the order in which Helm creates them.
        policy: the clocks of the site.
        driver: where Helm keeps its records.
    """

    spec: JobSpec
    objects: Sequence[Mapping[str, Any]]
    policy: WaitPolicy
    driver: StorageDriver

    @property
    def clocks(self) -> WaitPolicy:
        """The clocks of this job."""
        return replace(self.policy, pending_timeout=self.spec.pending_timeout)


def refused_plan(asked: Asked, error: LauncherError) -> Plan:
    """Return the plan of a job of which no manifests can be made."""
    return Plan(tuple(checks.creation_rows([Tried("manifests", error)])), asked.clocks)


def made_plan(asked: Asked) -> Plan:
    """Return the plan of a job whose objects could be made, where nobody is asked about them."""
    return Plan(tuple(checks.made_rows(asked.objects)), asked.clocks)


def make_plan(
    asked: Asked, api: Planning, *, advice: bool = True, registries: Registries | None = None
) -> Plan:
    """Return what the cluster would say to a launch now.

    Args:
        asked: the job.
        api: answers.
        advice: whether to look for what a pod needs after its creation, too.
        registries: asked for the images; None = nobody is.

    Raises:
        Unavailable: the cluster cannot be asked at all.
    """
    spec = asked.spec
    kind = _RECORDS.get(asked.driver, "Secret")
    record = checks.record_of(spec.release, spec.namespace, kind)
    first, _ = _try(api, record, "release record", spec.namespace)
    if isinstance(first.error, Unavailable):
        raise first.error
    if first.error is not None and first.error.reason in _SAYS_IT_ALL:
        return Plan(tuple(checks.creation_rows([first])), asked.clocks)
    tried, pod, admitted = _objects(asked, api)
    rows = list(checks.creation_rows([first, *tried]))
    if advice:
        rows += _rights_rows(asked, api)
        if pod is not None:
            cluster = api.cluster()
            rows += _pod_rows(asked, api, pod, cluster, admitted=admitted)
            rows += [] if registries is None else _image_rows(asked, api, pod, cluster, registries)
    return Plan(tuple(rows), asked.clocks)


def _objects(asked: Asked, api: Planning) -> tuple[list[Tried], PlannedPod | None, bool]:
    """Return what is said to each object, and the pod: as it would be stored, else as it is printed."""
    spec = asked.spec
    tried: list[Tried] = []
    pod, admitted = None, False
    for one in asked.objects:
        if checks.is_test(one):
            continue
        body = checks.as_helm_makes(one, spec.release, spec.namespace)
        said, stored = _try(api, body, checks.what(one), spec.namespace)
        tried.append(said)
        if one.get("kind") == "Pod" and checks.name(one) == spec.pod_name:
            pod, admitted = api.pod(stored or body, spec.namespace), said.error is None
    return tried, pod, admitted


def _try(
    api: Planning, body: Mapping[str, Any], what: str, namespace: str
) -> tuple[Tried, Mapping[str, Any] | None]:
    where = str(body["metadata"].get("namespace") or namespace)
    ref = ObjectRef(str(body.get("apiVersion")), str(body.get("kind")), checks.name(body), where)
    try:
        return Tried(what), api.try_out(ref, body)
    except LauncherError as error:
        return Tried(what, error), None


def _rights_rows(asked: Asked, api: Planning) -> Iterator[Row]:
    wanted = sorted(needed(asked.driver, printed(asked.objects)))
    try:
        yield from checks.rights_rows(api.missing(wanted, asked.spec.namespace), len(wanted))
    except LauncherError as error:
        yield checks.rights_unknown(error)


def _image_rows(
    asked: Asked, api: Planning, pod: PlannedPod, cluster: Cluster, registries: Registries
) -> Iterator[Row]:
    secrets = [one.name for one in pod.references if one.for_pull]
    logins = api.logins(secrets, asked.spec.namespace)
    yield from image_rows([_held(image, logins, registries) for image in pod.images], cluster)


def _held(image: PlannedImage, logins: Sequence[Login], registries: Registries) -> Pulled:
    place = place_of(image.name)
    try:
        return Pulled(image, registries.held(place, logins_for(place, logins)))
    except LauncherError as error:
        return Pulled(image, error=error)


def _pod_rows(
    asked: Asked, api: Planning, pod: PlannedPod, cluster: Cluster, *, admitted: bool
) -> Iterator[Row]:
    spec = asked.spec
    yield from checks.gate_rows(pod)
    ours = {("Secret", ref_of_spec(spec).credential_secret), ("Secret", spec.startup_secret)}
    ours |= {(str(one.get("kind")), checks.name(one)) for one in asked.objects}
    wanted = (one for one in merged(pod.references) if (one.use.kind, one.name) not in ours)
    looked = [Looked(one, api.look(one, spec.namespace)) for one in wanted]
    yield from checks.reference_rows(looked, spec.namespace, admitted=admitted)
    yield from fit_rows(pod, cluster, may_grow=asked.policy.may_grow)
