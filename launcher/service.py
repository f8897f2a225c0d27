"""The use cases: launch a job, find it again, list all, take one away. With undo on every failure."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from launcher.core import names
from launcher.core.jobref import JobRef, pending_timeout_from_text, ref_of_pod, ref_of_release, ref_of_spec
from launcher.core.jobspec import JobSpec
from launcher.core.lifecycle import Observation, Track, step
from launcher.core.outcome import ended
from launcher.core.patience import WaitPolicy
from launcher.core.pending import needs_events
from launcher.core.views import PodEvent, PodView, Presence, Seen, age_seconds
from launcher.errors import Cancelled, Conflict, LauncherError, NotFound, Unavailable
from launcher.handle import JobHandle, Keep
from launcher.leftovers import INSTALL_MAY_LAST, JobReport, reap, sweep
from launcher.removal import World, remove

__all__ = ["JobReport", "Service"]

_LOG = logging.getLogger(__name__)

Render = Callable[[JobSpec], Mapping[str, Any]]


@dataclass(frozen=True)
class Service:
    """The use cases over the ports.

    Attributes:
        world: the ports.
        policy: the site's patience; a job's own pending_timeout replaces the one in it.
    """

    world: World
    policy: WaitPolicy = field(default_factory=WaitPolicy)

    def launch(
        self,
        spec: JobSpec,
        render: Render,
        *,
        secret: Mapping[str, bytes] | None = None,
        cancel: threading.Event | None = None,
        keep: Keep | None = None,
    ) -> JobHandle:
        """Install the job's release and return its handle as soon as Helm has accepted the manifests.

        Args:
            spec: the job.
            render: computes the chart values of a spec; called after the attempt number is known.
            secret: content of the per-job Secret, environment name -> value; None or empty = no Secret.
            cancel: set by another thread to stop the install; nothing is left then.
            keep: looks at the job if it fails, before anything of it is removed.

        Raises:
            Conflict: the job is already running, or its release is being installed by another process.
            Cancelled: ``cancel`` was set.
            LauncherError: whatever Helm or the cluster objects to; nothing is left.
        """
        launched = self.world.clock.monotonic()
        spec = self._make_room(spec)
        job = ref_of_spec(spec)
        values = render(spec)
        labels = values["labels"]
        try:
            if secret:
                self._put_secret(job, secret, labels)
            self._install(job, values, labels, cancel)
        except BaseException:
            if secret:
                self._undo_secret(job)
            raise
        job = self._settle(job, cancel, owns_secret=bool(secret))
        _LOG.info("release=%s pod=%s launched", job.release, job.pod_name)
        policy = replace(self.policy, pending_timeout=spec.pending_timeout)
        return JobHandle(job, self.world, policy, launched=launched, keep=keep)

    def attach(self, release: str, namespace: str, *, keep: Keep | None = None) -> JobHandle:
        """Return a handle of a job that was launched elsewhere; its clocks start now.

        Args:
            release: name of the release.
            namespace: where it lives.
            keep: looks at the job if it fails, before anything of it is removed.

        Raises:
            NotFound: there is no such release.
        """
        report = self.inspect(release, namespace)
        pod = report.track.pod
        text = pod.annotations.get(names.ANNOTATION_PENDING_TIMEOUT) if pod else None
        policy = replace(
            self.policy, pending_timeout=pending_timeout_from_text(text, self.policy.pending_timeout)
        )
        return JobHandle(report.job, self.world, policy, launched=self.world.clock.monotonic(), keep=keep)

    def inspect(self, release: str, namespace: str) -> JobReport:
        """Return everything known about one job after one look.

        Raises:
            NotFound: there is neither a release nor a pod of that name.
            Unavailable: the cluster could not be asked.
        """
        pod = next((p for p in self.world.pods.list(namespace) if ref_of_pod(p).release == release), None)
        seen = self.world.releases.status(release, namespace)
        if seen.presence is Presence.UNAVAILABLE:
            raise Unavailable(f"cannot ask Helm about release {namespace}/{release}: {seen.why}")
        if seen.presence is Presence.ABSENT and pod is None:
            raise NotFound(
                f"there is no job release {release!r} in namespace {namespace!r}",
                cure=f"`fljob list -n {namespace}` shows what there is",
            )
        job = ref_of_pod(pod) if pod else ref_of_release(release, namespace, seen.value)
        return JobReport(job, seen.value, self.look(pod))

    def jobs(self, namespace: str) -> tuple[JobReport, ...]:
        """Return all jobs of a namespace: two questions, however many jobs there are."""
        # Releases first: the pod of a release that is deployed now is there when the pods are listed.
        releases = {view.name: view for view in self.world.releases.list(namespace)}
        pods = {ref_of_pod(pod).release: pod for pod in self.world.pods.list(namespace)}
        reports = []
        for name in sorted({*pods, *releases}):
            pod, view = pods.get(name), releases.get(name)
            job = ref_of_pod(pod) if pod else ref_of_release(name, namespace, view)
            reports.append(JobReport(job, view, self.look(pod, ask_events=False)))
        return tuple(reports)

    def terminate(self, release: str, namespace: str) -> JobReport:
        """Take a job away, whatever state it is in, and return what was known about it before.

        Raises:
            NotFound: there is no such job.
        """
        report = self.inspect(release, namespace)
        handle = JobHandle(report.job, self.world, self.policy, launched=self.world.clock.monotonic())
        handle.terminate()
        return report

    def sweep(self, namespace: str, older_than: float, *, dry_run: bool = False) -> tuple[str, ...]:
        """Remove what ended jobs left: their releases, and per-job Secrets without pod and release.

        Args:
            namespace: where to look.
            older_than: age of a release, in seconds, from which it may go.
            dry_run: only say what would go.

        Returns:
            Names of what was removed.
        """
        # Secrets first, and only old ones: a launch makes the Secret before there is a release or a pod.
        secrets = self.world.secrets.list(namespace)
        return sweep(self.world, namespace, self.jobs(namespace), secrets, older_than, dry_run=dry_run)

    def reap(self, namespace: str, site: str, is_ours: Callable[[str], bool]) -> tuple[str, ...]:
        """Terminate the jobs of a site that nobody watches any more, whatever state they are in.

        Args:
            namespace: where to look.
            site: whose jobs.
            is_ours: tells for the name of a release whether somebody watches it.

        Returns:
            Names of the releases that were removed.
        """
        return reap(
            self.world, [found.job for found in self.jobs(namespace) if found.job.site == site], is_ours
        )

    def look(self, pod: PodView | None, *, ask_events: bool = True) -> Track:
        """Return the track after one look at a pod; one that is not there (None) has been gone for good."""
        now, wall = self.world.clock.monotonic(), self.world.clock.now()
        track = Track(launched=now)
        if pod is None:
            absent = Observation(now, wall, Seen.absent())
            long_ago = replace(track, absent_since=float("-inf"))
            return step(long_ago, absent, self.policy)
        text = pod.annotations.get(names.ANNOTATION_PENDING_TIMEOUT)
        timeout = pending_timeout_from_text(text, self.policy.pending_timeout)
        # One look must not condemn: with every clock at zero only what is permanent may fail.
        policy = replace(self.policy, pending_timeout=timeout or None)
        return step(track, Observation(now, wall, Seen.found(pod), self._events(pod, ask=ask_events)), policy)

    def _events(self, pod: PodView, *, ask: bool) -> Seen[tuple[PodEvent, ...]]:
        if not ask or not needs_events(pod):
            return Seen.found(())
        try:
            return Seen.found(self.world.pods.events(pod.namespace, pod.uid))
        except LauncherError:
            return Seen.found(())

    def _make_room(self, spec: JobSpec) -> JobSpec:
        """Refuse a live job, clean up what a dead one left, and return the spec of the next attempt."""
        seen = self.world.pods.get(spec.pod_name, spec.namespace)
        if seen.presence is Presence.UNAVAILABLE:
            raise Unavailable(f"cannot see whether job {spec.job_id} is already running: {seen.why}")
        if seen.presence is Presence.ABSENT or seen.value is None:
            return spec
        pod = seen.value
        if ended(pod) is None and pod.deleted is None:
            raise Conflict(
                f"job {spec.job_id} is already running at site {spec.site!r}: release {spec.release}, "
                f"pod {spec.namespace}/{spec.pod_name}, phase {pod.phase}",
                cure=f"wait for it, or run `fljob terminate {spec.release} -n {spec.namespace}` first",
            )
        left = ref_of_pod(pod)
        _LOG.info(
            "release=%s pod=%s removing what attempt %d left", spec.release, spec.pod_name, left.attempt
        )
        remove(self.world, replace(ref_of_spec(spec), uid=pod.uid))
        return replace(spec, attempt=left.attempt + 1)

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
            self.world.releases.install(job.release, job.namespace, values, labels, cancel)

    def _remove_dead_release(self, job: JobRef) -> None:
        """Remove a release that has no pod, unless another process may be installing it right now."""
        seen = self.world.releases.status(job.release, job.namespace)
        if seen.presence is Presence.UNAVAILABLE:
            raise Unavailable(f"cannot ask Helm about release {job.release}: {seen.why}")
        view = seen.value
        if view is not None and view.is_pending:
            age = age_seconds(view.updated, self.world.clock.now())
            if age < INSTALL_MAY_LAST:
                raise Conflict(
                    f"release {job.namespace}/{job.release} is being installed by another process "
                    f"({age:.0f} s ago)",
                    cure=f"wait a minute, or run `fljob terminate {job.release} -n {job.namespace}` first",
                )
        remove(self.world, job)

    def _settle(self, job: JobRef, cancel: threading.Event | None, *, owns_secret: bool) -> JobRef:
        """Do what follows an accepted install; whatever ends it early takes the release back."""
        try:
            if owns_secret:
                job = self._give_secret_to_pod(job)
            if cancel is not None and cancel.is_set():
                raise Cancelled(f"release {job.namespace}/{job.release}: cancelled")  # noqa: TRY301
        except BaseException:
            remove(self.world, job)
            raise
        return job

    def _give_secret_to_pod(self, job: JobRef) -> JobRef:
        """Make the pod own its Secret, a second road by which it goes; failing here is not fatal."""
        seen = self.world.pods.get(job.pod_name, job.namespace)
        if seen.value is None:
            _LOG.warning("release=%s pod=%s not seen, its Secret has no owner", job.release, job.pod_name)
            return job
        try:
            self.world.secrets.own(job.credential_secret, job.namespace, seen.value)
        except LauncherError as error:
            _LOG.warning(
                "release=%s pod=%s cannot own its Secret: %s", job.release, job.pod_name, error.message
            )
        return replace(job, uid=seen.value.uid)

    def _put_secret(self, job: JobRef, secret: Mapping[str, bytes], labels: Mapping[str, str]) -> None:
        try:
            self.world.secrets.put(job.credential_secret, job.namespace, secret, labels)
        except LauncherError as error:
            error.step = "secret"  # FLARE tells a job that could not be prepared from a pod that was refused
            raise

    def _undo_secret(self, job: JobRef) -> None:
        try:
            self.world.secrets.delete(job.credential_secret, job.namespace)
        except LauncherError as error:
            _LOG.error("secret %s left behind: %s", job.credential_secret, error)
