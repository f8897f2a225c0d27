"""Federated-learning jobs on Kubernetes, each one a release of the Helm chart ``fljob``.

What stands in ``__all__`` is the public face; it follows semantic versioning. Everything else is internal,
except the class paths ``launcher.flare.ClientHelmJobLauncher`` and ``ServerHelmJobLauncher`` and the program
``fljob``. The names are imported when they are first asked for (PEP 562): ``import launcher`` costs nothing,
and neither Kubernetes nor Helm is touched before :func:`make_service` is called.
"""

from __future__ import annotations

# What `typing` calls so. Neither that nor the errors are imported here: until `launcher.cli.main` runs,
# Ctrl-C is a traceback.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from launcher.composition import make_service, render_values
    from launcher.core.catalogue import Code
    from launcher.core.catalogue.returncodes import ReturnCode
    from launcher.core.ending.outcome import Outcome
    from launcher.core.flare.meta import parse_meta
    from launcher.core.spec.assemble import Request, build_jobspec
    from launcher.core.spec.jobspec import EnvVar, JobSpec, Role
    from launcher.core.spec.site import SiteConfig
    from launcher.core.spec.study import Study
    from launcher.errors import (
        Cancelled,
        Conflict,
        Denied,
        InvalidInput,
        LauncherError,
        LaunchFailed,
        LeftBehind,
        NotFound,
        NotPrepared,
        Reason,
        Rejected,
        StoodDown,
        StudyFormats,
        ToolMissing,
        Unavailable,
    )
    from launcher.usecases.handle import JobHandle
    from launcher.usecases.service import Service

# Module -> the public names in it; a test holds this table against the imports above and against `__all__`.
_PUBLIC = {
    "launcher.composition": ("make_service", "render_values"),
    "launcher.core.catalogue": ("Code",),
    "launcher.core.catalogue.returncodes": ("ReturnCode",),
    "launcher.core.ending.outcome": ("Outcome",),
    "launcher.core.flare.meta": ("parse_meta",),
    "launcher.core.spec.assemble": ("Request", "build_jobspec"),
    "launcher.core.spec.jobspec": ("EnvVar", "JobSpec", "Role"),
    "launcher.core.spec.site": ("SiteConfig",),
    "launcher.core.spec.study": ("Study",),
    "launcher.errors": (
        "Cancelled",
        "Conflict",
        "Denied",
        "InvalidInput",
        "LauncherError",
        "LaunchFailed",
        "LeftBehind",
        "NotFound",
        "NotPrepared",
        "Reason",
        "Rejected",
        "StoodDown",
        "StudyFormats",
        "ToolMissing",
        "Unavailable",
    ),
    "launcher.usecases.handle": ("JobHandle",),
    "launcher.usecases.service": ("Service",),
}
_HOME = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = [
    "Cancelled",
    "Code",
    "Conflict",
    "Denied",
    "EnvVar",
    "InvalidInput",
    "JobHandle",
    "JobSpec",
    "LaunchFailed",
    "LauncherError",
    "LeftBehind",
    "NotFound",
    "NotPrepared",
    "Outcome",
    "Reason",
    "Rejected",
    "Request",
    "ReturnCode",
    "Role",
    "Service",
    "SiteConfig",
    "StoodDown",
    "Study",
    "StudyFormats",
    "ToolMissing",
    "Unavailable",
    "build_jobspec",
    "make_service",
    "parse_meta",
    "render_values",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, asked for or not."""
    return sorted({*globals(), *__all__})
