"""Commands that make a FLARE site ready: kit, rbac."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from launcher.cli import options
from launcher.core import rights
from launcher.core.checks import bad
from launcher.core.flare import kit
from launcher.core.releases import StorageDriver
from launcher.core.syntax import is_dns_subdomain

__all__ = ["kit_command", "rbac_command"]


@click.group("kit")
def kit_command() -> None:
    """Change a kit that `nvflare deploy prepare` made for Kubernetes."""


@kit_command.command("adopt")
@click.option(
    "--kit", "folder", type=click.Path(path_type=Path), required=True, help="Output of deploy prepare."
)
@click.option("--dry-run", is_flag=True, help="Only show the difference.")
@click.option("--undo", is_flag=True, help="Give the kit back to FLARE's own launcher.")
@options.driver_option(default=None, otherwise="the one that the kit has stays, `secret` in a new one")
def adopt_command(folder: Path, *, dry_run: bool, undo: bool, driver: StorageDriver | None) -> None:
    """Swap the launcher of a kit and add the rights that Helm needs; doing it twice changes nothing."""
    from launcher.edges.disk.kit import read_kit, storage_driver, write_kit  # noqa: PLC0415

    before = read_kit(folder)
    after = kit.undo(before) if undo else kit.adopt(before, driver, default=storage_driver(folder))
    if before == after:
        click.echo(f"{folder}: nothing to change")
        return
    if dry_run:
        for name in sorted({*before, *after}):
            old, new = before.get(name, "").splitlines(), after.get(name, "").splitlines()
            for line in difflib.unified_diff(old, new, f"a/{name}", f"b/{name}", lineterm="", n=2):
                click.echo(line)
        return
    write_kit(folder, before, after)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            click.echo(f"{folder / name}: {'removed' if name not in after else 'written'}")
    _next_steps(folder, after)


def _next_steps(folder: Path, files: Mapping[str, str]) -> None:
    """Say what makes the change take effect: neither the chart nor helm touches what the parent reads."""
    from launcher.edges.disk.documents import read_yaml  # noqa: PLC0415

    found = read_yaml(folder / kit.VALUES) if (folder / kit.VALUES).is_file() else {}
    steps = kit.next_steps(str(folder), found if isinstance(found, dict) else {}, kit.namespace(files))
    click.echo("next, so that the parent sees it (README: Plug it into FLARE):")
    for step in steps:
        click.echo(f"  {step}")


@click.command("rbac")
@options.config_options
@click.option("--service-account", default="", help="Bind the Role to this ServiceAccount, too.")
@click.option("--nodes", is_flag=True, help="Also the right to list nodes; optional, see docs/cli.md.")
@options.driver_option(default=None, otherwise="as the configuration says, else `secret`")
def rbac_command(service_account: str, driver: StorageDriver | None, *, nodes: bool, **given: Any) -> None:
    """Print the Role that the parent of a site needs, complete, for `kubectl apply -f -`."""
    site = options.site_from(**given)
    if service_account and not is_dns_subdomain(service_account):
        cure = "use a-z, 0-9, '-' and '.', at most 253 characters"
        raise bad("--service-account", service_account, "must be the name of a ServiceAccount", cure=cure)
    namespace, wanted = site.namespace, rights.needed(driver or site.storage_driver)
    objects = _granted("", {"name": "fljob", "namespace": namespace}, wanted, service_account)
    if nodes:
        # Of the whole cluster: its name tells whose it is.
        name = {"name": "-".join(filter(None, ("fljob-nodes", namespace, service_account)))}
        objects += _granted("Cluster", name, frozenset({rights.LIST_NODES}), service_account, namespace)
    click.echo(yaml.safe_dump_all(objects, sort_keys=False), nl=False)


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
