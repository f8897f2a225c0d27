"""`fljob doctor`: will it work here? One line per check, a cure for each failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from launcher import composition
from launcher.cli import options, wiring
from launcher.core import kit as kits
from launcher.core.rights import Right, needed
from launcher.core.site import SiteConfig
from launcher.edges.kit import read_kit
from launcher.errors import InvalidInput, LauncherError, NotFound, ToolMissing

if TYPE_CHECKING:
    from launcher.edges.kube.access import KubeAccess

__all__ = ["doctor_command"]

_OLDEST_HELM = (3, 18)
_META = {"launcher_spec": {"default": {"k8s": {"image": "doctor"}}}}
_RUNTIME = "local/study_runtime.yaml"
_VALUES = "helm_chart/values.yaml"
Check = tuple[str, Callable[[], str]]


@click.command("doctor")
@options.cluster_options
@click.option("--kit", "folder", type=click.Path(path_type=Path), help="A prepared kit to look at, too.")
@click.option(
    "--driver", type=click.Choice(["secret", "configmap"]), default="secret", help="Helm's storage driver."
)
def doctor_command(folder: Path | None, driver: str, **given: Any) -> None:
    """Check helm, cluster, namespace, rights, chart and kit; exits with 1 when something is wrong.

    Rights are those of whoever runs it: run it in the parent's pod to check the parent's.
    """
    site = options.site_from(**given)
    wrong = 0
    for what, check in _checks(site, folder, driver):
        try:
            click.echo(f"{click.style('ok  ', fg='green')}  {what}: {check()}")
        except LauncherError as error:
            wrong += 1
            click.echo(f"{click.style('FAIL', fg='red')}  {what}: {error}")
    if wrong:
        raise click.exceptions.Exit(1)


def _checks(site: SiteConfig, folder: Path | None, driver: str) -> Iterator[Check]:
    yield "helm", lambda: _helm(site)
    yield "chart", lambda: _chart(site)
    yield "cluster", lambda: _releases(site)
    for right in sorted(needed(driver)):
        yield f"right {right.verb} {right.resource}", lambda right=right: _right(site, right)  # type: ignore[misc]
    for name in site.image_pull_secrets:
        yield f"registry Secret {name}", lambda name=name: _secret(site, name)  # type: ignore[misc]
    if folder is not None:
        yield f"kit {folder}", lambda: _kit(folder)
        yield from _kit_objects(site, folder)


def _helm(site: SiteConfig) -> str:
    version: str = wiring.helm(site).version()
    numbers = tuple(int(part) for part in version.lstrip("v").split(".")[:2] if part.isdigit())
    if numbers < _OLDEST_HELM:
        raise ToolMissing(f"{version} is too old", cure="install helm 4.3")
    return version


def _chart(site: SiteConfig) -> str:
    from launcher.core.assemble import Request, build_jobspec  # noqa: PLC0415
    from launcher.core.meta import parse_meta  # noqa: PLC0415
    from launcher.core.study import Study  # noqa: PLC0415

    request = Request(job_id="doctor", site=site.site or "doctor", role=site.role, args=("-V",))
    spec = build_jobspec(request, parse_meta(_META, request.site), Study(), site)
    text = wiring.helm(site).template(spec.release, spec.namespace, composition.render_values(spec, site))
    return f"renders, {len(text.splitlines())} lines"


def _releases(site: SiteConfig) -> str:
    found = wiring.helm(site).list(site.namespace)
    return f"helm sees {len(found)} job releases in namespace {site.namespace}"


def _access(site: SiteConfig) -> KubeAccess:
    from launcher.edges.kube import KubeClient  # noqa: PLC0415 - costs 0.6 s
    from launcher.edges.kube.access import KubeAccess  # noqa: PLC0415

    return KubeAccess(KubeClient(site.kubeconfig, site.context))


def _right(site: SiteConfig, right: Right) -> str:
    if _access(site).allowed(right.group, right.resource, right.verb, site.namespace):
        return "granted"
    cure = f"`fljob rbac -n {site.namespace} --service-account NAME | kubectl apply -f -`"
    raise InvalidInput(f"not granted in namespace {site.namespace}", cure=cure)


def _secret(site: SiteConfig, name: str) -> str:
    if _access(site).has_secret(name, site.namespace):
        return "is there"
    raise NotFound(f"not in namespace {site.namespace}", cure="create it, or correct the name")


def _claim(site: SiteConfig, name: str) -> str:
    phase = _access(site).claim_phase(name, site.namespace)
    if phase is None:
        raise NotFound(f"not in namespace {site.namespace}", cure="create it before the job is submitted")
    return phase


def _kit(folder: Path) -> str:
    files = read_kit(folder)
    if kits.adopt(files) == files:
        return "adopted"
    raise InvalidInput("still has FLARE's own launcher", cure=f"`fljob kit adopt --kit {folder}`")


def _kit_objects(site: SiteConfig, folder: Path) -> Iterator[Check]:
    """Yield a check for every claim and Secret that a kit names."""
    values, runtime = _parsed(folder / _VALUES), _parsed(folder / _RUNTIME)
    workspace = values.get("persistence", {}).get("workspace", {}).get("claimName")
    studies = [study for study in (runtime.get("studies") or {}).values() if isinstance(study, dict)]
    claims = {one.get("source") for study in studies for one in (study.get("datasets") or {}).values()}
    for name in sorted({workspace, *claims} - {None}):
        yield f"claim {name}", lambda name=name: _claim(site, name)  # type: ignore[misc]
    blocks = [study.get(key) or {} for study in studies for key in ("secret_env", "secret_mounts")]
    for name in sorted({one.get("source") for block in blocks for one in block.values()} - {None}):
        yield f"Secret {name}", lambda name=name: _secret(site, name)  # type: ignore[misc]


def _parsed(path: Path) -> dict[str, Any]:
    try:
        parsed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return {}  # the check of the kit itself says what is wrong with it
    return parsed if isinstance(parsed, dict) else {}
