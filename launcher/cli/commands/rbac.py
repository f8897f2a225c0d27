"""``fljob rbac``: the rights that the parent of a site needs."""

from __future__ import annotations

from typing import Any

import click

from launcher.cli import options
from launcher.cli.site_rights import rights_of_chart_or_warning, switched_on
from launcher.core import rights
from launcher.core.checks import invalid
from launcher.core.releases import StorageDriver
from launcher.core.syntax import is_dns_subdomain
from launcher.core.yaml_text import written_all

__all__ = ["rbac_command"]


@click.command("rbac")
@options.config_options
@click.option("--service-account", default="", help="Bind the Role to this ServiceAccount, too.")
@click.option("--nodes", is_flag=True, help="Also the right to list nodes; optional, see docs/cli.md.")
@options.driver_option(default=None, without="as the configuration says, else `secret`")
def rbac_command(service_account: str, driver: StorageDriver | None, *, nodes: bool, **given: Any) -> None:
    """Print the Role that the parent of a site needs, complete, for `kubectl apply -f -`."""
    site = options.site_from(**given)
    if service_account and not is_dns_subdomain(service_account):
        cure = "use a-z, 0-9, '-' and '.', at most 253 characters"
        raise invalid("--service-account", service_account, "must be the name of a ServiceAccount", cure=cure)
    namespace = site.namespace
    more = rights_of_chart_or_warning(site) | switched_on(site)
    wanted = rights.granted(driver or site.storage_driver, more)
    objects = _granted("", {"name": "fljob", "namespace": namespace}, wanted, service_account)
    if nodes:
        # Not namespaced, so its name says which parent it is for.
        name = {"name": "-".join(filter(None, ("fljob-nodes", namespace, service_account)))}
        objects += _granted("Cluster", name, frozenset({rights.LIST_NODES}), service_account, namespace)
    click.echo(written_all(objects, unicode=False), nl=False)


def _granted(
    kind: str,
    name: dict[str, str],
    wanted: frozenset[rights.Right],
    service_account: str,
    namespace: str = "",
) -> list[dict[str, Any]]:
    """Return a Role (or ClusterRole) and, for a ServiceAccount, its binding."""
    group = "rbac.authorization.k8s.io"
    head = {"apiVersion": f"{group}/v1", "metadata": name}
    objects: list[dict[str, Any]] = [
        {**head, "kind": f"{kind}Role", "rules": rights.role_rules(wanted)},
    ]
    if service_account:
        where = namespace or name["namespace"]
        subject = {"kind": "ServiceAccount", "name": service_account, "namespace": where}
        reference = {"apiGroup": group, "kind": f"{kind}Role", "name": name["name"]}
        objects.append({**head, "kind": f"{kind}RoleBinding", "roleRef": reference, "subjects": [subject]})
    return objects
