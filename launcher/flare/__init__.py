"""The FLARE door: two launcher classes for a site's ``local/resources.json`` (id ``k8s_launcher``).

Importing this package and constructing a launcher needs neither helm nor a cluster, and imports neither
``kubernetes`` nor ``pyhelm3``: FLARE builds every component of the site again inside each job pod.
"""

from __future__ import annotations

from launcher.flare.launcher import ClientHelmJobLauncher, ServerHelmJobLauncher

__all__ = ["ClientHelmJobLauncher", "ServerHelmJobLauncher"]
