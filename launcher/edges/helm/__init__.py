"""Helm: install, uninstall, status, list, template. The only package that imports pyhelm3.

``gateway`` is the port, ``command`` the subclass of pyhelm3's Command, ``child`` the only place that
starts a process, ``failures`` the table of what helm says and what we call it.
"""

from launcher.edges.helm.gateway import HelmReleases

__all__ = ["HelmReleases"]
