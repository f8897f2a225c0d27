"""Kubernetes: the only package that imports ``kubernetes`` (and ``urllib3``, the transport below it)."""

from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.job_events import KubeJobEvents
from launcher.edges.kube.leases import KubeLeases
from launcher.edges.kube.objects import KubeObjects
from launcher.edges.kube.pods import KubePods
from launcher.edges.kube.records import KubeRecords
from launcher.edges.kube.secrets import KubeSecrets

__all__ = [
    "KubeClient",
    "KubeJobEvents",
    "KubeLeases",
    "KubeObjects",
    "KubePods",
    "KubeRecords",
    "KubeSecrets",
]
