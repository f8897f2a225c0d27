"""FLARE's launcher component: same arguments and interface as FLARE's own, every job a Helm release."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_constant import FLContextKey, JobConstants
from nvflare.apis.fl_context import FLContext
from nvflare.apis.job_launcher_spec import JobHandleSpec, JobLauncherSpec, add_launcher
from nvflare.app_opt.job_launcher.workspace_cell_transfer import WorkspaceTransferManager

from launcher import composition
from launcher.core import foreign
from launcher.core.names import credential_secret_name
from launcher.core.redaction import by_shape, cautious
from launcher.core.report.refused_launch import refused_code
from launcher.core.spec.asked import UNSET
from launcher.core.spec.jobspec import Role, ref_of_spec
from launcher.core.spec.site import SiteConfig
from launcher.errors import LauncherError, NotPrepared
from launcher.flare import wiring
from launcher.flare.adoption import Adoption, Parent, prepare
from launcher.flare.arguments import settings
from launcher.flare.context import TRANSFER_TOKEN, federation, read_job, startup_kit, to_note
from launcher.flare.diagnosis import failure_writer, write_refused
from launcher.flare.handle import FlareJobHandle, NotStartedHandle
from launcher.flare.kept import KeptJobs
from launcher.flare.orphans import Orphans
from launcher.flare.refused import RefusedJobs
from launcher.flare.reports import Reports
from launcher.flare.server_report import failure_reporter
from launcher.flare.services import Services, refuse_if_stood_down
from launcher.flare.unfinished import end_unfinished
from launcher.logs import logger
from launcher.usecases.startup import put_startup_kit

if TYPE_CHECKING:
    from launcher.usecases.keeping import Journal
    from launcher.usecases.service import Service

__all__ = ["ClientHelmJobLauncher", "HelmJobLauncher", "ServerHelmJobLauncher"]

_LOG = logger(__name__)
# FLARE registers the parent after that: the rest is taken over as soon as the cluster answers.
_ADOPTED_WITHIN = 15.0


class HelmJobLauncher(JobLauncherSpec):  # type: ignore[misc]
    """Base of both launchers. Settings without an argument come from ``fljob/fljob.yaml``.

    The arguments of FLARE's own launcher come first, in its order; every other setting that has a FLARE
    argument in ``docs/configuration.md`` can be given by name.

    Args:
        python_path: old name of ``default_python_path``.
        more: further settings.

    Raises:
        ValueError: an argument breaks its rule.
        TypeError: there is no such argument.
    """

    role: Role

    def __init__(  # noqa: PLR0917 - FLARE's order
        self,
        config_file_path: Any = UNSET,
        study_data_pvc_file_path: Any = UNSET,
        timeout: Any = UNSET,
        namespace: Any = UNSET,
        pending_timeout: Any = UNSET,
        python_path: Any = UNSET,
        security_context: Any = UNSET,
        ephemeral_storage: Any = UNSET,
        default_python_path: Any = UNSET,
        workspace_mount_path: Any = UNSET,
        image_pull_secrets: Any = UNSET,
        study_job_spec_file_path: Any = UNSET,
        **more: Any,
    ) -> None:
        super().__init__()
        self._settings = settings(
            {
                "config_file_path": config_file_path,
                "study_data_pvc_file_path": study_data_pvc_file_path,
                "timeout": timeout,
                "namespace": namespace,
                "pending_timeout": pending_timeout,
                "security_context": security_context,
                "ephemeral_storage": ephemeral_storage,
                "python_path": python_path,
                "default_python_path": default_python_path,
                "workspace_mount_path": workspace_mount_path,
                "image_pull_secrets": image_pull_secrets,
                "study_job_spec_file_path": study_job_spec_file_path,
            }
            | more
        )
        self._services, self._reports = Services(), Reports()
        self._orphans, self._kept, self._refused = Orphans(), KeptJobs(), RefusedJobs()
        self._orphans.heir = lambda _: self._refused
        self._adoption: Adoption | None = None

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Offer this launcher for every job, and prepare for launches when a parent starts.

        SYSTEM_BOOTSTRAP and SYSTEM_START are fired in parents only: job processes construct the launcher,
        too, and must not use it.
        """
        if event_type == EventType.BEFORE_JOB_LAUNCH:
            add_launcher(self, fl_ctx)
        elif event_type == EventType.SYSTEM_BOOTSTRAP:
            self._bootstrap(fl_ctx)
        elif event_type == EventType.SYSTEM_START:
            self._start_up(fl_ctx)
        elif self._adoption is not None:
            self._adoption.follow(event_type, fl_ctx)

    def _bootstrap(self, fl_ctx: FLContext) -> None:
        """Take up or end what an earlier parent left in FLARE's tables; the parent is not registered yet.

        A site waits here for the cluster, for a while: with the first heartbeat FLARE's server must hear
        which jobs run. The server does not wait for anything: a job process that it does not know it tells to
        stop, and what it says before it is set up is not signed.
        """
        self._reports.begin(self.role, fl_ctx)
        adoption = self._adoption = prepare(fl_ctx, self.role, self._parent)
        end_unfinished(fl_ctx, () if adoption is None else adoption.jobs)
        if adoption is None:
            return
        self._orphans.heir = adoption.bound
        if self.role is Role.CLIENT:
            self._prepare_later("fljob-adopt", fl_ctx)
            adoption.transfers.settled.wait(_ADOPTED_WITHIN)

    def _start_up(self, fl_ctx: FLContext) -> None:
        if fl_ctx.get_prop(FLContextKey.WORKSPACE_OBJECT) is None:
            return
        self._orphans.report = failure_reporter(fl_ctx, self._refused.reason, self._refused.heard)
        self._orphans.begin()
        if self._adoption is not None:
            self._adoption.begin()
        self._prepare_later("fljob-ready", fl_ctx)

    def _parent(self, workspace: str, startup: str) -> Parent:
        launching = (startup, self._settings, self._refused, self._installed, self._reports)
        return Parent(self.role, workspace, self._orphans.exclude, self._kept.look, *launching)

    def launch_job(self, job_meta: dict[str, Any], fl_ctx: FLContext) -> JobHandleSpec:
        """Install the job's release and return its handle at once.

        The caller is FLARE's only scheduler thread, or a thread that has to answer within 20 s: waiting for
        the pod to run is left to ``wait()``.

        Raises:
            RuntimeError, ValueError: the job, the site or the context is wrong; nothing is left.
        """
        try:
            return self._launch(self._check(job_meta, fl_ctx), job_meta)
        except (RuntimeError, ValueError) as error:
            # FLARE's client sends the error to the server and logs nothing at the site, which has to mend it.
            _LOG.error("job %s was refused: %s", job_meta.get(JobConstants.JOB_ID), error)
            raise

    def render_job(self, job_meta: dict[str, Any], fl_ctx: FLContext) -> list[dict[str, Any]]:
        """Return the manifests that :meth:`launch_job` would install, without a cluster.

        Raises:
            RuntimeError, ValueError: as :meth:`launch_job`.
        """
        from launcher.edges.disk.documents import parse_manifests  # noqa: PLC0415

        launch = self._check(job_meta, fl_ctx)
        try:
            return parse_manifests(composition.manifests(launch.spec, launch.site))
        except LauncherError as error:
            raise RuntimeError(str(error)) from error

    def _check(self, job_meta: Mapping[str, Any], fl_ctx: FLContext) -> wiring.Launch:
        try:
            return wiring.checked(read_job(job_meta, fl_ctx, self.role), job_meta, self._settings, self.role)
        except (RuntimeError, ValueError) as error:
            if isinstance(error.__cause__, LauncherError):
                raise
            # "invalid job_id '...': name=... is ill-formatted": FLARE quotes what the submitter wrote.
            kind = RuntimeError if isinstance(error, RuntimeError) else ValueError
            raise kind(foreign.line(by_shape(str(error)))) from error

    def _launch(self, launch: wiring.Launch, meta: Mapping[str, Any]) -> JobHandleSpec:
        transfer = WorkspaceTransferManager.get_or_create(launch.job.cell)
        token = transfer.add_job(launch.job.job_id, launch.job.workspace)
        end_transfer = partial(transfer.remove_job, launch.job.job_id)
        try:
            return self._start(launch, meta, token, end_transfer)
        except BaseException:
            end_transfer()
            raise

    def _start(
        self, launch: wiring.Launch, meta: Mapping[str, Any], token: str, end_transfer: Any
    ) -> JobHandleSpec:
        job, spec = launch.job, launch.spec
        credentials = {**job.credentials, TRANSFER_TOKEN: token}
        try:
            service = self._service(launch.site, job.site, job.federation)
            refuse_if_stood_down(service.world)
        except LauncherError as error:
            write_refused(spec, launch.site, error, job.workspace, tuple(credentials.values()))
            raise RuntimeError(str(error)) from error
        self._orphans.exclude(spec.release, credential_secret_name(spec.pod_name))
        self._orphans.begin()
        self._orphans.start_once(service, spec.namespace, job.site, job.federation)
        self._reports.set_by(launch.site)
        self._refused.open(job.workspace, job.site)
        note, hide = to_note(job, meta, self.role, service.world.clock.now()), cautious(credentials.values())
        journal = self._refused.journal(note, service.world, hide)
        try:
            return self._installed(service, launch, credentials, journal, end_transfer)
        except NotPrepared as error:
            write_refused(spec, launch.site, error, job.workspace, tuple(credentials.values()))
            raise RuntimeError(f"Secrets of job {job.job_id}: {error}") from error
        except LauncherError as error:
            write_refused(spec, launch.site, error, job.workspace, tuple(credentials.values()))
            end_transfer()
            _LOG.error("job %s was not started at site %s: %s", job.job_id, job.site, error)
            code = refused_code(error, launch.site.policy)
            self._reports.teller.refused(job.job_id, error, code, service.world, hide)
            return NotStartedHandle(str(error), code)

    def _installed(
        self,
        service: Service,
        launch: wiring.Launch,
        credentials: Mapping[str, str],
        journal: Journal,
        end_transfer: Callable[[], None],
    ) -> FlareJobHandle:
        job, spec, world, known = launch.job, launch.spec, service.world, tuple(credentials.values())
        ended = self._reports.history.launched(job.job_id, job.submitter)
        handle = service.launch(
            spec,
            secret={name: value.encode() for name, value in credentials.items()},
            on_failure=failure_writer(world, job.workspace, ref_of_spec(spec), known, job.submitter),
            prepare=partial(put_startup_kit, world, spec, job.federation, startup_kit(job.startup_dir)),
            retry_refused=True,
            journal=journal,
        )
        self._reports.teller.follow(job.job_id, handle, world, cautious(known))
        kept = partial(self._kept.look, service, spec.namespace, job.site, job.federation)
        return FlareJobHandle(handle, world, end_transfer, cautious(known), kept, on_ended=ended)

    def _prepare_later(self, name: str, fl_ctx: FLContext) -> None:
        workspace = fl_ctx.get_prop(FLContextKey.WORKSPACE_OBJECT)
        given = (workspace.get_root_dir(), workspace.get_startup_kit_dir(), fl_ctx.get_identity_name())
        threading.Thread(target=self._prepare, args=given, name=name, daemon=True).start()

    def _prepare(self, workspace: str, startup: str, name: str) -> None:
        """Import what a launch needs, which takes seconds on a busy machine; take over or remove orphans."""
        from launcher.edges.charts.site_chart import fetch_chart  # noqa: PLC0415 - a job pod launches nothing

        try:
            self._refused.open(workspace, name)
            site = wiring.site_config(self._settings, workspace, name, self.role)
            self._reports.set_by(site)
            if self._adoption is not None:
                self._adoption.switch(on=site.adopt)
            mark = federation(startup)
            mine = (self._service(site, name, mark), site.namespace, name, mark)
            self._orphans.start_once(*mine)
            self._kept.look(*mine)
            fetch_chart(site)
        except (LauncherError, RuntimeError, ValueError) as error:
            _LOG.warning("site %s cannot launch jobs yet: %s", name, error)
            if self._adoption is not None:
                self._adoption.abandon("the cluster cannot be asked")

    def _service(self, site: SiteConfig, name: str, federation: str) -> Service:
        return self._services.of(site, name, federation)


class ClientHelmJobLauncher(HelmJobLauncher):
    """The launcher of a client site: replaces ``ClientK8sJobLauncher``."""

    role = Role.CLIENT


class ServerHelmJobLauncher(HelmJobLauncher):
    """The launcher of the server: replaces ``ServerK8sJobLauncher``."""

    role = Role.SERVER
