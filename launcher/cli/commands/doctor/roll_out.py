"""Checks of what becomes of running jobs when the parent of a kit is rolled out; they only warn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from launcher.cli.commands.doctor.check import Check
from launcher.cli.commands.doctor.site import access
from launcher.core.flare.roll_out import Risk, image_risk, pull_risk, risks
from launcher.core.spec.site import SiteConfig
from launcher.edges.disk.kit import configured, parent_kit, read_kit
from launcher.errors import InvalidInput, LauncherError

__all__ = ["roll_out_checks"]

_WHAT = "roll-out of the parent"


def roll_out_checks(site: SiteConfig, folder: Path, image: str, values: Mapping[str, Any]) -> Iterator[Check]:
    """Yield a check for each risk that the kit has, else one that says so, and those of the parent's image.

    Args:
        site: the configuration.
        folder: the kit, or the workspace of a parent.
        image: of the parent, empty where nobody knows.
        values: of its chart.
    """
    try:
        found = list(risks(parent_kit(folder, read_kit(folder), configured(folder))))
    except LauncherError as error:
        yield Check(_WHAT, partial(_raise, error), only_warns=True)
        return
    for risk in found:
        yield Check(_WHAT, partial(_warn, risk), only_warns=True)
    if not found:
        yield Check(_WHAT, lambda: "running jobs find the new one, which takes them over")
    if not image:
        return
    what = f"next start of {image}"
    risk_of_pull = pull_risk(image, values)
    if risk_of_pull is not None:
        yield Check(what, partial(_warn, risk_of_pull), only_warns=True)
    yield Check(what, partial(_on_nodes, site, image, values), may_be_denied=True, only_warns=True)


def _on_nodes(site: SiteConfig, image: str, values: Mapping[str, Any]) -> str:
    selector = values.get("nodeSelector")
    wanted = selector if isinstance(selector, Mapping) else {}
    text, risk = image_risk(image, access(site).node_images(), wanted)
    if risk is not None:
        _warn(risk)
    return text


def _warn(risk: Risk) -> str:
    raise InvalidInput(risk.sentence, cure=risk.cure)


def _raise(error: LauncherError) -> str:
    raise error
