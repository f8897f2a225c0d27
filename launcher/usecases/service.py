"""The use cases: launch a job, find it again, list all, take one away. With undo on every failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from launcher.core.catalogue import Code
from launcher.core.drift import Drift
from launcher.core.grace import check_grace
from launcher.core.lifecycle.ledger_note import LedgerNote
from launcher.core.lifecycle.state import JobReport
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.report import status
from launcher.core.report.bundle import Bundle
from launcher.core.retention import kept_from_text
from launcher.core.spec.jobspec import JobSpec
from launcher.core.views import PodEvent, Seen
from launcher.errors import NotFound
from launcher.logs import logger
from launcher.usecases.attaching import attached
from launcher.usecases.diagnose import TAIL, diagnose
from launcher.usecases.everywhere import namespaces
from launcher.usecases.follow import follow_events, follow_start
from launcher.usecases.handle import JobHandle, OnFailure
from launcher.usecases.heir import NOBODY, Heir
from launcher.usecases.join import refuse_another
from launcher.usecases.keeping import Journal, age_of
from launcher.usecases.launch import Launch, Prepare, Render
from launcher.usecases.listing import find, inspect, jobs, known
from launcher.usecases.live import Round, follow_jobs
from launcher.usecases.observe import observe_once
from launcher.usecases.ports import World, no_op
from launcher.usecases.reserve import Held
from launcher.usecases.retry import Turns, begin
from launcher.usecases.sweep import ReportLost, ignore_report, reap, sweep
from launcher.usecases.whose import removable

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
        retry_refused: bool | Collection[Code] = False,
        journal: Journal | None = None,
    ) -> JobHandle:
        """Install the job's release and return its handle as soon as Helm has accepted the manifests.

        Args:
            spec: the job.
            secret: content of the per-job Secret, environment name -> value; None or empty = no Secret.
            cancel: set by another thread to stop the install; nothing is left then.
            on_failure: called once if the job fails, before anything of it is removed.
            prepare: makes the Secret of the startup kit, and returns its name; raises a LauncherError.
            retry_refused: return a handle also when the job was refused for a cause that heals (an exhausted
                quota, an API server that restarts), and retry in the background while the cause's clock runs;
                with codes: only if it was refused for one of these.
            journal: notes a refused job, whose Secret stays, for the next process; what it has is tried.

        Raises:
            Conflict: the job is already running, or its release is being installed by another process.
            Cancelled: ``cancel`` was set.
            NotPrepared: a Secret of the job could not be made.
            LeftBehind: the launch failed, and what it had made could not be removed.
            LauncherError: whatever else Helm or the cluster objects to; nothing is left.
        """
        launched = self.world.clock.monotonic() - age_of(journal)
        policy = replace(self.policy, pending_timeout=spec.pending_timeout)
        launch = Launch(self.world, spec, self.render, secret or {}, prepare)
        turns = self._turns.setdefault(spec.namespace, Turns(self.world.clock))
        job, installer = begin(launch, cancel, turns, self.policy.mode, retry_refused, journal=journal)
        more: dict[str, Any] = {"kept": kept_from_text(spec.retention), "is_launched": True}
        more |= {"on_failure": on_failure, "installer": installer}
        return JobHandle(job, self.world, policy, launched=launched, **more)

    def launch_or_attach(
        self, spec: JobSpec, *, on_failure: OnFailure | None = None, **given: Any
    ) -> tuple[JobHandle, bool]:
        """Launch a job, or join it when the same job lives; return its handle, and whether it was joined.

        What a per-job Secret holds is not compared: nobody can read the one that is there.

        Args:
            spec: the job.
            on_failure: as for :meth:`launch`.
            given: the other arguments of :meth:`launch`.

        Raises:
            Conflict: another job lives under this id; the key paths in which it differs are named.
            LauncherError: as :meth:`launch`.
        """
        while True:
            try:
                return self.launch(spec, on_failure=on_failure, **given), False
            except Held:
                try:
                    refuse_another(self.world, spec, self.render(spec))
                    return self.attach(spec.release, spec.namespace, on_failure=on_failure), True
                except NotFound:
                    _LOG.info("release=%s is gone meanwhile, launching it", spec.release)

    def attach(self, release: str, namespace: str, *, on_failure: OnFailure | None = None) -> JobHandle:
        """Return a handle of a job that was launched elsewhere; see :func:`attached`.

        Args:
            release: name of the release.
            namespace: where it lives.
            on_failure: called once if the job fails, before anything of it is removed.

        Raises:
            NotFound: there is no such release.
            Conflict: it is not ours.
        """
        return attached(self.world, self.policy, self.inspect(release, namespace), on_failure)

    def known_names(self, namespace: str) -> Mapping[str, str]:
        """Return the jobs of a namespace that a name may mean: release -> job id, empty where not known."""
        return known(self.world, namespace)

    def find(self, name: str, namespace: str) -> str:
        """Return the release that a name, a job id or the beginning of one means; what fits none as it is.

        Raises:
            InvalidInput: it fits several.
            Conflict: the release that a pod's job id leads to is that of another job.
        """
        return find(self.world, name, namespace)

    def inspect(self, release: str, namespace: str) -> JobReport:
        """Return everything known about one job after one observation.

        Raises:
            NotFound: there is neither a release nor a pod of that name.
            Unavailable: the cluster could not be asked.
        """
        return inspect(self.world, self.policy, release, namespace)

    def follow_start(self, found: JobReport) -> Iterator[JobReport]:
        """Yield what is known about a job until its container runs or has run, or it has ended without.

        The clocks are those of this process, as for a handle; unlike one, this removes nothing.

        Args:
            found: the job as :meth:`inspect` returned it.

        Raises:
            Conflict: it is not ours.
        """
        removable(found.job, found.ownership)
        return follow_start(self.world, self.policy, found)

    def follow_events(self, found: JobReport) -> Iterator[Seen[tuple[PodEvent, ...]]]:
        """Yield the events of a job's pod that are new or have a higher count, until the pod has ended.

        Args:
            found: the job as :meth:`inspect` returned it.

        Yields:
            FOUND with at least one event, or UNAVAILABLE with the reason, once in a row: asking goes on.

        Raises:
            Conflict: it is not ours.
        """
        removable(found.job, found.ownership)
        return follow_events(self.world, found.job)

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

    def describe(
        self, found: JobReport, drift: Drift | None = None, note: LedgerNote | None = None
    ) -> dict[str, Any]:
        """Return what is known about a job as JSON, as ``fljob status -o json`` prints it."""
        now, wall = self.world.clock.monotonic(), self.world.clock.now()
        known = (found.job, found.release, found.track)
        return status.report(*known, now=now, wall=wall, ownership=found.ownership, drift=drift, note=note)

    def jobs(self, namespace: str) -> tuple[JobReport, ...]:
        """Return all jobs of a namespace, empty = of all; see :func:`launcher.usecases.listing.jobs`."""
        return jobs(self.world, self.policy, namespace)

    def follow_jobs(self, namespace: str) -> Iterator[Round]:
        """Yield all jobs of a namespace, empty = of all; see :func:`launcher.usecases.live.follow_jobs`."""
        return follow_jobs(self.world, self.policy, namespace)

    def namespaces(self) -> tuple[str, ...]:
        """Return the namespaces in which there may be something of jobs."""
        return namespaces(self.world)

    def terminate(self, release: str, namespace: str, *, grace: int | None = None) -> JobReport:
        """Take a job away, whatever state it is in, and return what was known about it before.

        Args:
            release: name of the release.
            namespace: where it lives.
            grace: seconds between SIGTERM and SIGKILL, where they are less than the pod's own.

        Raises:
            InvalidInput: ``grace`` is more than the pod's own: nothing can prolong a deletion.
            NotFound: there is no such job.
            Conflict: it is not ours; nothing was touched.
        """
        found = self.inspect(release, namespace)
        job = removable(found.job, found.ownership)
        check_grace(grace, found.track.pod)
        handle = JobHandle(job, self.world, self.policy, launched=self.world.clock.monotonic())
        handle.terminate(grace=grace)
        return found

    def sweep(self, namespace: str, older_than: float, *, dry_run: bool = False) -> Iterator[str]:
        """Remove what ended jobs, and those that wait in vain, left, lazily: releases, and Secrets of no job.

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
        *,
        heir: Heir = NOBODY,
    ) -> Iterator[str]:
        """Terminate the jobs of a site that nobody watches any more, in any state, lazily.

        Args:
            namespace: of the jobs.
            site: whose jobs.
            federation: of which federation; jobs launched by hand belong to none.
            is_ours: returns for the name of a release or a per-job Secret whether somebody watches it.
            report: called for each of these jobs, before it is removed.
            heir: takes some of them over, which stay then.

        Yields:
            The name of each thing when it is gone; the next one is removed when it is asked for.

        Raises:
            LauncherError: as :meth:`sweep`.
        """
        secrets = self.world.secrets.list(namespace)  # before the jobs: a launch makes its Secret first
        removal = partial(reap, self.world, namespace, site, federation, self.jobs(namespace))
        return removal(secrets=secrets, is_ours=is_ours, report=report, heir=heir)
