"""The commands that make a changed kit take effect at its parent."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from launcher.core import foreign
from launcher.core.flare.kit import RESOURCES, RIGHTS, VALUES, at, mount_path
from launcher.core.flare.site_folder import SITE_FOLDER

__all__ = ["next_steps"]

_KEY = re.compile(r"[A-Za-z0-9._-]+")


def next_steps(
    folder: str,
    values: Mapping[str, Any],
    namespace: str,
    *,
    own_folder: bool = False,
    moved: Collection[str] = (),
    changed: Collection[str] = (RESOURCES, RIGHTS),
) -> list[str]:
    """Return the commands as shell lines.

    The parent reads ``local/`` and ``startup/`` from its workspace claim, or, after ``nvflare deploy k8s
    stage``, from a ConfigMap with a key for each file; stage refuses a kit with our class path (2.9.0).
    The site's own folder is in the claim in both cases.

    Args:
        folder: the kit.
        values: its ``helm_chart/values.yaml``.
        namespace: of the parent; may be a placeholder.
        own_folder: whether the kit has the site's own folder.
        moved: what left ``local/``, paths below the kit: a copy would stay in the claim.
        changed: what has changed, paths below the kit.
    """
    name = foreign.word(str(values.get("name") or "PARENT"))
    namespace = foreign.word(namespace)
    kit = shlex.quote(f"./{folder}" if folder.startswith("-") else folder)
    upgrade = f"helm upgrade --install {name} {kit}/helm_chart -n {namespace}"
    if not moved and not {RESOURCES, RIGHTS} & set(changed):
        return [upgrade]
    puts = _puts(kit, values, namespace, name, own_folder=own_folder, moved=moved)
    if VALUES in changed:  # another pod, so Helm rolls the parent out; nothing can be put into it meanwhile
        return [*puts, upgrade]
    return [upgrade, *puts, f"kubectl rollout restart deployment/{name} -n {namespace}"]


def _puts(
    kit: str,
    values: Mapping[str, Any],
    namespace: str,
    name: str,
    *,
    own_folder: bool,
    moved: Collection[str],
) -> Iterator[str]:
    """Yield what puts the files where the parent reads them; kit, namespace and name are words of a shell."""
    mount = foreign.word(mount_path(values) or "MOUNT_PATH")
    there = f"kubectl exec -i -n {namespace} deployment/{name} -- tar -C {mount} -xf -"
    own = f" {SITE_FOLDER}" if own_folder else ""
    staged = _staged(values)
    if staged:
        config_map, key = foreign.word(staged[0]), staged[1]
        data = f'{{\\"binaryData\\": {{\\"{key}\\": \\"$(base64 -w0 {kit}/{RESOURCES})\\"}}}}'
        yield f'kubectl patch configmap {config_map} -n {namespace} --type merge -p "{data}"'
        if own:
            yield f"tar -C {kit} -cf -{own} | {there}"
        return
    yield f"tar -C {kit} -cf - local startup{own} | {there}"
    if moved:
        gone = " ".join(f"{mount}/{shlex.quote(one)}" for one in moved)
        yield f"kubectl exec -n {namespace} deployment/{name} -- rm -f {gone}"


def _staged(values: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the ConfigMap of a staged kit and its key of the file that was changed."""
    local = at(values, "workspaceConfig", "local")
    items = local.get("items")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping) and item.get("path") == RESOURCES.rpartition("/")[2]:
            key = str(item.get("key"))
            # It stands inside a quoted text of the shell; the API server takes no other keys.
            return str(local.get("configMapName")), key if _KEY.fullmatch(key) else "KEY"
    return None
