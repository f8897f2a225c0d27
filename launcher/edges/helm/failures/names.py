"""Failures about names: a release that exists or does not, an object of another release."""

from __future__ import annotations

from launcher.edges.failure import row
from launcher.errors import Conflict, NotFound, Reason

__all__ = ["NAMES"]

NAMES = (
    row(
        Reason.RELEASE_MISSING,
        NotFound,
        r"release: not found",
        "uninstall: Release not loaded: r1: release: not found",
        "there is no such release",
    ),
    row(
        Reason.NAME_IN_USE,
        Conflict,
        r"cannot re-?use a name that is still in use|release: already exists",
        "release name check failed: cannot reuse a name that is still in use",
        "the name is in use: this job runs already, or an earlier run was not removed",
    ),
    row(
        Reason.OPERATION_IN_PROGRESS,
        Conflict,
        r"another operation \(install/upgrade/rollback\) is in progress",
        "another operation (install/upgrade/rollback) is in progress",
        "another process works on this release, or died doing so",
        seen="helm 4.2.3",
    ),
    row(
        Reason.OBJECT_OF_ANOTHER,
        Conflict,
        r'(?<!\w)(?P<kind>\w{1,253}) "(?P<object>[^"]{1,253})" '
        r'in namespace "[^"]{0,63}" exists and cannot be imported',
        'unable to continue with install: Pod "p1" in namespace "ns" exists and cannot be imported into the '
        "current release: invalid ownership metadata; annotation validation error: key "
        '"meta.helm.sh/release-name" must equal "r2": current value is "r1"',
        "{kind} {object!r} exists already and belongs to somebody else: {text}",
    ),
)
