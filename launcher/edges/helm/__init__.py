"""Helm: install, uninstall, status, list, template. The only package that imports pyhelm3.

``gateway`` is the port, ``command`` the subclass of pyhelm3's Command, ``child`` the only place that
starts a process, ``failures`` the table of helm's messages and our errors for them.
"""

from launcher.edges.helm.gateway import HelmReleases
from launcher.edges.helm.records import Records

__all__ = ["HelmReleases", "Records"]
