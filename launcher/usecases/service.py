"""The use cases: launch a job, find it again, list all, take one away. With undo on every failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from launcher.core.jobref import JobRef, no_release, ref_of_pod, ref_of_release
from launcher.core.lifecycle.state import JobReport, JobState, Track
from launcher.core.ownership import Owner, assign, locate, unclaimed
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.pending.refusal import refusal_of
from launcher.core.report import status
from launcher.core.report.bundle import Bundle
from launcher.core.spec.jobspec import JobSpec, ref_of_spec
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import PodEvent, PodView, Presence, Seen
from launcher.errors import LauncherError, Unavailable
from launcher.logs import logger
from launcher.usecases.diagnose import TAIL, diagnose
from launcher.usecases.handle import JobHandle, OnFailure
from launcher.usecases.launch import Launch, Prepare, Render, no_op
from launcher.usecases.observe import follow_events, follow_start, job_policy, observe_once
from launcher.usecases.ports import World
from launcher.usecases.remove import removable, settle
from launcher.usecases.retry import Installer, Turns
from launcher.usecases.sweep import ReportLost, ignore_report, reap, sweep

__all__ = ["JobReport", "Service"]

_LOG = logger(__name__)


@dataclass(frozen=True)
class Service:
    """The use cases over the ports.

    Attributes:
        world: the ports.
        policy: the site's patience; a job's own pending_timeout replaces the one in it.
        render: computes the chart values of a job from its spec, once the attempt number is known.
    """

    world: World
    policy: WaitPolicy
    render: Render
    _turns: dict[str, Turns] = field(default_factory=dict, repr=False, compare=False)

    def launch(
        self,
        spec: JobSpec,
        *,
        secret: Mapping[str, bytes] | None = None,
        cancel: threading.Event | None = None,
        on_failure: OnFailure | None = None,
        prepare: Prepare = no_op,
        retry_refused: bool = False,
    ) -> JobHandle:
        """Install the job's release and return its handle as soon as Helm has accepted the manifests.

        Args:
            spec: the job.
            secret: content of the per-job Secret, environment name -> value; None or empty = no Secret.
            cancel: set by another thread to stop the install; nothing is left then.
            on_failure: called once if the job fails, before anything of it is removed.
            prepare: makes the Secret of the startup kit, which jobs of the site share, and returns its name;
                raises a LauncherError.
            retry_refused: return a handle also when the job was refused for a cause that heals (an exhausted
                quota, an API server that restarts), and retry in the background while the cause's clock runs.

        Raises:
            Conflict: the job is already running, or its release is being installed by another process.
            Cancelled: ``cancel`` was set.
            NotPrepared: a Secret of the job could not be made.
            LeftBehind: the launch failed, and what it had made could not be removed.
            LauncherError: whatever else Helm or the cluster objects to; nothing is left.
        """
        launched = self.world.clock.monotonic()
        policy = replace(self.policy, pending_timeout=spec.pending_timeout)
        launch = Launch(self.world, spec, self.render, secret or {}, prepare)
        job, installer = self._launch(launch, cancel, retry_refused=retry_refused)
        return JobHandle(
            job, self.world, policy, launched=launched, on_failure=on_failure, installer=installer
        )

    def _launch(
        self, launch: Launch, cancel: threading.Event | None, *, retry_refused: bool
    ) -> tuple[JobRef, Installer | None]:
        """Make the job, or leave it to an installer when the refusal may heal and the caller can wait."""
        job = ref_of_spec(launch.spec)
        try:
            made = launch.attempt(cancel)
        except LauncherError as error:
            refusal = refusal_of(error)
            stopped = cancel is not None and cancel.is_set()
            can_retry = refusal.may_heal and self.policy.mode is not PendingPolicy.STRICT
            if not retry_refused or stopped or not can_retry:
                raise
            _LOG.warning("release=%s refused, trying again: %s", job.release, error.message)
            turns = self._turns.setdefault(job.namespace, Turns(self.world.clock))
            return job, Installer(job, launch.attempt, refusal, turns, left=lambda: launch.left)
        if job.namespace in self._turns:
            self._turns[job.namespace].retry_now()
        _LOG.info("release=%s pod=%s launched", made.release, made.pod_name)
        return made, None

    def attach(self, release: str, namespace: str, *, on_failure: OnFailure | None = None) -> JobHandle:
        """Return a handle of a job that was launched elsewhere; its clocks start now.

        Args:
            release: name of the release.
            namespace: where it lives.
            on_failure: called once if the job fails, before anything of it is removed.

        Raises:
            NotFound: there is no such release.
            Conflict: it is not ours.
        """
        found = self.inspect(release, namespace)
        job = removable(found.job, found.ownership)
        policy = job_policy(self.policy, found.track.pod)
        return JobHandle(
            job, self.world, policy, launched=self.world.clock.monotonic(), on_failure=on_failure
        )

    def inspect(self, release: str, namespace: str) -> JobReport:
        """Return everything known about one job after one observation.

        Raises:
            NotFound: there is neither a release nor a pod of that name.
            Unavailable: the cluster could not be asked.
        """
        pods = self.world.pods.list(namespace)
        seen = self.world.releases.record(release, namespace)
        if seen.presence is Presence.UNAVAILABLE:
            raise Unavailable(f"cannot ask Helm about release {namespace}/{release}: {seen.why}")
        found = locate(release, namespace, seen.value, pods)
        if seen.presence is Presence.ABSENT and found.pod is None:
            raise no_release(release, namespace)
        if found.ownership.owner is Owner.FOREIGN_RELEASE:
            track = Track(launched=self.world.clock.monotonic(), state=JobState.UNKNOWN)
        else:
            track = observe_once(self.world, self.policy, found.pod)
        return JobReport(found.job, seen.value, track, found.ownership)

    def follow_start(self, found: JobReport) -> Iterator[JobReport]:
        """Yield what is known about a job until its container runs or has run, or it has ended without.

        The clocks are those of this process, as for a handle; unlike one, this removes nothing.

        Args:
            found: the job as :meth:`inspect` returned it.
        """
        return follow_start(self.world, self.policy, found)

    def follow_events(self, job: JobRef) -> Iterator[Seen[tuple[PodEvent, ...]]]:
        """Yield the events of a job's pod that are new or have a higher count, until the pod has ended.

        Args:
            job: its names; without a uid the first pod of the name is the job's.

        Yields:
            FOUND with at least one event, or UNAVAILABLE with the reason, once in a row: asking goes on.
        """
        return follow_events(self.world, job)

    def diagnose(
        self, release: str, namespace: str, *, tail: int = TAIL, known: Iterable[str] = ()
    ) -> Bundle:
        """Return everything that tells why a job is where it is, in whatever state release and pod are.

        Args:
            release: name of the release.
            namespace: where it lives.
            tail: last lines of each log.
            known: credentials that must not appear.

        Raises:
            NotFound: there is certainly neither a release nor a pod.
        """
        observed = partial(observe_once, self.world, self.policy)
        return diagnose(self.world, release, namespace, observed, tail=tail, known=known)

    def describe(self, found: JobReport) -> dict[str, Any]:
        """Return what is known about a job as JSON, as ``fljob status -o json`` prints it."""
        clock = self.world.clock
        return status.report(
            found.job,
            found.release,
            found.track,
            now=clock.monotonic(),
            wall=clock.now(),
            ownership=found.ownership,
        )

    def jobs(self, namespace: str) -> tuple[JobReport, ...]:
        """Return all jobs of a namespace: two questions, and one about nodes, however many jobs there are.

        Pods that claim a release which does not confirm it have rows of their own, without its name.
        """
        # Releases first: the pod of a release that is deployed now is there when the pods are listed.
        releases = {view.name: view for view in self.world.releases.list(namespace)}
        assigned = assign(releases, self.world.pods.list(namespace))
        own, others = settle(self.world, namespace, assigned)
        reports = []
        for name in sorted(releases):
            pod, view = own.get(name), releases[name]
            job = ref_of_pod(pod) if pod else ref_of_release(name, namespace, view)
            reports.append(JobReport(job, view, self._glance(pod)))
        for pod in sorted(others, key=lambda pod: pod.name):
            ownership, job = unclaimed(pod, releases), ref_of_pod(pod)
            # What it claims is not its own: under that name stands the job whose release it is.
            job = replace(job, release="") if ownership.is_foreign else job
            reports.append(JobReport(job, None, self._glance(pod), ownership))
        return tuple(reports)

    def _glance(self, pod: PodView | None) -> Track:
        return observe_once(self.world, self.policy, pod, ask_events=False)

    def terminate(self, release: str, namespace: str) -> JobReport:
        """Take a job away, whatever state it is in, and return what was known about it before.

        Raises:
            NotFound: there is no such job.
            Conflict: it is not ours; nothing was touched.
        """
        found = self.inspect(release, namespace)
        job = removable(found.job, found.ownership)
        handle = JobHandle(job, self.world, self.policy, launched=self.world.clock.monotonic())
        handle.terminate()
        return found

    def sweep(self, namespace: str, older_than: float, *, dry_run: bool = False) -> Iterator[str]:
        """Remove what ended jobs left, lazily: releases, and Secrets that belong to no job.

        Args:
            namespace: of the jobs.
            older_than: age of a release, in seconds, from which it may go.
            dry_run: only say what would go.

        Yields:
            The name of each thing when it is gone; the next one is removed when it is asked for.

        Raises:
            LauncherError: while listing nothing was done; later all that could be removed is gone.
        """
        # Secrets first, and only old ones: a launch makes the Secret before there is a release or a pod.
        secrets = self.world.secrets.list(namespace)
        return sweep(self.world, namespace, self.jobs(namespace), secrets, older_than, dry_run=dry_run)

    def reap(
        self,
        namespace: str,
        site: str,
        federation: str,
        is_ours: Callable[[str], bool],
        report: ReportLost = ignore_report,
    ) -> Iterator[str]:
        """Terminate the jobs of a site that nobody watches any more, in any state, lazily.

        Args:
            namespace: of the jobs.
            site: whose jobs.
            federation: of which federation; jobs launched by hand belong to none.
            is_ours: returns for the name of a release or a per-job Secret whether somebody watches it.
            report: called for each of these jobs, before it is removed.

        Yields:
            The name of each thing when it is gone; the next one is removed when it is asked for.

        Raises:
            LauncherError: as :meth:`sweep`.
        """
        # Secrets first: the release of one that is listed now is there when the releases are listed.
        secrets = self.world.secrets.list(namespace)
        jobs = self.jobs(namespace)
        return reap(
            self.world, namespace, site, federation, jobs, secrets=secrets, is_ours=is_ours, report=report
        )
