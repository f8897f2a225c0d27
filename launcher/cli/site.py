"""Commands that make a FLARE site ready: kit, rbac."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

import click
import yaml

from launcher.core import kit, rights

__all__ = ["kit_command", "rbac_command"]

_DRIVER = click.option(
    "--driver", type=click.Choice(["secret", "configmap"]), default="secret", help="Helm's storage driver."
)


@click.group("kit")
def kit_command() -> None:
    """Change a kit that `nvflare deploy prepare` made for Kubernetes."""


@kit_command.command("adopt")
@click.option(
    "--kit", "folder", type=click.Path(path_type=Path), required=True, help="Output of deploy prepare."
)
@click.option("--dry-run", is_flag=True, help="Only show the difference.")
@click.option("--undo", is_flag=True, help="Give the kit back to FLARE's own launcher.")
@_DRIVER
def adopt_command(folder: Path, *, dry_run: bool, undo: bool, driver: str) -> None:
    """Swap the launcher of a kit and add the rights that Helm needs; doing it twice changes nothing."""
    from launcher.edges.kit import read_kit, write_kit  # noqa: PLC0415

    before = read_kit(folder)
    after = kit.undo(before) if undo else kit.adopt(before, driver)
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
    from launcher.edges.documents import read_yaml  # noqa: PLC0415

    found = read_yaml(folder / kit.VALUES) if (folder / kit.VALUES).is_file() else {}
    steps = kit.next_steps(str(folder), found if isinstance(found, dict) else {}, kit.namespace(files))
    click.echo("next, so that the parent sees it (README: Plug it into FLARE):")
    for step in steps:
        click.echo(f"  {step}")


@click.command("rbac")
@click.option("--namespace", "-n", default="default", show_default=True, help="Where jobs run.")
@click.option("--service-account", default="", help="Bind the Role to this ServiceAccount, too.")
@_DRIVER
def rbac_command(namespace: str, service_account: str, driver: str) -> None:
    """Print the Role that the parent of a site needs, complete, for `kubectl apply -f -`."""
    name = {"name": "fljob", "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": name}
    objects = [{**role, "rules": rights.role_rules(rights.needed(driver))}]
    if service_account:
        subject = {"kind": "ServiceAccount", "name": service_account, "namespace": namespace}
        reference = {"apiGroup": group, "kind": "Role", "name": "fljob"}
        objects.append({**role, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]})
    click.echo(yaml.safe_dump_all(objects, sort_keys=False), nl=False)
