"""The templates by name: which there are, which must be there, and which a site may replace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from launcher.errors import InvalidInput

__all__ = ["JOB", "LAUNCHER", "MOUNTS", "SITE", "check_names", "replaced", "studies", "study_template"]

SITE, MOUNTS, JOB, LAUNCHER = "site.yaml.j2", "mounts.yaml.j2", "job.yaml.j2", "launcher.yaml.j2"
_STUDIES, _SUFFIX = "studies/", ".yaml.j2"
_EMPTY_WILL_DO = "add it to the values folder; an empty file is allowed"
# Required template -> what to do when it is not there.
_REQUIRED = {
    SITE: _EMPTY_WILL_DO,
    MOUNTS: _EMPTY_WILL_DO,
    JOB: _EMPTY_WILL_DO,
    LAUNCHER: "install fljob-launcher again",
}
_OF_A_SITE = f"{SITE}, {MOUNTS}, {JOB} or {_STUDIES}<study>{_SUFFIX}"


def study_template(study: str) -> str:
    """Return the name of the template that is read for the jobs of ``study``."""
    return f"{_STUDIES}{study}{_SUFFIX}"


def studies(templates: Iterable[str]) -> tuple[str, ...]:
    """Return the studies that have a template of their own."""
    names = (name for name in sorted(templates) if name.startswith(_STUDIES))
    return tuple(name.removeprefix(_STUDIES).removesuffix(_SUFFIX) for name in names)


def check_names(templates: Mapping[str, str]) -> None:
    """Refuse templates of which one is missing, or would never be read.

    Args:
        templates: file name below ``values/`` -> text.

    Raises:
        InvalidInput: with the name of the file.
    """
    for name, cure in _REQUIRED.items():
        if name not in templates:
            raise InvalidInput("values template is missing", where=name, cure=cure)
    for name in templates:
        if name not in _REQUIRED and not name.startswith(_STUDIES):
            raise InvalidInput(
                "no values template has this name, so it would never be read",
                where=name,
                cure=f"use {_OF_A_SITE}",
            )


def replaced(shipped: Mapping[str, str], own: Mapping[str, str], folder: str) -> dict[str, str]:
    """Return the shipped templates with those of a site in their place.

    Args:
        shipped: file name below ``values/`` -> text, as they came with the launcher.
        own: the same of the site.
        folder: the site's values folder, for errors.

    Raises:
        InvalidInput: the site has another template in place of the launcher's own.
    """
    # A copy of the whole folder is fine for as long as it says the same.
    if own.get(LAUNCHER, shipped.get(LAUNCHER)) != shipped.get(LAUNCHER):
        raise InvalidInput(
            "belongs to the launcher and cannot be replaced",
            where=f"{folder}/{LAUNCHER}",
            cure=f"delete this file, and set values in {_OF_A_SITE}",
        )
    return {**shipped, **own}
