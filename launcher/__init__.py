"""Federated-learning jobs on Kubernetes, each one a release of the Helm chart ``fljob``."""

from launcher.core.spec.jobspec import JobSpec, Role
from launcher.errors import LauncherError

__all__ = ["JobSpec", "LauncherError", "Role"]
