"""Launching one job: its Secret, its release, its Secret's owner. Whatever fails is undone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from launcher.core import names
from launcher.core.ending.job_end import ended
from launcher.core.jobref import JobRef, ref_of_pod
from launcher.core.lifecycle.state import Cleanup
from launcher.core.ownership import is_other_job, judge, other_job
from launcher.core.pending.refusal import refusal_of
from launcher.core.releases import INSTALL_MAY_LAST, release_state
from launcher.core.spec.jobspec import JobSpec, ref_of_spec
from launcher.core.views import PodView, Presence
from launcher.errors import (
    Cancelled,
    Conflict,
    LauncherError,
    LeftBehind,
    NotPrepared,
    Rejected,
    Unavailable,
)
from launcher.logs import logger
from launcher.usecases.ports import World
from launcher.usecases.remove import record_of, removable, remove

__all__ = ["Launch", "Prepare", "Render", "no_op", "reserve_names"]

_LOG = logger(__name__)

Render = Callable[[JobSpec], Mapping[str, Any]]


@contextmanager
def _preparing() -> Iterator[None]:
    """Raise errors as NotPrepared: FLARE tells a job that could not be prepared from a refused pod."""
    try:
        yield
    except Conflict:
        raise  # the Secret of that name is another job's
    except LauncherError as error:
        raise NotPrepared(error) from error


class _Held(Conflict):
    """Another process holds the release: it is being installed, or its pod lives."""


def _dead_pod(world: World, spec: JobSpec, *, again: bool) -> PodView | None:
    """Return the pod that a dead job left under these names, None when there is none; refuse a live one."""
    seen = world.pods.get(spec.pod_name, spec.namespace)
    if seen.presence is Presence.UNAVAILABLE:
        cure = "check that the cluster runs and that the kubeconfig names its address"
        raise Unavailable(f"cannot see whether job {spec.job_id} is already running: {seen.why}", cure=cure)
    if seen.presence is Presence.ABSENT or seen.value is None:
        return None
    pod = seen.value
    found, wanted = ref_of_pod(pod), ref_of_spec(spec)
    if names.LABEL_JOB_ID not in pod.labels or is_other_job(found, wanted):
        raise Conflict(
            f"pod {spec.namespace}/{spec.pod_name} is that of {other_job(found)}, "
            f"not of {other_job(wanted)}, whose pod would have the same name",
            cure="wait until it is gone, or use another job id",
        )
    is_ours = again and found.release == spec.release
    if ended(pod) is None and pod.deleted is None and not is_ours:
        raise _Held(
            f"job {spec.job_id} is already running at site {spec.site!r}: release {spec.release}, "
            f"pod {spec.namespace}/{spec.pod_name}, phase {pod.phase}",
            cure=f"wait for it, or run `fljob terminate {spec.release} -n {spec.namespace}` first",
        )
    return pod


def reserve_names(world: World, spec: JobSpec, *, again: bool = False) -> JobSpec:
    """Refuse a live job, clean up what a dead one left, and return the spec of the next attempt.

    Args:
        world: the ports.
        spec: the job.
        again: an attempt of this very launch could not undo its release; a pod of it is what that left.

    Raises:
        Conflict: the job is already running.
        Unavailable: the cluster could not be asked.
    """
    pod = _dead_pod(world, spec, again=again)
    if pod is None:
        return spec
    left = ref_of_pod(pod)
    _LOG.info("release=%s pod=%s removing what attempt %d left", left.release, spec.pod_name, left.attempt)
    remove(world, _confirmed(world, spec, pod))
    return replace(spec, attempt=left.attempt + 1)


def _confirmed(world: World, spec: JobSpec, pod: PodView) -> JobRef:
    """Return what of a dead pod's job may be removed: all of the release that it claims, if Helm confirms it.

    Its name need not be that which a job gets today.

    Raises:
        Conflict: the release is another's.
        Unavailable: Helm could not be asked.
    """
    job = replace(ref_of_spec(spec), release=ref_of_pod(pod).release, uid=pod.uid)
    record = record_of(world, job.release, job.namespace) if job.release else None
    return removable(job, judge(record, pod, job))


# Makes what jobs share, and returns the name of their startup Secret; None = as the spec says.
Prepare = Callable[[], str | None]


def no_op() -> None:
    """Do nothing."""


@dataclass
class Launch:
    """The launch of one job; every attempt starts from scratch and undoes what it made when it fails.

    Attributes:
        world: the ports.
        spec: the job.
        render: computes the chart values of a spec.
        secret: content of the per-job Secret, empty for none.
        prepare: makes what jobs share, such as the Secret of a startup kit; asked for in each attempt.
        left: what the attempts so far made and could not undo; None when nothing of them is left.
    """

    world: World
    spec: JobSpec
    render: Render
    secret: Mapping[str, bytes] = field(repr=False)
    prepare: Prepare = field(default=no_op, repr=False)  # it holds the startup kit
    left: Cleanup | None = field(default=None, init=False)

    def attempt(self, cancel: threading.Event | None) -> JobRef:
        """Make the job and return it, with the pod's uid where it is known.

        Args:
            cancel: set by another thread to stop.

        Raises:
            Conflict: the job is already running, or its release is being installed by another process.
            Cancelled: ``cancel`` was set.
            NotPrepared: a Secret could not be made, so that there was nothing to install.
            LeftBehind: what was installed could not be removed; ``left`` says so, too.
            LauncherError: whatever Helm or the cluster objects to; nothing is left.
        """
        with _preparing():
            startup = self.prepare()
        spec = reserve_names(self.world, self.spec, again=self._left_release)
        if spec is not self.spec:
            self.left = None  # there was a pod, and everything went with it
        spec = spec if startup is None else replace(spec, startup_secret=startup)
        job, values = ref_of_spec(spec), self.render(spec)
        labels = values["labels"]
        is_new = self._put_secret(job, labels) if self.secret else False
        try:
            self._install(job, values, labels, cancel)
            return self._settle(job, cancel)
        except BaseException as error:
            self._remember(error)
            # The Secret is that of the process which holds the release, whoever made it first.
            if not isinstance(error, _Held) and (is_new or not isinstance(error, Conflict)):
                self._undo_secret(job)
            raise

    @property
    def _left_release(self) -> bool:
        return self.left is Cleanup.REMOVE

    def _remember(self, error: BaseException) -> None:
        """Learn from the end of an attempt whether a release of ours is left.

        Helm asks for the name before it creates anything ("cannot reuse a name that is still in use"), so
        after the API server has refused a pod, nothing is left of earlier attempts either.
        """
        if isinstance(error, LeftBehind):
            self.left = Cleanup.REMOVE
        elif isinstance(error, Rejected) and refusal_of(error).may_heal:
            self.left = None

    def _put_secret(self, job: JobRef, labels: Mapping[str, str]) -> bool:
        """Make the per-job Secret and return whether there was none before."""
        name, namespace = job.credential_secret, job.namespace
        with _preparing():
            if self.world.secrets.put(name, namespace, self.secret, labels, replace=False):
                return True
        self._refuse_if_held(job)
        with _preparing():
            self.world.secrets.put(name, namespace, self.secret, labels)
        return False

    def _undo_secret(self, job: JobRef) -> None:
        if not self.secret:
            return
        try:
            self.world.secrets.delete(job.credential_secret, job.namespace)
        except LauncherError as error:
            self.left = self.left or Cleanup.RETAIN
            _LOG.error("secret %s left behind: %s", job.credential_secret, error)

    def _install(
        self,
        job: JobRef,
        values: Mapping[str, Any],
        labels: Mapping[str, str],
        cancel: threading.Event | None,
    ) -> None:
        try:
            self.world.releases.install(job.release, job.namespace, values, labels, cancel)
        except Conflict:
            self._remove_dead_release(job)
            try:
                self.world.releases.install(job.release, job.namespace, values, labels, cancel)
            except Conflict:
                self._refuse_if_held(job)  # another process was quicker
                raise

    def _remove_dead_release(self, job: JobRef) -> None:
        """Remove a release whose pod is dead or gone, unless another process may hold it."""
        pod = self._refuse_if_held(job)
        if pod is None:
            self.world.releases.uninstall(job.release, job.namespace)
            # One that is there now is dying with the release, or is that of a process that was quicker.
            pod = _dead_pod(self.world, self.spec, again=self._left_release)
        if pod is not None:
            # Without its Secret: that one is the new attempt's.
            remove(self.world, replace(job, uid=pod.uid), keep_secret=True)
        self.left = None

    def _refuse_if_held(self, job: JobRef) -> PodView | None:
        """Refuse a release that another process installs, or whose pod lives; return the pod of a dead one.

        The release is asked for before the pod: Helm says "deployed" when it has created the pod, so a
        deployed release without one has lost it, however young it is.
        """
        record = record_of(self.world, job.release, job.namespace)
        if record is not None and (whose := judge(record, None, job)).is_foreign:
            raise Conflict(
                f"{whose.sentence}; it is left alone",
                cure=f"remove release {job.release} with helm if it is yours, or use another job id",
            )
        if release_state(record, self.world.clock.now()).is_busy:
            if self._left_release:
                # Ours, most likely; if it is another process's, that one has a minute like everybody.
                raise Unavailable(
                    f"release {job.namespace}/{job.release} is half installed, as an earlier try left it "
                    f"without the API server; it is replaced when it is {INSTALL_MAY_LAST:.0f} s old"
                )
            raise _Held(
                f"release {job.namespace}/{job.release} is being installed by another process",
                cure=f"wait a minute, or run `fljob terminate {job.release} -n {job.namespace}` first",
            )
        return _dead_pod(self.world, self.spec, again=self._left_release)

    def _settle(self, job: JobRef, cancel: threading.Event | None) -> JobRef:
        """Do what follows an accepted install; whatever ends it early undoes the release."""
        try:
            job = self._know_pod(job)
            if cancel is not None and cancel.is_set():
                raise Cancelled(f"release {job.namespace}/{job.release}: cancelled")  # noqa: TRY301
        except BaseException:
            self._undo(job)
            raise
        return job

    def _undo(self, job: JobRef) -> None:
        try:
            remove(self.world, job)
        except LauncherError as left:
            raise LeftBehind(left) from left

    def _know_pod(self, job: JobRef) -> JobRef:
        """Learn the pod's uid and make the pod own its Secret, a second road by which it goes.

        Without the uid a pod of an earlier attempt that the watch remembers would be taken for this one.
        """
        seen = self.world.pods.get(job.pod_name, job.namespace)
        if seen.value is None:
            _LOG.warning("release=%s pod=%s not seen after the install", job.release, job.pod_name)
            return job
        if self.secret:
            try:
                self.world.secrets.own(job.credential_secret, job.namespace, seen.value)
            except LauncherError as error:  # it is deleted by name, too
                words = "release=%s pod=%s cannot own its Secret: %s"
                _LOG.warning(words, job.release, job.pod_name, error.message)
        return replace(job, uid=seen.value.uid)
