"""Job meta + study + site + the launch request -> one JobSpec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launcher.core import foreign
from launcher.core.chart_defaults import only_defaults
from launcher.core.checks import as_json, invalid, require_text
from launcher.core.foreign import quoted
from launcher.core.jobref import MOST_ATTEMPTS
from launcher.core.names import container_name, pod_name, release_name
from launcher.core.quantities import quantity_text
from launcher.core.spec.asked import JobMeta
from launcher.core.spec.bounds import grace_period, pending_timeout, refuse_beyond, shorter_wait
from launcher.core.spec.jobspec import EnvVar, JobSpec, Resources, Role
from launcher.core.spec.podtemplate import prepare_template, template_warnings
from launcher.core.spec.site import SiteConfig
from launcher.core.spec.study import Study
from launcher.core.syntax import MOUNT_PATH_RULE, is_mount_path
from launcher.errors import InvalidInput

__all__ = ["Request", "all_warnings", "build_jobspec", "check_site"]

_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# Kubernetes puts variables into the words of a command: $(NAME) is a value and $$ a dollar.
_EXPANDED = re.compile(r"\$(?=[$(])")
_STORAGE = "ephemeral-storage"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One launch: what is neither in the meta, nor the study's, nor the site's to decide.

    Attributes:
        job_id: FLARE's job id; letters, digits, ``.``, ``_``, ``-``, the first one a letter or digit.
        site: name of the site (``server`` for the server).
        role: client or server job process.
        study: name of the study, empty for none.
        command: entry point, which runs as it is written; empty = the job's Python with ``args``, or the
            site's ``command`` without.
        args: arguments; Kubernetes puts variables into them, as into FLARE's.
        env: literal environment of the launcher.
        secret_env: environment of the launcher by reference to Secret keys.
        startup_secret: Secret with the startup kit, empty for none.
        attempt: from 1.
        federation: mark of the federation whose parent launches the job, empty for none.
    """

    job_id: str
    site: str
    role: Role = Role.CLIENT
    study: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    secret_env: tuple[EnvVar, ...] = ()
    startup_secret: str = ""
    attempt: int = 1
    federation: str = ""


def build_jobspec(request: Request, meta: JobMeta, study: Study, site: SiteConfig) -> JobSpec:
    """Return the one frozen value that everything behind this module reads.

    Raises:
        InvalidInput: no image, no command, a job id that cannot become a name, more than the site allows, or
            a pod template that the job cannot be merged into.
    """
    _check(request, site)
    refuse_beyond(meta, site)
    container = container_name(request.job_id)
    storage = meta.ephemeral_storage or quantity_text(site.ephemeral_storage, "site: ephemeral_storage")
    return JobSpec(
        job_id=request.job_id,
        site=request.site,
        role=request.role,
        study=request.study,
        namespace=site.namespace,
        release=release_name(request.job_id, request.site),
        pod_name=pod_name(request.job_id, request.site),
        container_name=container,
        image=_image(request, meta, study, site),
        command=_command(request, meta, site),
        args=request.args,
        env=_environment(request, study),
        resources=_with_storage(meta.resources, storage),
        ephemeral_storage=storage,
        workspace_mount_path=site.workspace_mount_path,
        startup_secret=request.startup_secret,
        datasets=study.datasets,
        secret_mounts=study.secret_mounts,
        image_pull_secrets=site.image_pull_secrets,
        security_context=_security_context(site),
        pod_template=_template(study, container),
        pending_timeout=pending_timeout(meta, site),
        grace_period=grace_period(meta, site),
        retention=site.retention.of(request.study).text,
        attempt=request.attempt,
        federation=request.federation,
    )


def all_warnings(meta: JobMeta, study: Study, spec: JobSpec) -> tuple[str, ...]:
    """Return a sentence for each thing that was asked for and is read by nobody, or replaced."""
    shorter = shorter_wait(meta, spec.pending_timeout)
    return foreign.few((*meta.warnings, *shorter, *study.warnings, *template_warnings(spec)))


def check_site(name: str, where: str) -> str:
    """Return the name of a site if names of objects can be made of it.

    Raises:
        InvalidInput: it is empty, or no Unicode: an argument that is not UTF-8 has lone surrogates.
    """
    return str(as_json(require_text(name, where, cure="name the site"), where))


def _check(request: Request, site: SiteConfig) -> None:
    if not _JOB_ID.fullmatch(request.job_id):
        cure = "use letters, digits, '.', '_' and '-', with a letter or digit first; FLARE's ids are UUIDs"
        raise invalid("job id", request.job_id, "must be a name", cure=cure)
    check_site(request.site, "site")
    if not 1 <= request.attempt <= MOST_ATTEMPTS:
        rule = f"must be 1 or more, and at most {MOST_ATTEMPTS}"
        raise invalid("attempt", request.attempt, rule, cure="count launches from 1")
    if not is_mount_path(site.workspace_mount_path):
        cure = "write a path such as /var/tmp/nvflare/workspace"
        raise invalid("site: workspace_mount_path", site.workspace_mount_path, MOUNT_PATH_RULE, cure=cure)


def _image(request: Request, meta: JobMeta, study: Study, site: SiteConfig) -> str:
    """Return the job's image, else the study's (FLARE: the image a job asks for wins), else the site's."""
    image = meta.image or study.image or site.image
    if not image:
        # A key that nobody reads may be the one that was meant to name it.
        raise InvalidInput(
            "; ".join((f"no image for the job at site {quoted(request.site)}", *meta.warnings)),
            where=meta.source,
            cure=(
                f"set launcher_spec[{quoted(request.site)}]['k8s']['image'], "
                "launcher_spec['default']['k8s']['image'] for all sites, "
                f"resource_spec[{quoted(request.site)}]['k8s']['image'] (old form), "
                "studies.<study>.container.image in the site's study_runtime.yaml, "
                "or image in the site's fljob.yaml"
            ),
        )
    return image


def _command(request: Request, meta: JobMeta, site: SiteConfig) -> tuple[str, ...]:
    if request.command:
        return _as_typed(request.command)
    if request.args:
        return (meta.python_path or site.default_python_path,)
    if site.command:
        return _as_typed(site.command)
    cure = "give a command after --, or set `command` in the site configuration"
    raise InvalidInput("nothing to run in the job container", where="command", cure=cure)


def _as_typed(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of which Kubernetes makes ``words``: `$$` would be one dollar."""
    return tuple(_EXPANDED.sub("$$", word) for word in words)


def _environment(request: Request, study: Study) -> tuple[EnvVar, ...]:
    """Return the environment in FLARE's order, each name once, empty literals left out.

    The order counts, since ``$(VAR)`` sees only what stands before it: the study's literals, the launcher's
    literals, the launcher's Secrets, the study's Secrets.
    """
    merged: dict[str, EnvVar] = {}
    for var in (*study.env, *request.env, *request.secret_env, *study.secret_env):
        if var.value != "":
            merged[var.name] = var
    return tuple(merged.values())


def _with_storage(resources: Resources, storage: str) -> Resources:
    return Resources(
        requests={_STORAGE: storage, **resources.requests}, limits={_STORAGE: storage, **resources.limits}
    )


def _security_context(site: SiteConfig) -> dict[str, Any]:
    """Return the site's security context; a null leaves a default of the chart out, others say nothing."""
    given = as_json(site.security_context, "site: security_context", prune=True, keep_null=True)
    return only_defaults(given, ("pod", "spec", "securityContext"))


def _template(study: Study, container: str) -> Mapping[str, Any] | None:
    if study.pod_template is None:
        return None
    source = study.template_source or f"pod template of study {quoted(study.name)}"
    return prepare_template(study.pod_template, source, container, main_by_name=study.main_by_name)
