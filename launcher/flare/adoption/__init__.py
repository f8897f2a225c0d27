"""A new parent takes over the jobs that its predecessor left running, instead of ending them."""

from __future__ import annotations

from launcher.flare.adoption.heirs import Adoption, Parent
from launcher.flare.adoption.prepare import prepare

__all__ = ["Adoption", "Parent", "prepare"]
