"""A kit that ``nvflare deploy prepare`` made, before and after: texts in, texts out."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any, get_args

from launcher.core.checks import invalid, require_mapping, require_text
from launcher.core.releases import StorageDriver
from launcher.core.rights import PREPARED, needed, role_rules
from launcher.errors import InvalidInput

__all__ = [
    "LAUNCHER_ID",
    "RESOURCES",
    "RIGHTS",
    "ROLE",
    "SITE",
    "VALUES",
    "adopt",
    "namespace",
    "next_steps",
    "undo",
]

# Paths below the kit.
RESOURCES = "local/resources.json.default"
ROLE = "helm_chart/templates/role.yaml"
RIGHTS = "helm_chart/templates/fljob-rights.yaml"
VALUES = "helm_chart/values.yaml"
SITE = "local/fljob.yaml"
LAUNCHER_ID = "k8s_launcher"
_FLARE = "nvflare.app_opt.job_launcher.k8s_launcher"
_PATHS = {
    f"{_FLARE}.ClientK8sJobLauncher": "launcher.flare.ClientHelmJobLauncher",
    f"{_FLARE}.ServerK8sJobLauncher": "launcher.flare.ServerHelmJobLauncher",
}
_DRIVER = "storage_driver"
_PREPARE = "name the output folder of `nvflare deploy prepare` with `runtime: k8s`"
_KEY = re.compile(r"[A-Za-z0-9._-]+")
_NAME = re.compile(r'include "([a-z-]+\.name)" \.')
_RIGHTS_TEMPLATE = """\
{{{{- if .Values.rbac.create }}}}
# What Helm needs beyond the Role of role.yaml; `fljob rbac` explains it, `fljob kit adopt --undo` removes it.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{{{ include "{name}" . }}}}-fljob
rules:
{rules}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{{{ include "{name}" . }}}}-fljob
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{{{ include "{name}" . }}}}-fljob
subjects:
- kind: ServiceAccount
  name: {{{{ include "{name}" . }}}}
  namespace: {{{{ .Release.Namespace }}}}
{{{{- end }}}}
"""


def adopt(
    files: Mapping[str, str], driver: StorageDriver | None = None, *, default: StorageDriver = "secret"
) -> dict[str, str]:
    """Return the files of a kit as they must be for our launcher.

    Args:
        files: path below the kit -> text, of those that there are.
        driver: Helm's storage driver; None = the one that the kit has.
        default: the driver of a launcher without an argument for it: the one of ``local/fljob.yaml``.

    Raises:
        InvalidInput: this is not a kit prepared for Kubernetes, or its driver is none of ours.
    """
    path = _launcher_path(files)
    resources = files[RESOURCES].replace(f'"{path}"', f'"{_PATHS.get(path, path)}"')
    now = _arguments(files).get(_DRIVER, default)
    wanted = driver or now
    if wanted not in get_args(StorageDriver):
        where = f"{RESOURCES}: components[id={LAUNCHER_ID}].args.{_DRIVER}"
        raise invalid(where, wanted, "must be secret or configmap", cure="say --driver secret, or correct it")
    if wanted != now:
        resources = _with_driver(resources, None if wanted == default else wanted)
    return {**files, RESOURCES: resources, RIGHTS: _rights(files, wanted)}


def undo(files: Mapping[str, str]) -> dict[str, str]:
    """Return the files as ``nvflare deploy prepare`` made them; raises as :func:`adopt`."""
    path = _launcher_path(files)
    back = {ours: flares for flares, ours in _PATHS.items()}
    resources = files[RESOURCES].replace(f'"{path}"', f'"{back.get(path, path)}"')
    if _DRIVER in _arguments(files):  # FLARE's own launcher has no such argument
        resources = _with_driver(resources, None)
    return {name: text for name, text in files.items() if name != RIGHTS} | {RESOURCES: resources}


def next_steps(folder: str, values: Mapping[str, Any], namespace: str) -> list[str]:
    """Return the commands that make a changed kit take effect at its parent, as shell lines.

    The parent reads ``local/`` and ``startup/`` from its workspace claim, or, after ``nvflare deploy k8s
    stage``, from a ConfigMap with a key for each file; stage refuses a kit with our class path (2.9.0).

    Args:
        folder: the kit.
        values: its ``helm_chart/values.yaml``.
        namespace: of the parent; may be a placeholder.
    """
    name = shlex.quote(str(values.get("name") or "PARENT"))
    namespace = shlex.quote(namespace)
    kit = shlex.quote(folder)
    staged = _staged(values)
    if staged:
        config_map, key = shlex.quote(staged[0]), staged[1]
        data = f'{{\\"binaryData\\": {{\\"{key}\\": \\"$(base64 -w0 {kit}/{RESOURCES})\\"}}}}'
        put = f'kubectl patch configmap {config_map} -n {namespace} --type merge -p "{data}"'
    else:
        mount = _at(values, "persistence", "workspace").get("mountPath") or "MOUNT_PATH"
        mount = shlex.quote(str(mount))
        there = f"kubectl exec -i -n {namespace} deployment/{name} -- tar -C {mount} -xf -"
        put = f"tar -C {kit} -cf - local startup | {there}"
    return [
        f"helm upgrade --install {name} {kit}/helm_chart -n {namespace}",
        put,
        f"kubectl rollout restart deployment/{name} -n {namespace}",
    ]


def namespace(files: Mapping[str, str]) -> str:
    """Return the namespace that the launcher's arguments name, else a placeholder."""
    return str(_arguments(files).get("namespace") or "NAMESPACE")


def _arguments(files: Mapping[str, str]) -> Mapping[str, Any]:
    """Return those of the kit's launcher."""
    return next((launcher.get("args") or {} for _, launcher in _launchers(files)), {})


def _with_driver(resources: str, driver: str | None) -> str:
    """Return the text with this storage driver among the launcher's arguments; None = with none."""
    tree = json.loads(resources)
    for one in tree["components"]:
        if one.get("id") == LAUNCHER_ID:
            others = {key: value for key, value in (one.get("args") or {}).items() if key != _DRIVER}
            one["args"] = others | ({} if driver is None else {_DRIVER: driver})
    # As `nvflare deploy prepare` (2.9.0) writes it, so that --undo gives every byte back.
    return json.dumps(tree, indent=4) + "\n"


def _staged(values: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the ConfigMap of a staged kit and its key of the file that was changed."""
    local = _at(values, "workspaceConfig", "local")
    items = local.get("items")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping) and item.get("path") == RESOURCES.rpartition("/")[2]:
            key = str(item.get("key"))
            # It stands inside a quoted text of the shell; the API server takes no other keys.
            return str(local.get("configMapName")), key if _KEY.fullmatch(key) else "KEY"
    return None


def _at(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        below = values.get(key)
        values = below if isinstance(below, Mapping) else {}
    return values


def _launcher_path(files: Mapping[str, str]) -> str:
    """Return the class path of the kit's launcher."""
    if RESOURCES not in files:
        raise InvalidInput("is not in this folder", where=RESOURCES, cure=_PREPARE)
    found = _launchers(files)
    if len(found) != 1:
        where = f"{RESOURCES}: components[id={LAUNCHER_ID}]"
        raise InvalidInput(f"must be there once, not {len(found)} times", where=where, cure=_PREPARE)
    ((where, launcher),) = found
    known = " or ".join(_PATHS)
    path = require_text(launcher.get("path"), f"{where}.path", cure=f"make it {known}")
    if path not in {*_PATHS, *_PATHS.values()}:
        raise InvalidInput(f"{path} cannot be replaced", where=f"{where}.path", cure=f"make it {known}")
    return path


def _launchers(files: Mapping[str, str]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the components that are the kit's launcher, each with its place.

    Raises:
        InvalidInput: the file is no JSON, or no list of components as FLARE reads it.
    """
    try:
        tree = json.loads(files[RESOURCES])
    except json.JSONDecodeError as error:
        where = f"{RESOURCES}:{error.lineno}:{error.colno}"
        raise InvalidInput(error.msg, where=where, cure="correct the JSON there") from error
    except (ValueError, RecursionError) as error:  # a number of more than 4300 digits; 1000 brackets
        raise InvalidInput(f"is not JSON: {error}", where=RESOURCES, cure=_PREPARE) from error
    components = require_mapping(tree, RESOURCES, cure=_PREPARE).get("components")
    if not isinstance(components, list):
        raise invalid(f"{RESOURCES}: components", components, "must be a list", cure=_PREPARE)
    found = []
    for index, component in enumerate(components):
        where = f"{RESOURCES}: components[{index}]"
        known = require_mapping(component, where, cure="write a component there: id, path, args")
        if known.get("id") == LAUNCHER_ID:
            require_mapping(known.get("args") or {}, f"{where}.args", cure="write its arguments there")
            found.append((where, known))
    return found


def _rights(files: Mapping[str, str], driver: StorageDriver) -> str:
    found = _NAME.search(files.get(ROLE, ""))
    if found is None:
        cure = "prepare the kit again with FLARE 2.9"
        raise InvalidInput("is not the role of a prepared kit", where=ROLE, cure=cure)
    rules = [
        f'- apiGroups: ["{rule["apiGroups"][0]}"]\n'
        f"  resources: {json.dumps(rule['resources'])}\n"
        f"  verbs: {json.dumps(rule['verbs'])}"
        for rule in role_rules(needed(driver) - PREPARED)
    ]
    return _RIGHTS_TEMPLATE.format(name=found[1], rules="\n".join(rules))
