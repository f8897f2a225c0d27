"""The parts of the library ``kubernetes`` that are used: its settings, its connection pool and its error.

Importing ``kubernetes`` imports models, validators and OAuth: 0.75 s of CPU, which a part of it costs, too.
"""

from __future__ import annotations

from launcher.edges.put_off import put_off

__all__ = ["ApiException", "Configuration", "RESTClientObject"]

put_off("kubernetes", "kubernetes.client", "kubernetes.utils")

from kubernetes.client.configuration import Configuration  # noqa: E402
from kubernetes.client.exceptions import ApiException  # noqa: E402
from kubernetes.client.rest import RESTClientObject  # noqa: E402
