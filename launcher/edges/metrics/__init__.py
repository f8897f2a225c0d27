"""The port ``Metrics`` on prometheus-client, and the server that Prometheus reads. Imported only when on."""
