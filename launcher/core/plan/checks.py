"""What the answers of a cluster mean for a job: answers -> rows. Nothing is asked here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from launcher.core.catalogue import Code
from launcher.core.catalogue.reasons import cure_of
from launcher.core.jobref import RELEASE_ANNOTATION
from launcher.core.pending.refusal import refusal_of
from launcher.core.plan.rows import Answer, Row, Stage, bad, unknown
from launcher.core.plan.views import Found, Looked, PlannedPod, Reference, Tried
from launcher.core.rights import Right
from launcher.core.views import Presence
from launcher.errors import LauncherError, Reason, Unavailable

__all__ = [
    "as_helm_makes",
    "creation_rows",
    "gate_rows",
    "is_test",
    "made_rows",
    "name",
    "record_of",
    "reference_rows",
    "rights_rows",
    "rights_unknown",
    "what",
]

# A webhook with side effects: at a launch it is called, and nobody knows what it says then.
_NO_DRY_RUN = "does not support dry run"
_HOOK = "helm.sh/hook"
_RIGHTS, _RECORDS = "rights", ("secrets", "configmaps")
_GRANT = "`fljob rbac` prints the Role; `fljob doctor` says what is missing"
# Kind of a missing object -> its code, when a job meets it, and the reason that has the cure.
_MISSING: Mapping[str, tuple[Code, Stage, Reason | None]] = {
    "ServiceAccount": (Code.ADMISSION_DENIED, Stage.CREATION, Reason.SERVICE_ACCOUNT_MISSING),
    "PriorityClass": (Code.ADMISSION_DENIED, Stage.CREATION, Reason.PRIORITY_CLASS_MISSING),
    "RuntimeClass": (Code.ADMISSION_DENIED, Stage.CREATION, Reason.RUNTIME_CLASS_MISSING),
    "PersistentVolumeClaim": (Code.PVC_MISSING, Stage.CLAIMS, None),
    # The controller makes the claim of a template, and says that there is none; of a claim nobody says it.
    "ResourceClaim": (Code.RESOURCE_CLAIM_PENDING, Stage.CLAIMS, None),
    "ResourceClaimTemplate": (Code.RESOURCE_CLAIM_MISSING, Stage.CLAIMS, None),
    "Secret": (Code.MISSING_REF, Stage.START, None),
    "ConfigMap": (Code.MISSING_REF, Stage.START, None),
}


def record_of(release: str, namespace: str, kind: str) -> dict[str, Any]:
    """Return an empty record of a release: Helm creates that first, and it counts for quotas of Secrets.

    Args:
        release: its name.
        namespace: of the job.
        kind: ``Secret`` or ``ConfigMap``, as the site's storage driver says.
    """
    body: dict[str, Any] = {"apiVersion": "v1", "kind": kind}
    body["metadata"] = {"name": f"sh.helm.release.v1.{release}.v1", "namespace": namespace}
    return body | ({"type": "helm.sh/release.v1"} if kind == "Secret" else {})


def name(one: Mapping[str, Any]) -> str:
    """Return the name of an object, whatever it holds."""
    metadata = one.get("metadata")
    return str(metadata.get("name") or "") if isinstance(metadata, Mapping) else ""


def what(one: Mapping[str, Any]) -> str:
    """Return how a row names an object."""
    return f"{one.get('kind')} {name(one)}"


def made_rows(objects: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield the objects that could be made, of which nobody was asked anything."""
    for one in objects:
        if not is_test(one):
            yield Row(what=what(one), answer=Answer.OK, detail="is made; no cluster was asked")


def is_test(one: Mapping[str, Any]) -> bool:
    """Return whether an object is one that only `helm test` creates."""
    return str(_annotations(one).get(_HOOK, "")).startswith("test")


def as_helm_makes(one: Mapping[str, Any], release: str, namespace: str) -> dict[str, Any]:
    """Return an object with the marks that Helm puts on whatever it creates; policies may ask for them."""
    metadata = one.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, Mapping) else {}
    metadata["annotations"] = {
        **_annotations(one),
        RELEASE_ANNOTATION: release,
        "meta.helm.sh/release-namespace": namespace,
    }
    labels = metadata.get("labels")
    labels = labels if isinstance(labels, Mapping) else {}
    metadata["labels"] = {**labels, "app.kubernetes.io/managed-by": "Helm"}
    return {**one, "metadata": metadata}


def _annotations(one: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = one.get("metadata")
    found = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def creation_rows(tried: Iterable[Tried]) -> Iterator[Row]:
    """Yield what the API server would say to a launch, typed by the table of a launch."""
    for one in tried:
        if one.error is None:
            yield Row(what=one.what, answer=Answer.OK, detail="would be created")
        elif isinstance(one.error, Unavailable) or _NO_DRY_RUN in one.error.message:
            yield unknown(one.what, Stage.CREATION, one.error.message, one.error.cure)
        else:
            yield _refused(one.what, one.error)


def _refused(text: str, error: LauncherError) -> Row:
    refusal = refusal_of(error)
    return bad(text, refusal.code, Stage.CREATION, refusal.detail, cure=error.cure)


def rights_rows(missing: Iterable[Right], count: int) -> Iterator[Row]:
    """Yield the rights that are missing; without one to create, Helm is refused, and others matter later.

    Args:
        missing: rights.
        count: how many are needed.
    """
    lacking = tuple(missing)
    if not lacking:
        yield Row(what=_RIGHTS, answer=Answer.OK, detail=f"all {count} granted")
    for one in lacking:
        # Helm creates by server-side apply, which is a patch; its own records, Secrets, by a POST.
        sure = one.verb == "create" or (one.verb == "patch" and one.resource not in _RECORDS)
        text = f"{one.verb} {one.resource} is not granted"
        yield bad(_RIGHTS, Code.FORBIDDEN, Stage.CREATION, text, cure=_GRANT, sure=sure)


def rights_unknown(error: LauncherError) -> Row:
    """Return the row of rights of which nobody could be asked."""
    return unknown(_RIGHTS, Stage.CREATION, error.message, error.cure)


def gate_rows(pod: PlannedPod) -> Iterator[Row]:
    """Yield what holds the pod back before any scheduler sees it: a queue opens gates, so it may pass."""
    if pod.gates:
        text = f"the pod has the scheduling gates {', '.join(pod.gates)}"
        yield bad("scheduling gates", Code.SCHEDULING_GATED, Stage.QUEUE, text, sure=False)


def reference_rows(looked: Iterable[Looked], namespace: str, *, admitted: bool) -> Iterator[Row]:
    """Yield whether the objects that a pod names are there.

    Args:
        looked: each of them, and what was found.
        namespace: of the job.
        admitted: whether the API server would create the pod: then what it checks by itself is there.
    """
    for one in looked:
        yield _reference_row(one, namespace, admitted=admitted)


def _reference_row(one: Looked, namespace: str, *, admitted: bool) -> Row:
    kind, named = one.reference.use.kind, one.reference.name
    text = f"{kind} {named}"
    code, stage, reason = _MISSING[kind]
    if one.seen.presence is Presence.UNAVAILABLE:
        if admitted and stage is Stage.CREATION:
            return Row(what=text, answer=Answer.OK, stage=stage, detail="the API server lets a pod name it")
        return unknown(text, stage, one.seen.why, one.seen.cure)
    if one.seen.value is not None:
        return _there(text, one.reference, one.seen.value, stage)
    words = f"there is none; the pod names it in {one.reference.where}"
    if one.reference.optional:
        return Row(what=text, answer=Answer.OK, stage=stage, detail=f"{words}, and starts without it")
    if one.reference.for_pull:
        return bad(text, Code.IMAGE_PULL_SECRET_MISSING, Stage.START, words, sure=False)
    cure = "" if reason is None else cure_of(reason, {"object": named, "namespace": namespace})
    return bad(text, code, stage, words, cure=cure)


def _there(text: str, reference: Reference, found: Found, stage: Stage) -> Row:
    missing = sorted(set(reference.keys) - found.keys)
    if missing and not reference.optional:
        words = f"it has no key {', '.join(missing)}; the pod names it in {reference.where}"
        return bad(text, Code.MISSING_REF, stage, words)
    if reference.use.kind == "PersistentVolumeClaim" and found.phase != "Bound":
        words = f"it is {found.phase or 'without a phase'}; its class may bind it when the pod is there"
        return bad(text, Code.VOLUME_UNBOUND, stage, words, sure=False)
    return Row(what=text, answer=Answer.OK, stage=stage, detail="is there")
