"""A kit that ``nvflare deploy prepare`` made, before and after: texts in, texts out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from launcher.core.checks import invalid, require_mapping, require_text
from launcher.core.releases import StorageDriver
from launcher.core.rights import PREPARED, Right, granted, role_rules
from launcher.core.spec.site import SiteConfig
from launcher.errors import InvalidInput

__all__ = [
    "LAUNCHER_ID",
    "RESOURCES",
    "RIGHTS",
    "ROLE",
    "VALUES",
    "adopt",
    "arguments",
    "at",
    "chart_name",
    "is_adopted",
    "launcher_arguments",
    "mount_path",
    "mounts",
    "namespace",
    "undo",
    "with_arguments",
]

# Paths below the kit.
RESOURCES = "local/resources.json.default"
ROLE = "helm_chart/templates/role.yaml"
RIGHTS = "helm_chart/templates/fljob-rights.yaml"
VALUES = "helm_chart/values.yaml"
LAUNCHER_ID = "k8s_launcher"
_FLARE = "nvflare.app_opt.job_launcher.k8s_launcher"
_PATHS = {
    f"{_FLARE}.ClientK8sJobLauncher": "launcher.flare.ClientHelmJobLauncher",
    f"{_FLARE}.ServerK8sJobLauncher": "launcher.flare.ServerHelmJobLauncher",
}
_DRIVER = "storage_driver"
_PRINTING = ("values_dir", "chart", "helm", "protect")
_PREPARE = "name the output folder of `nvflare deploy prepare` with `runtime: k8s`"
_AGAIN, _OF_FLARE = "prepare the kit again with FLARE 2.9 and `runtime: k8s`", "nvflare."
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
    files: Mapping[str, str],
    driver: StorageDriver | None = None,
    *,
    default: StorageDriver = "secret",
    more: frozenset[Right] = frozenset[Right](),
) -> dict[str, str]:
    """Return the files of a kit as they must be for our launcher.

    Args:
        files: path below the kit -> text, of those that there are.
        driver: Helm's storage driver; None = the one that the kit has.
        default: the driver of a launcher without an argument for it: the one of the kit's ``fljob.yaml``.
        more: rights for what the chart prints beside the pod, and for what the site has switched on.

    Raises:
        InvalidInput: this is not a kit prepared for Kubernetes, or its driver is none of ours.
    """
    path = _launcher_path(files)
    resources = files[RESOURCES].replace(f'"{path}"', f'"{_PATHS.get(path, path)}"')
    now = arguments(files).get(_DRIVER, default)
    wanted = driver or now
    if wanted not in get_args(StorageDriver):
        where = f"{RESOURCES}: components[id={LAUNCHER_ID}].args.{_DRIVER}"
        raise invalid(where, wanted, "must be secret or configmap", cure="say --driver secret, or correct it")
    if wanted != now:
        resources = _with_driver(resources, None if wanted == default else wanted)
    return {**files, RESOURCES: resources, RIGHTS: _rights(files, wanted, more)}


def is_adopted(files: Mapping[str, str]) -> bool:
    """Return whether the launcher of a kit is ours; raises as :func:`adopt`."""
    return _launcher_path(files) in _PATHS.values()


def undo(files: Mapping[str, str]) -> dict[str, str]:
    """Return the files as ``nvflare deploy prepare`` made them; raises as :func:`adopt`."""
    path = _launcher_path(files)
    back = {ours: flares for flares, ours in _PATHS.items()}
    resources = files[RESOURCES].replace(f'"{path}"', f'"{back.get(path, path)}"')
    if _DRIVER in arguments(files):  # FLARE's own launcher has no such argument
        resources = _with_driver(resources, None)
    return {name: text for name, text in files.items() if name != RIGHTS} | {RESOURCES: resources}


def mounts(files: Mapping[str, str], values: Mapping[str, Any]) -> list[str]:
    """Return where the workspace may be mounted in the parent's pod."""
    argument = arguments(files).get("workspace_mount_path")
    found = (argument, mount_path(values), SiteConfig.workspace_mount_path)
    return [one for one in found if isinstance(one, str) and one]


def mount_path(values: Mapping[str, Any]) -> str:
    """Return where the parent's chart mounts the workspace; empty when it does not say."""
    return str(at(values, "persistence", "workspace").get("mountPath") or "")


def namespace(files: Mapping[str, str]) -> str:
    """Return the namespace that the launcher's arguments name, else a placeholder."""
    return str(arguments(files).get("namespace") or "NAMESPACE")


def arguments(files: Mapping[str, str]) -> Mapping[str, Any]:
    """Return those of the kit's launcher; none of a kit that has none, or no such file."""
    if RESOURCES not in files:
        return {}
    return next((launcher.get("args") or {} for _, launcher in _launchers(files)), {})


def launcher_arguments(files: Mapping[str, str]) -> Mapping[str, Any]:
    """Return those of the kit's launcher: FLARE's, ours, or a class of the site's own.

    Raises:
        InvalidInput: the file cannot be read, there is not one component of that id, or its class is one that
            FLARE 2.9 does not have: the kit is of another FLARE.
    """
    where, launcher = _one_launcher(files)
    path = require_text(launcher.get("path"), f"{where}.path", cure=_AGAIN)
    if path.startswith(_OF_FLARE) and path not in _PATHS:
        raise InvalidInput(
            f"{path} is no launcher of FLARE 2.9 on Kubernetes", where=f"{where}.path", cure=_AGAIN
        )
    return launcher.get("args") or {}


def with_arguments(site: SiteConfig, given: Mapping[str, Any]) -> SiteConfig:
    """Return the settings with those arguments of a launcher that decide which rights it wants."""
    values, events = given.get("values"), given.get("events")
    texts = {key: given[key] for key in _PRINTING if isinstance(given.get(key), str) and given[key]}
    return replace(
        site,
        values=values if isinstance(values, Mapping) else site.values,
        events=events if isinstance(events, bool) else site.events,
        **texts,
    )


def _with_driver(resources: str, driver: str | None) -> str:
    """Return the text with this storage driver among the launcher's arguments; None = with none."""
    tree = json.loads(resources)
    for one in tree["components"]:
        if one.get("id") == LAUNCHER_ID:
            others = {key: value for key, value in (one.get("args") or {}).items() if key != _DRIVER}
            one["args"] = others | ({} if driver is None else {_DRIVER: driver})
    # As `nvflare deploy prepare` (2.9.0) writes it, so that --undo gives every byte back.
    return json.dumps(tree, indent=4) + "\n"


def at(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return the mapping at a key path; an empty one when something else is there."""
    for key in keys:
        below = values.get(key)
        values = below if isinstance(below, Mapping) else {}
    return values


def _launcher_path(files: Mapping[str, str]) -> str:
    """Return the class path of the kit's launcher."""
    where, launcher = _one_launcher(files)
    known = " or ".join(_PATHS)
    path = require_text(launcher.get("path"), f"{where}.path", cure=f"make it {known}")
    if path not in {*_PATHS, *_PATHS.values()}:
        raise InvalidInput(f"{path} cannot be replaced", where=f"{where}.path", cure=f"make it {known}")
    return path


def _one_launcher(files: Mapping[str, str]) -> tuple[str, Mapping[str, Any]]:
    found = _launchers(files)
    if len(found) != 1:
        where = f"{RESOURCES}: components[id={LAUNCHER_ID}]"
        raise InvalidInput(f"must be there once, not {len(found)} times", where=where, cure=_PREPARE)
    return found[0]


def _launchers(files: Mapping[str, str]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the components that are the kit's launcher, each with its place.

    Raises:
        InvalidInput: the file is not there, no JSON, or no list of components as FLARE reads it.
    """
    if RESOURCES not in files:
        raise InvalidInput("is not in this folder", where=RESOURCES, cure=_PREPARE)
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


def chart_name(files: Mapping[str, str]) -> str:
    """Return the template in the kit's chart that makes the parent's name, such as ``nvflare-client.name``.

    Raises:
        InvalidInput: the kit is none of FLARE 2.9.
    """
    found = _NAME.search(files.get(ROLE, ""))
    if found is None:
        cure = "prepare the kit again with FLARE 2.9"
        raise InvalidInput("is not the role of a prepared kit", where=ROLE, cure=cure)
    return found[1]


def _rights(files: Mapping[str, str], driver: StorageDriver, more: frozenset[Right]) -> str:
    name = chart_name(files)
    rules = [
        f'- apiGroups: ["{rule["apiGroups"][0]}"]\n'
        f"  resources: {json.dumps(rule['resources'])}\n"
        f"  verbs: {json.dumps(rule['verbs'])}"
        for rule in role_rules(granted(driver, more) - PREPARED)
    ]
    return _RIGHTS_TEMPLATE.format(name=name, rules="\n".join(rules))
