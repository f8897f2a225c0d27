"""What a new parent does with each job of its predecessor: take it over, or say why not.

Whatever goes wrong here is logged, and the job goes the way of every job that nobody watches: it is removed
and reported (:mod:`launcher.flare.orphans`). Nothing here raises into FLARE.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nvflare.apis.fl_context import FLContext

from launcher.core.flare.refused_note import RefusedNote
from launcher.core.flare.submitter import Submitter
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.adoption import (
    Heritage,
    is_cut_short,
    is_told,
    is_unmade,
    is_waiting,
    why_not,
    why_not_refused,
)
from launcher.core.lifecycle.state import JobReport
from launcher.core.redaction import cautious
from launcher.core.spec.jobspec import Role, ref_of_spec
from launcher.core.views import SecretView
from launcher.errors import NotFound, Unavailable
from launcher.flare import wiring
from launcher.flare.adoption.transfers import Transfers
from launcher.flare.context import TRANSFER_TOKEN, noted
from launcher.flare.diagnosis import failure_writer
from launcher.flare.handle import FlareJobHandle
from launcher.flare.refused import Found, RefusedJobs
from launcher.flare.reports import Reports
from launcher.logs import logger
from launcher.usecases.heir import Heir

if TYPE_CHECKING:
    from launcher.usecases.keeping import Journal
    from launcher.usecases.service import Service

__all__ = ["Adoption", "Parent"]

_LOG = logger(__name__)
_OFF = "`adopt` is false in the site's configuration"


@dataclass(frozen=True)
class Parent:
    """What of the launcher an adoption needs.

    Attributes:
        role: of the parent.
        workspace: root of its workspace.
        exclude: keeps a release and a Secret from being removed as a predecessor's.
        look: looks, from now on, at what is kept of a site: the use cases, namespace, site and federation.
        startup_dir: folder of the startup kit.
        settings: arguments of the launcher.
        refused: the jobs without a release.
        install: installs a launch: the use cases, the launch, its credentials, its note and whether this
            parent is the first, and what ends its workspace transfer.
        reports: who hears of jobs.
    """

    role: Role
    workspace: str
    exclude: Callable[..., None]
    look: Callable[[Service, str, str, str], None]
    startup_dir: str
    settings: Mapping[str, Any]
    refused: RefusedJobs
    install: Callable[
        [Service, wiring.Launch, Mapping[str, str], Journal, Callable[[], None]], FlareJobHandle
    ]
    reports: Reports


class Adoption(ABC):
    """The part that both parents have.

    Args:
        parent: the launcher's part.
        transfers: FLARE's workspace transfers, which wait for :meth:`seen`.
    """

    def __init__(self, parent: Parent, transfers: Transfers) -> None:
        self.parent = parent
        self.transfers = transfers
        self.is_on = False
        self.reason = "there is no release of it"
        self.service: Service
        self._told: set[str] = set()

    def bound(self, service: Service) -> Heir:
        """Return the one who takes jobs over with these use cases."""
        self.service = service
        return self

    def take(self, found: JobReport, secret: SecretView | None) -> bool:
        """Take a job over; False, with the reason in the log, when it has to go.

        Raises:
            Unavailable: the cluster could not be asked; nothing was done.
        """
        job = found.job
        is_nothing_new = is_told(found, secret) and job.job_id not in self.jobs
        if job.release in self._told or is_nothing_new:
            return False
        noted = self.parent.refused.of(job.credential_secret)
        if noted and secret and is_unmade(found, self.service.world.clock.now()):
            # Its parent was killed while it tried: helm's record is there, and what it tells of is not.
            return self.take_secret(job.credential_secret, secret)
        try:
            why = self._why_not(found, secret) or self._enter(
                job.job_id, partial(self._restored, job), is_started=not is_waiting(found)
            )
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - FLARE's tables, on our way to what was done before there was this
            why = f"{type(error).__name__}: {error}"
        if not why:
            self.parent.exclude(job.release, job.credential_secret)
            self.parent.refused.heard(job.job_id)
            _LOG.info("job %s taken over: release=%s pod=%s", job.job_id, job.release, job.pod_name)
        else:
            self._told.add(job.release)
            if noted:
                self.parent.refused.decline(noted, why)
            else:
                _LOG.warning("job %s not taken over: release=%s: %s", job.job_id, job.release, why)
        return not why

    def take_secret(self, name: str, secret: SecretView) -> bool:
        """Go on with a job whose creation was refused; False, with the reason in the log, when it has to go.

        Raises:
            Unavailable: the cluster could not be asked; nothing was done.
        """
        found = self.parent.refused.of(name)
        if found is None:
            return False
        try:
            why = found.why if self.is_on else _OFF
            why = why or self._resume(found, secret)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - as for a job with a release
            why = f"{type(error).__name__}: {error}"
        if why:
            self.parent.refused.decline(found, why)
        return not why

    def _resume(self, found: Found, secret: SecretView) -> str:
        note = found.note
        assert note is not None  # noqa: S101 - else it says why; tells the type checker
        parent = self.parent
        job = noted(note, parent.workspace, parent.startup_dir, self.transfers.cell)
        launch = wiring.checked(job, note.meta, parent.settings, parent.role)
        named = replace(ref_of_spec(launch.spec), role=note.role)
        why = why_not_refused(named, secret, parent.role.value) or self._enter(
            note.job_id, partial(self._resumed, launch, note), is_started=False
        )
        if not why:
            parent.exclude(named.release, named.credential_secret)
            words = "job %s taken over: release=%s has no pod yet, its creation is tried again: %s"
            _LOG.info(words, note.job_id, named.release, note.detail)
        return why

    def _resumed(self, launch: wiring.Launch, note: RefusedNote) -> FlareJobHandle:
        """Return the handle of a launch that goes on with what an earlier parent has noted.

        Raises:
            LauncherError: the cluster did not answer, or with something else.
        """
        job, refused = launch.job, self.parent.refused
        given, token = self._credentials(ref_of_spec(launch.spec))
        lost = [name for name in note.variables if name not in given]
        if lost:
            raise NotFound(f"the Secret with its credentials has no {', '.join(lost)}")
        own = {**{name: given[name] for name in note.variables}, TRANSFER_TOKEN: token}
        journal = refused.journal(note, self.service.world, cautious(own.values()), is_new=False)
        self.transfers.restore(job.job_id, job.workspace, token)
        end_transfer = partial(self.transfers.remove_job, job.job_id)
        try:
            return self.parent.install(self.service, launch, own, journal, end_transfer)
        except BaseException:
            end_transfer()
            raise

    def _why_not(self, found: JobReport, secret: SecretView | None) -> str:
        if not self.is_on:
            return _OFF
        world, job = self.service.world, found.job
        now = world.clock.now()
        is_whole = is_cut_short(found, now) and world.releases.is_whole(job.release, job.namespace)
        return why_not(Heritage(found, secret, self.parent.role.value, now, is_whole))

    def seen(self, *, all_of_them: bool) -> Collection[str]:
        """Let requests of unknown jobs wait no longer, once all jobs were looked at."""
        if all_of_them:
            self.transfers.settled.set()
        return self.parent.refused.seen(all_of_them=all_of_them)

    def again(self) -> None:
        """Learn that this parent acts once more: what the one between has launched is offered now."""
        self._told.clear()
        self.parent.refused.again()

    @property
    def jobs(self) -> Collection[str]:
        """The jobs of a server's store that are not to be ended."""
        return ()

    def switch(self, *, on: bool) -> None:
        """Learn whether the site wants it."""
        self.is_on = on
        if not on:
            self.abandon(_OFF)

    def abandon(self, why: str) -> None:
        """Learn that the cluster will not be asked, and why: what waits for its answer waits no longer."""
        self.reason = why
        self.transfers.settled.set()

    def begin(self) -> None:  # noqa: B027 - a server has nothing to do then
        """Learn that the parent is registered."""

    def follow(self, event_type: str, fl_ctx: FLContext) -> None:
        """Follow what FLARE does with jobs; never raises."""
        try:
            self._follow(event_type, fl_ctx)
        except Exception as error:  # noqa: BLE001 - on threads of FLARE, some of which would end
            _LOG.warning("event %s is not followed: %s: %s", event_type, type(error).__name__, error)

    def _follow(self, event_type: str, fl_ctx: FLContext) -> None:  # noqa: B027 - a client has nothing to do
        """Do what belongs to an event."""

    @abstractmethod
    def _enter(self, job_id: str, made: Callable[[], FlareJobHandle], *, is_started: bool) -> str:
        """Enter a job, whose way is free, with the handle that ``made`` returns; return why not, or "".

        Raises whatever it meets.
        """

    def _restored(self, job: JobRef) -> FlareJobHandle:
        """Return a handle of a running job whose process may fetch and deliver its files again.

        Raises:
            LauncherError: the cluster did not answer, or with something else.
        """
        world = self.service.world
        credentials, token = self._credentials(job)
        known = tuple(credentials.values())
        history = self.parent.reports.history
        submitter = history.named(self._submitter(job.job_id))
        on_failure = failure_writer(world, self.parent.workspace, job, known, submitter)
        handle = self.service.attach(job.release, job.namespace, on_failure=on_failure)
        self.transfers.restore(job.job_id, self.parent.workspace, token)
        end_transfer = partial(self.transfers.remove_job, job.job_id)
        kept = partial(self.parent.look, self.service, job.namespace, job.site, job.federation)
        self.parent.reports.teller.follow(job.job_id, handle, world, cautious(known))
        ended = partial(history.ended, submitter=submitter)
        return FlareJobHandle(handle, world, end_transfer, cautious(known), kept, on_ended=ended)

    def _submitter(self, job_id: str) -> Submitter:
        """Return who submitted a running job, as this site's parent has noted it at the launch.

        The server does not say it again, and the job itself may have replaced the ``meta.json`` of its run
        folder with its results.
        """
        return self.parent.reports.history.submitter(job_id)

    def _credentials(self, job: JobRef) -> tuple[Mapping[str, str], str]:
        """Return what a job's Secret holds, and the token of its workspace transfer, which is part of it."""
        secrets = self.service.world.secrets
        credentials = secrets.credentials(job.credential_secret, job.namespace)
        token = credentials.get(TRANSFER_TOKEN)
        if not token:
            raise NotFound(f"secret {job.namespace}/{job.credential_secret} has no {TRANSFER_TOKEN}")
        return credentials, token
