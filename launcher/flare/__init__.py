"""The entry point of FLARE: two launcher classes for ``local/resources.json`` of a site (``k8s_launcher``).

Importing this package and constructing a launcher needs neither helm nor a cluster, and imports neither
``kubernetes`` nor ``pyhelm3``: FLARE constructs every component of the site in each job pod, too.
"""

from __future__ import annotations

from launcher.flare.launcher import ClientHelmJobLauncher, ServerHelmJobLauncher

__all__ = ["ClientHelmJobLauncher", "ServerHelmJobLauncher"]
