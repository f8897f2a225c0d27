"""All jobs that there is a right to see, for somebody who may not look at all namespaces at once."""

from __future__ import annotations

from launcher.core.lifecycle.state import JobReport
from launcher.core.pending.clocks import WaitPolicy
from launcher.errors import Denied, Reason
from launcher.usecases.listing import jobs
from launcher.usecases.ports import World

__all__ = ["jobs_everywhere", "namespaces", "no_right_to_all", "spaces"]

# Each is asked for its pods, and Helm, a process of 0.2 s, for its releases.
_MOST = 50
# `fljob rbac` prints what a parent needs, which is no right beyond its namespace.
_CURE = (
    "name a namespace in which you have rights: -n NAMESPACE; or have a ClusterRole bound to you that may "
    "list and watch pods, and list secrets (Helm's records); check: kubectl auth can-i list secrets "
    "--all-namespaces, and the same of pods"
)
# With other refusals, such as of credentials, one namespace is as far away as all are.
_ABOUT_RIGHTS = (Reason.FORBIDDEN, Reason.ACCESS_DENIED, None)


def jobs_everywhere(world: World, policy: WaitPolicy) -> tuple[tuple[JobReport, ...], tuple[str, ...]]:
    """Return the jobs of all namespaces, or of each in which there are rights, and the names of the others.

    Raises:
        Denied: there is no right to look at all of them, nor at any.
        LauncherError: they could not be listed.
    """
    try:
        return jobs(world, policy, ""), ()
    except Denied as error:
        denied = error
    found: list[JobReport] = []
    left_out: list[str] = []
    names = spaces(world)
    for space in names:
        try:
            world.pods.list(space)  # which costs less than to hear it from Helm
            found += jobs(world, policy, space)
        except Denied:
            left_out.append(space)
    if len(left_out) == len(names):
        raise no_right_to_all(denied) from denied
    return tuple(found), tuple(left_out)


def namespaces(world: World) -> tuple[str, ...]:
    """Return the namespaces in which there is something of jobs; all, if only their names may be listed.

    Raises:
        Denied: neither what is in them nor their names may be listed.
    """
    try:
        made = {view.namespace for view in world.releases.list("")}
        made |= {pod.namespace for pod in world.pods.list("")}
        return tuple(sorted(made | world.secrets.namespaces()))
    except Denied as denied:
        try:
            return tuple(sorted(world.pods.namespaces()))
        except Denied:
            raise no_right_to_all(denied) from denied


def spaces(world: World) -> tuple[str, ...]:
    """Return the names of all namespaces; empty where nobody may list them, or for too many."""
    try:
        found = tuple(sorted(world.pods.namespaces()))
    except Denied:
        return ()
    return found if len(found) <= _MOST else ()


def no_right_to_all(denied: Denied) -> Denied:
    """Return the refusal to look at all namespaces, with what can be done without that right."""
    if denied.reason not in _ABOUT_RIGHTS:
        return denied
    return Denied(denied.message, cure=_CURE, reason=denied.reason)
