"""Launching one job: its Secret, its release, its Secret's owner. Whatever fails is undone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from launcher.core.jobref import JobRef, ref_of_pod, with_pod
from launcher.core.lifecycle.state import Cleanup
from launcher.core.ownership import is_pod_of, judge
from launcher.core.pending.refusal import refusal_of
from launcher.core.releases import INSTALL_MAY_LAST, ReleaseState, release_state
from launcher.core.spec.jobspec import JobSpec, ref_of_spec
from launcher.core.views import PodView
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
from launcher.usecases.credentials import delete_credentials, own_credentials
from launcher.usecases.ports import World, no_op
from launcher.usecases.remove import remove
from launcher.usecases.reserve import Held, dead_pod, reserve_names
from launcher.usecases.whose import record_of

__all__ = ["Launch", "Prepare", "Render"]

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


# Makes what jobs share, and returns the name of their startup Secret; None = as the spec says.
Prepare = Callable[[], str | None]


@dataclass
class Launch:
    """The launch of one job; every attempt starts from scratch and undoes what it made when it fails.

    Attributes:
        world: the ports.
        spec: the job.
        render: computes the chart values of a spec.
        secret: content of the per-job Secret, empty for none.
        prepare: makes what jobs share, such as the Secret of a startup kit; asked for in each attempt.
        keeps_secret: leave the Secret after an attempt that may be tried again; :meth:`forget` deletes it.
        left: what the attempts so far made and could not undo; None when nothing of them is left.
    """

    world: World
    spec: JobSpec
    render: Render
    secret: Mapping[str, bytes] = field(repr=False)
    prepare: Prepare = field(default=no_op, repr=False)  # it holds the startup kit
    keeps_secret: bool = False
    left: Cleanup | None = field(default=None, init=False)
    # The Secret of that name is that of the process that has the job now, or another job's.
    _is_anothers: bool = field(default=False, init=False)

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
        try:
            return self._attempt(cancel)
        except Conflict:
            self._is_anothers = True
            raise

    def forget(self) -> None:
        """Delete the Secret that attempts have left; ``left`` tells when that was not possible."""
        if self.keeps_secret and not self._is_anothers:
            self._undo_secret(ref_of_spec(self.spec))

    def _attempt(self, cancel: threading.Event | None) -> JobRef:
        with _preparing():
            startup = self.prepare()
        late = self._accepted_late()
        spec = late or reserve_names(self.world, self.spec, again=self._left_release)
        if late is None and spec is not self.spec:
            self.left = None  # there was a pod, and everything went with it
        spec = spec if startup is None else replace(spec, startup_secret=startup)
        job, values = ref_of_spec(spec), self.render(spec)
        labels = values["labels"]
        is_new = self._put_secret(job, labels, is_ours=late is not None) if self.secret else False
        self._is_anothers = False
        try:
            if late is None:
                self._install(job, values, labels, cancel)
            self.left = None  # whoever undoes it now says what that leaves
            return self._settle(job, cancel)
        except BaseException as error:
            self._remember(error)
            # The Secret is that of the process which holds the release, whoever made it first.
            is_ours = not isinstance(error, Held) and (is_new or not isinstance(error, Conflict))
            if is_ours and not self._keeps_secret_of(error):
                self._undo_secret(job)
            raise

    @property
    def _left_release(self) -> bool:
        return self.left is Cleanup.REMOVE

    def _accepted_late(self) -> JobSpec | None:
        """Return the spec of an earlier try that was accepted after all, and whose answer was lost.

        "server-side apply failed for object fl/job-1 /v1, Kind=Pod: ... EOF", and the pod is there: it may
        run already, and would run a second time if it were replaced. It is ours, most likely; if it is
        another process's of the same job, that one goes on, too.
        """
        if not self._left_release:
            return None
        job = ref_of_spec(self.spec)
        pod = self.world.pods.get(job.pod_name, job.namespace).value
        if pod is None or pod.deleted is not None or not is_pod_of(job, pod):
            return None
        if not self.world.releases.is_whole(job.release, job.namespace):
            return None
        _LOG.info("release=%s pod=%s was accepted by an earlier try", job.release, job.pod_name)
        return replace(self.spec, attempt=ref_of_pod(pod).attempt)

    def _remember(self, error: BaseException) -> None:
        """Learn from the end of an attempt whether a release of ours is left.

        Helm asks for the name before it creates anything ("cannot reuse a name that is still in use"), so
        after the API server has refused a pod, nothing is left of earlier attempts either.
        """
        if isinstance(error, LeftBehind):
            self.left = Cleanup.REMOVE
        elif isinstance(error, Rejected) and refusal_of(error).may_heal:
            self.left = None

    def _keeps_secret_of(self, error: BaseException) -> bool:
        return self.keeps_secret and isinstance(error, LauncherError) and refusal_of(error).may_heal

    def _put_secret(self, job: JobRef, labels: Mapping[str, str], *, is_ours: bool) -> bool:
        """Make the per-job Secret and return whether it is this launch's; refuse that of a job not ours.

        One of the same content is that of an earlier attempt: no two launches have the same credentials.
        """
        name, namespace = job.credential_secret, job.namespace
        with _preparing():
            if self.world.secrets.put(name, namespace, self.secret, labels, replace=False):
                return True
        if not is_ours:
            self._refuse_if_held(job)
        with _preparing():
            self.world.secrets.put(name, namespace, self.secret, labels)
        return False

    def has_secret(self, pod: PodView) -> bool:
        """Tell whether the job's Secret is that of this launch; one that is missing is made anew for its pod.

        That one is younger than the pod: without its owner it would be taken for a later launch's.
        """
        job, labels = ref_of_spec(self.spec), self.render(self.spec)["labels"]
        put = self.world.secrets.put
        if self.secret and not put(job.credential_secret, job.namespace, self.secret, labels, replace=False):
            return False
        if self.secret:
            own_credentials(self.world, job, pod)
        return True

    def _undo_secret(self, job: JobRef) -> None:
        if not self.secret:
            return
        try:
            delete_credentials(self.world, job, holding=self.secret)
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
            pod = dead_pod(self.world, self.spec, again=self._left_release)
        if pod is not None:
            # Without its Secret: that one is the new attempt's.
            remove(self.world, with_pod(job, pod), keep_secret=True)
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
        if self._is_busy(job, release_state(record, self.world.clock.now())):
            if self._left_release:
                # Ours, most likely; if it is another process's, that one has a minute like everybody.
                raise Unavailable(
                    f"release {job.namespace}/{job.release} is half installed, as an earlier try left it "
                    f"without the API server; it is replaced when it is {INSTALL_MAY_LAST:.0f} s old"
                )
            raise Held(
                f"release {job.namespace}/{job.release} is being installed by another process",
                cure=f"wait a minute, or run `fljob terminate {job.release} -n {job.namespace}` first",
            )
        return dead_pod(self.world, self.spec, again=self._left_release)

    def _is_busy(self, job: JobRef, state: ReleaseState) -> bool:
        """Tell whether somebody may be installing the release: a slow install has a process that says so."""
        is_slow = state is ReleaseState.ABANDONED and not self._left_release
        return state.is_busy or (is_slow and self.world.watching.by_others(job.namespace)(job.release))

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
        """Learn the pod's uid, have it recorded, and make the pod own its Secret, which goes with it then.

        Without the uid a pod of an earlier attempt that the watch remembers would be taken for this one.
        """
        seen = self.world.pods.get(job.pod_name, job.namespace)
        if seen.value is None:
            _LOG.warning("release=%s pod=%s not seen after the install", job.release, job.pod_name)
            return job
        try:
            self.world.releases.note_pod(job.release, job.namespace, seen.value.uid)
        except LauncherError as error:  # a later shell goes by the time of the install then
            _LOG.warning("release=%s its record is not complete: %s", job.release, error)
        if self.secret:
            own_credentials(self.world, job, seen.value)
        return with_pod(job, seen.value)
