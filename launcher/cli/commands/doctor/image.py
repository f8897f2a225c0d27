"""`fljob doctor --image`: a short job that shows whether an image can run jobs, or a parent.

It is launched as every job is - values, chart, helm, watch, verdict - and everything of it is removed.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from launcher.cli.commands.doctor.check import Check
from launcher.cli.context import Cli
from launcher.cli.signals import cancelled_by_signals
from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.ending.outcome import Outcome
from launcher.core.flare.meta import parse_meta
from launcher.core.lifecycle.state import Track
from launcher.core.spec.assemble import Request, build_jobspec
from launcher.core.spec.jobspec import JobSpec
from launcher.core.spec.site import SiteConfig, Timeouts
from launcher.core.spec.study import Study
from launcher.core.views import ContainerKind
from launcher.errors import Cancelled, InvalidInput, Rejected
from launcher.usecases.service import Service

__all__ = ["Probe", "image_checks", "probe_image"]

# Not the site's own name: a parent that starts removes the jobs of its site.
_SITE = "doctor"
# Long enough to pull a large image, short for causes that do not pass.
_TIMEOUTS = Timeouts(heal=30, pull=30, pull_permanent=5, config=10, create=30, start=900)
_PENDING = 60.0
_RESOURCES = {"cpu_request": "50m", "cpu": "1", "memory_request": "64Mi", "memory": "512Mi"}
_BUILD = "build it with images/Dockerfile, or with scripts/image where there is no docker"
# Part of the probe's message -> cure.
_CURES: Sequence[tuple[str, str]] = (
    ("No module named 'launcher", f"the image lacks this package: {_BUILD}"),
    ("No module named 'nvflare", "the image lacks FLARE: build it on one with nvflare 2.9"),
    ("RuntimeError: nvflare ", "build the image on one with nvflare 2.9, at least 2.9.0"),
    ("helm is not on PATH", f"a parent needs helm: {_BUILD} (target parent)"),
    ("TypeError: there is no argument", f"its package is older than the kit's arguments: {_BUILD}"),
)
_CODE_CURES: Mapping[Code, str] = {
    Code.BAD_COMMAND: f"the image has no such Python: name its own in default_python_path, or {_BUILD}",
    Code.IMAGE_NOT_FOUND: f"push the image, or correct its name; {_BUILD}",
    Code.IMAGE_NAME_INVALID: "correct the image's name",
}


@dataclass(frozen=True)
class Probe:
    """One image to probe.

    Attributes:
        image: reference.
        python: its interpreter.
        arguments: with which the site constructs its launcher.
        wants_helm: whether it is a parent's image.
    """

    image: str
    python: str
    arguments: Mapping[str, Any]
    wants_helm: bool = False


def image_checks(cli: Cli, site: SiteConfig, probes: Sequence[Probe]) -> Iterator[Check]:
    """Yield a check per image; each starts a pod, so it is run only when no other check failed."""
    for probe in probes:
        what = f"{'parent image' if probe.wants_helm else 'image'} {probe.image}"
        yield Check(what, partial(_run_probe, cli, site, probe), needs_all=True)


def _run_probe(cli: Cli, site: SiteConfig, probe: Probe) -> str:
    site = replace(site, site=_SITE, pending_timeout=_PENDING, timeout=None, timeouts=_TIMEOUTS)
    with cancelled_by_signals() as cancel:
        try:
            return probe_image(cli.service(site), site, probe, cancel)
        except Cancelled as error:
            raise click.Abort from error


def probe_image(service: Service, site: SiteConfig, probe: Probe, cancel: threading.Event) -> str:
    """Run the probe in a pod of the image and return its message; nothing of the pod is left.

    Raises:
        InvalidInput: the image lacks something.
        Cancelled: ``cancel`` was set.
        LauncherError: the pod could not be started or removed.
    """
    handle = service.launch(_spec(site, probe), cancel=cancel)
    try:
        for track in handle.follow():
            if track.outcome is None and cancel.is_set():
                raise Cancelled(f"{probe.image}: not probed, as asked")
    finally:
        handle.terminate("the doctor has seen enough")
    message = _message(track)
    assert track.outcome is not None  # noqa: S101 - for mypy: ``follow`` ends with an outcome
    if track.outcome.succeeded:
        return message or "has the package"
    raise _error_of(track.outcome, message)


def _spec(site: SiteConfig, probe: Probe) -> JobSpec:
    text = (Path(__file__).parent / "probe.py").read_text(encoding="utf-8")
    words = (json.dumps(dict(probe.arguments)), "helm" if probe.wants_helm else "")
    command = (probe.python, "-c", text, *words)
    request = Request(job_id=f"doctor-{uuid.uuid4().hex[:8]}", site=_SITE, role=site.role, command=command)
    meta = {"launcher_spec": {"default": {"k8s": {"image": probe.image, **_RESOURCES}}}}
    return build_jobspec(request, parse_meta(meta, _SITE, source="--image"), Study(), site)


def _message(track: Track) -> str:
    containers = track.pod.containers if track.pod else ()
    return next((one.message.strip() for one in containers if one.kind is ContainerKind.MAIN), "")


def _error_of(outcome: Outcome, message: str) -> InvalidInput | Rejected:
    for words, cure in _CURES:
        if words in message:
            return InvalidInput(message, cure=cure)
    cure = _CODE_CURES.get(outcome.code, CATALOGUE[outcome.code].cure)
    detail = f"{outcome.code.value}: {outcome.detail}"
    more = f" ({message})" if message and message not in detail else ""
    return Rejected(f"{detail}{more}", cure=cure)
