"""Which cluster is asked, and as whom: resolved once, by kubectl's rules, for helm and for the client."""

from launcher.edges.kubeconfig.loader import ClientConfigLoader
from launcher.edges.kubeconfig.resolve import ClientConfig

__all__ = ["ClientConfig", "ClientConfigLoader"]
