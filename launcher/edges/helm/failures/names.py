"""Failures about names: a release or an object that is there, or is not."""

from __future__ import annotations

from launcher.edges.helm.failures.row import row
from launcher.errors import Conflict, NotFound

__all__ = ["NAMES"]


NAMES = (
    row(
        "ReleaseMissing",
        NotFound,
        r"release: not found",
        "uninstall: Release not loaded: r1: release: not found",
        "there is no such release",
        "`fljob list -n {namespace}` shows what there is",
    ),
    row(
        "NameInUse",
        Conflict,
        r"cannot re-?use a name that is still in use|release: already exists",
        "release name check failed: cannot reuse a name that is still in use",
        "the name is in use: this job runs already, or an earlier run was not removed",
        "wait for it to end or terminate it: fljob terminate {name} -n {namespace}",
    ),
    row(
        "OperationInProgress",
        Conflict,
        r"another operation \(install/upgrade/rollback\) is in progress",
        "another operation (install/upgrade/rollback) is in progress",
        "another process works on this release, or died doing so",
        "if nobody does: fljob terminate {name} -n {namespace}",
        seen="4.2.3",
    ),
    row(
        "ObjectOfAnother",
        Conflict,
        r'(?P<kind>\w+) "(?P<object>[^"]+)" in namespace "[^"]*" exists and cannot be imported',
        'unable to continue with install: Pod "p1" in namespace "ns" exists and cannot be imported into the '
        "current release: invalid ownership metadata; annotation validation error: key "
        '"meta.helm.sh/release-name" must equal "r2": current value is "r1"',
        "{kind} {object!r} exists already and belongs to somebody else: {text}",
        "look at it, then delete it or use another job id: "
        "kubectl --namespace {namespace} get {kind} {object} -o yaml",
    ),
    row(
        "ObjectExists",
        Conflict,
        r'(?P<resource>[\w.]+) "(?P<object>[^"]+)" already exists',
        'failed to create resource: pods "p1" already exists',
        "{resource} {object!r} exists already",
        "look at it, then delete it or use another job id: "
        "kubectl --namespace {namespace} get {resource} {object} -o yaml",
        seen="3.21.4 source",
    ),
    row(
        "FieldConflict",
        Conflict,
        r"conflict occurred while applying object (?P<object>\S+)|Apply failed with \d+ conflict",
        "conflict occurred while applying object ns/p1 /v1, Kind=Pod: Apply failed with 1 conflict: "
        'conflict with "kubectl" using v1: .spec.priority',
        "an object of the job exists and another program owns fields of it: {text}",
        "delete the object or use another job id",
        seen="4.2.4 source",
    ),
)
