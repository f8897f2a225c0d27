"""Our launchers over processes instead of a cluster: what the parents and job processes of a loopback load."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from launcher.composition import render_values
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.spec.jobspec import Role
from launcher.core.spec.site import SiteConfig
from launcher.flare.launcher import HelmJobLauncher
from launcher.usecases.service import Service
from tests.contract.flare.loopback.processes import Cluster

__all__ = ["ClientOnProcesses", "ServerOnProcesses"]


class _OnProcesses(HelmJobLauncher):
    def _service(self, site: SiteConfig, *parent: str) -> Service:
        folder = Path(os.environ["FLJOB_LOOPBACK"])
        world = Cluster(folder, os.environ["FLJOB_LOOPBACK_WORKSPACE"]).world
        return Service(world, WaitPolicy(pending_timeout=600.0), partial(render_values, site=site))


class ClientOnProcesses(_OnProcesses):
    role = Role.CLIENT

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)


class ServerOnProcesses(_OnProcesses):
    role = Role.SERVER

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
