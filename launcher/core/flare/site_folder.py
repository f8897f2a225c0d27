"""Where the files of a site lie in a FLARE workspace: beside ``local/``, which FLARE sends to every job pod.

FLARE (2.9.0 and 2.9.1) zips ``local/`` for each job and leaves out its own study files only, so what stands
there is read by the code of outsiders. A job pod gets nothing of any other folder but ``startup/``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "LOCAL",
    "OLD_SITE",
    "OURS",
    "SITE",
    "SITE_FOLDER",
    "flares_own",
    "in_kit",
    "manifests",
    "new_place",
    "sides",
]

LOCAL, SITE_FOLDER = "local", "fljob"
# The site's configuration and where it was before, below the workspace or the kit of which that is made.
SITE, OLD_SITE = f"{SITE_FOLDER}/fljob.yaml", f"{LOCAL}/fljob.yaml"
# The settings that name files of ours. FLARE reads the study files itself, from the place that it knows.
OURS = ("study_job_spec_file", "values_dir", "chart", "kubeconfig", "helm")
# What FLARE leaves out by itself.
_STUDY_DATA, _STUDY_RUNTIME = f"{LOCAL}/study_data.yaml", f"{LOCAL}/study_runtime.yaml"
# What FLARE reads in a job pod, too; with every ending that it has (.default, .sample).
_NEEDED = ("resources.", "authorization.", "privacy.", "log_config.", "comm_config.", "custom/")


def sides(name: str) -> tuple[str, str] | None:
    """Return a path below the kit in the folder of today and in that of before; None = it is in neither."""
    folder, _, rest = posixpath.normpath(name).partition("/")
    return (f"{SITE_FOLDER}/{rest}", f"{LOCAL}/{rest}") if folder in (LOCAL, SITE_FOLDER) and rest else None


def new_place(name: str) -> str:
    """Return where a file of ``local/`` belongs, both as paths below the kit."""
    return (sides(name) or (name, ""))[0]


def in_kit(path: str, mounts: Iterable[str]) -> str:
    """Return the path below the kit of a path that an argument of the launcher names; empty = outside.

    Args:
        path: absolute in the parent's pod, or relative to the workspace, as FLARE reads it for its bundle.
        mounts: where the workspace may be mounted.
    """
    if not posixpath.isabs(path):
        return path
    below = (mount.rstrip("/") + "/" for mount in mounts if mount)
    return next((path[len(mount) :] for mount in below if path.startswith(mount)), "")


def flares_own(name: str, runtime: Any, study_data: str = "") -> bool:
    """Return whether a file of ``local/`` is FLARE's: left out of the bundle by itself, or needed there.

    Args:
        name: path below the kit.
        runtime: the parsed ``study_runtime.yaml``, whose pod templates are left out.
        study_data: path below the kit of the file that FLARE's argument names; empty for none.
    """
    studies = runtime.get("studies") if isinstance(runtime, Mapping) else None
    named = [one.get("pod_template") for one in _mappings(studies)]
    templates = {posixpath.normpath(f"{LOCAL}/{one}") for one in named if isinstance(one, str) and one}
    rest = name.removeprefix(f"{LOCAL}/")
    return name in {_STUDY_DATA, _STUDY_RUNTIME, study_data, *templates} or rest.startswith(_NEEDED)


def manifests(spec: Any) -> list[str]:
    """Return the paths of Pod manifests in a parsed study job spec file or study runtime file."""
    if not isinstance(spec, Mapping):
        return []
    runtime = [one.get("pod_template") for one in _mappings(spec.get("studies"))]
    return [one for one in (*spec.values(), *runtime) if isinstance(one, str) and one]


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    values = value.values() if isinstance(value, Mapping) else ()
    return [one for one in values if isinstance(one, Mapping)]
