"""FLARE's launcher component: same arguments and interface as FLARE's own, every job a Helm release."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_constant import FLContextKey, JobConstants
from nvflare.apis.fl_context import FLContext
from nvflare.apis.job_launcher_spec import JobHandleSpec, JobLauncherSpec, add_launcher
from nvflare.app_opt.job_launcher.workspace_cell_transfer import WorkspaceTransferManager

from launcher import composition
from launcher.core.names import credential_secret_name
from launcher.core.redaction import cautious
from launcher.core.report.refused_launch import refused_code
from launcher.core.spec.asked import UNSET
from launcher.core.spec.jobspec import JobSpec, Role
from launcher.core.spec.site import SiteConfig
from launcher.errors import LauncherError, NotPrepared
from launcher.flare import wiring
from launcher.flare.arguments import settings
from launcher.flare.context import TRANSFER_TOKEN, FlareJob, federation, read_job, startup_kit
from launcher.flare.handle import FlareJobHandle, NotStartedHandle
from launcher.flare.orphans import Orphans
from launcher.flare.server_report import failure_reporter
from launcher.logs import logger
from launcher.usecases.startup import put_startup_kit

if TYPE_CHECKING:
    from launcher.usecases.handle import OnFailure
    from launcher.usecases.service import Service

__all__ = ["ClientHelmJobLauncher", "HelmJobLauncher", "ServerHelmJobLauncher"]

_LOG = logger(__name__)


@dataclass(frozen=True)
class _Launch:
    """One validated launch, before anything is created."""

    job: FlareJob
    site: SiteConfig
    spec: JobSpec


class HelmJobLauncher(JobLauncherSpec):  # type: ignore[misc]
    """Base of both launchers. Settings without an argument come from ``local/fljob.yaml``.

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
        python = python_path if default_python_path in (UNSET, None) else default_python_path
        self._settings = settings(
            {
                "config_file_path": config_file_path,
                "study_data_pvc_file_path": study_data_pvc_file_path,
                "timeout": timeout,
                "namespace": namespace,
                "pending_timeout": pending_timeout,
                "security_context": security_context,
                "ephemeral_storage": ephemeral_storage,
                "default_python_path": UNSET if python is None else python,
                "workspace_mount_path": workspace_mount_path,
                "image_pull_secrets": image_pull_secrets,
                "study_job_spec_file_path": study_job_spec_file_path,
            }
            | more
        )
        self._services_lock = threading.Lock()
        self._services: dict[str, Service] = {}
        self._orphans = Orphans()

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        """Offer this launcher for every job, and prepare for launches when a parent starts.

        SYSTEM_START is fired in parents only: job processes construct the launcher, too, and must not use it.
        """
        if event_type == EventType.BEFORE_JOB_LAUNCH:
            add_launcher(self, fl_ctx)
        elif event_type == EventType.SYSTEM_START:
            workspace = fl_ctx.get_prop(FLContextKey.WORKSPACE_OBJECT)
            if workspace is not None:
                self._orphans.report = failure_reporter(fl_ctx)
                given = (
                    workspace.get_root_dir(),
                    workspace.get_startup_kit_dir(),
                    fl_ctx.get_identity_name(),
                )
                threading.Thread(target=self._prepare, args=given, name="fljob-ready", daemon=True).start()

    def launch_job(self, job_meta: dict[str, Any], fl_ctx: FLContext) -> JobHandleSpec:
        """Install the job's release and return its handle at once.

        The caller is FLARE's only scheduler thread, or a thread that has to answer within 20 s: waiting for
        the pod to run is left to ``wait()``.

        Raises:
            RuntimeError, ValueError: the job, the site or the context is wrong; nothing is left.
        """
        try:
            launch = self._check(job_meta, fl_ctx)
        except (RuntimeError, ValueError) as error:
            # FLARE's client sends the error to the server and logs nothing at the site, which has to mend it.
            _LOG.error("job %s was refused: %s", job_meta.get(JobConstants.JOB_ID), error)
            raise
        transfer = WorkspaceTransferManager.get_or_create(launch.job.cell)
        token = transfer.add_job(launch.job.job_id, launch.job.workspace)
        end_transfer = partial(transfer.remove_job, launch.job.job_id)
        try:
            return self._start(launch, token, end_transfer)
        except BaseException:
            end_transfer()
            raise

    def render_job(self, job_meta: dict[str, Any], fl_ctx: FLContext) -> list[dict[str, Any]]:
        """Return the manifests that :meth:`launch_job` would install, without a cluster.

        Raises:
            RuntimeError, ValueError: as :meth:`launch_job`.
        """
        from launcher.edges.disk.documents import parse_manifests  # noqa: PLC0415

        launch = self._check(job_meta, fl_ctx)
        values = composition.render_values(launch.spec, launch.site)
        try:
            text = composition.helm_edge(launch.site).template(
                launch.spec.release, launch.spec.namespace, values
            )
        except LauncherError as error:
            raise RuntimeError(str(error)) from error
        return parse_manifests(text)

    def _check(self, job_meta: Mapping[str, Any], fl_ctx: FLContext) -> _Launch:
        job = read_job(job_meta, fl_ctx, self.role)
        site = wiring.site_config(self._settings, job.workspace, job.site, self.role)
        return _Launch(job, site, wiring.job_spec(job, job_meta, site))

    def _start(self, launch: _Launch, token: str, end_transfer: Any) -> JobHandleSpec:
        job, spec = launch.job, launch.spec
        credentials = {**job.credentials, TRANSFER_TOKEN: token}
        kit = startup_kit(job.startup_dir)
        try:
            service = self._service(launch.site)
        except LauncherError as error:
            raise RuntimeError(str(error)) from error
        self._orphans.exclude(spec.release, credential_secret_name(spec.pod_name))
        self._orphans.start_once(service, spec.namespace, job.site, job.federation)
        try:
            handle = service.launch(
                spec,
                secret={name: value.encode() for name, value in credentials.items()},
                on_failure=self._bundle_writer(service, job, tuple(credentials.values())),
                prepare=partial(put_startup_kit, service.world, spec, job.federation, kit),
                retry_refused=True,
            )
        except NotPrepared as error:
            self._write_refused_bundle(launch, error, tuple(credentials.values()))
            raise RuntimeError(f"Secrets of job {job.job_id}: {error}") from error
        except LauncherError as error:
            self._write_refused_bundle(launch, error, tuple(credentials.values()))
            end_transfer()
            _LOG.error("job %s was not started at site %s: %s", job.job_id, job.site, error)
            return NotStartedHandle(str(error), refused_code(error, launch.site.policy))
        return FlareJobHandle(handle, service.world, end_transfer, cautious(credentials.values()))

    def _bundle_writer(self, service: Service, job: FlareJob, credentials: tuple[str, ...]) -> OnFailure:
        """Return a callback that writes the diagnosis of a failed job into the job's run folder."""
        folder = _diagnosis_folder(job)

        def log(cause: str) -> None:
            _LOG.error("job %s failed at site %s: %s; diagnosis in %s", job.job_id, job.site, cause, folder)

        return composition.bundle_writer(service.world, _bundle_target(folder, log, credentials))

    def _write_refused_bundle(
        self, launch: _Launch, error: LauncherError, credentials: tuple[str, ...]
    ) -> None:
        """Write the diagnosis of a job that was not launched into the same folder."""
        folder = _diagnosis_folder(launch.job)

        def log(_: str) -> None:
            _LOG.info("job %s: diagnosis in %s", launch.job.job_id, folder)

        target = _bundle_target(folder, log, credentials)
        composition.write_refused_bundle(launch.spec, launch.site, error, target)

    def _prepare(self, workspace: str, startup: str, name: str) -> None:
        """Import what a launch needs, which takes seconds on a busy machine, and remove orphans."""
        try:
            site = wiring.site_config(self._settings, workspace, name, self.role)
            self._orphans.start_once(self._service(site), site.namespace, name, federation(startup))
        except (LauncherError, RuntimeError, ValueError) as error:
            _LOG.warning("site %s cannot launch jobs yet: %s", name, error)

    def _service(self, site: SiteConfig) -> Service:
        """Return the use cases of a site; a change of ``fljob.yaml`` takes effect at the next launch."""
        with self._services_lock:
            key = repr(site)
            if key not in self._services:
                self._services = {key: composition.make_service(site)}
            return self._services[key]


def _diagnosis_folder(job: FlareJob) -> Path:
    return Path(job.workspace) / job.job_id / "fljob-diagnosis" / job.site


def _bundle_target(
    folder: Path, log: Callable[[str], None], credentials: tuple[str, ...]
) -> composition.BundleTarget:
    # The folders below the workspace are in reach of jobs: none of them may be a link.
    root = folder.parents[2]
    return composition.BundleTarget(folder=folder, report=log, known=credentials, force=True, root=root)


class ClientHelmJobLauncher(HelmJobLauncher):
    """The launcher of a client site: replaces ``ClientK8sJobLauncher``."""

    role = Role.CLIENT


class ServerHelmJobLauncher(HelmJobLauncher):
    """The launcher of the server: replaces ``ServerK8sJobLauncher``."""

    role = Role.SERVER
