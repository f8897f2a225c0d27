"""A kit that ``nvflare deploy prepare`` made, before and after: texts in, texts out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from launcher.core.rights import PREPARED, needed, role_rules
from launcher.errors import InvalidInput

__all__ = ["LAUNCHER_ID", "RESOURCES", "RIGHTS", "ROLE", "adopt", "undo"]

# Paths below the kit.
RESOURCES = "local/resources.json.default"
ROLE = "helm_chart/templates/role.yaml"
RIGHTS = "helm_chart/templates/fljob-rights.yaml"
LAUNCHER_ID = "k8s_launcher"
_FLARE = "nvflare.app_opt.job_launcher.k8s_launcher"
_PATHS = {
    f"{_FLARE}.ClientK8sJobLauncher": "launcher.flare.ClientHelmJobLauncher",
    f"{_FLARE}.ServerK8sJobLauncher": "launcher.flare.ServerHelmJobLauncher",
}
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


def adopt(files: Mapping[str, str], driver: str = "secret") -> dict[str, str]:
    """Return the files of a kit as they must be for our launcher.

    Args:
        files: path below the kit -> text, of those that there are.
        driver: Helm's storage driver.

    Raises:
        InvalidInput: this is not a kit prepared for Kubernetes.
    """
    path = _launcher_path(files)
    resources = files[RESOURCES].replace(f'"{path}"', f'"{_PATHS.get(path, path)}"')
    return {**files, RESOURCES: resources, RIGHTS: _rights(files, driver)}


def undo(files: Mapping[str, str]) -> dict[str, str]:
    """Return the files as ``nvflare deploy prepare`` made them; raises as :func:`adopt`."""
    path = _launcher_path(files)
    back = {ours: flares for flares, ours in _PATHS.items()}
    resources = files[RESOURCES].replace(f'"{path}"', f'"{back.get(path, path)}"')
    return {name: text for name, text in files.items() if name != RIGHTS} | {RESOURCES: resources}


def _launcher_path(files: Mapping[str, str]) -> str:
    """Return the class path of the kit's launcher."""
    cure = "name the output folder of `nvflare deploy prepare` with `runtime: k8s`"
    if RESOURCES not in files:
        raise InvalidInput("is not in this folder", where=RESOURCES, cure=cure)
    try:
        components = json.loads(files[RESOURCES])["components"]
        found = [str(one["path"]) for one in components if one.get("id") == LAUNCHER_ID]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"cannot be read: {error}", where=RESOURCES, cure=cure) from error
    where = f"{RESOURCES}: components[id={LAUNCHER_ID}]"
    if len(found) != 1:
        raise InvalidInput(f"must be there once, not {len(found)} times", where=where, cure=cure)
    if found[0] not in {*_PATHS, *_PATHS.values()}:
        known = " or ".join(_PATHS)
        raise InvalidInput(f"{found[0]} cannot be replaced", where=f"{where}.path", cure=f"make it {known}")
    return found[0]


def _rights(files: Mapping[str, str], driver: str) -> str:
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
