"""Marks and a PodDisruptionBudget for a parent, in the chart of its kit: texts in, texts out.

``nvflare deploy prepare`` (2.9.0) writes ``podAnnotations: {}`` into the chart's values, for whoever installs
it. The marks go there, as text, so that every other byte of the file stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from launcher.core.flare.kit import VALUES, chart_name
from launcher.errors import InvalidInput

__all__ = ["BUDGET", "is_protected", "protect"]

BUDGET = "helm_chart/templates/fljob-budget.yaml"
# As the chart of jobs has them; charts/fljob/templates/_labels.tpl.
_MARKS = {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "'false'",
    "karpenter.sh/do-not-disrupt": "'true'",
}
_HEAD = "podAnnotations:"
_EMPTY = re.compile(r"podAnnotations:[ ]*(?:\{[ ]*\})?[ ]*")
_INDENT = "  "
_TEMPLATE = """\
# The API server refuses to evict the parent; `fljob kit adopt --no-protect` removes it.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{{{ include "{prefix}.name" . }}}}-fljob
spec:
  minAvailable: 1
  # One that does not come up protects no job, and would keep its node from being emptied.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{{{- include "{prefix}.selectorLabels" . | nindent 6 }}}}
"""


def is_protected(files: Mapping[str, str]) -> bool:
    """Return whether the chart of a kit has the budget."""
    return BUDGET in files


def protect(files: Mapping[str, str], *, wanted: bool | None) -> dict[str, str]:
    """Return the files of a kit with marks and budget, or without; doing it twice changes nothing.

    Args:
        files: path below the kit -> text, of those that there are.
        wanted: None = as it is.

    Raises:
        InvalidInput: the kit's chart is none of FLARE 2.9, or its annotations cannot be added to.
    """
    if wanted if wanted is not None else is_protected(files):
        prefix = chart_name(files).removesuffix(".name")
        marked = _marked(files.get(VALUES, ""))
        return {**files, VALUES: marked, BUDGET: _TEMPLATE.format(prefix=prefix)}
    if not is_protected(files):
        return dict(files)
    others = {name: text for name, text in files.items() if name != BUDGET}
    return {**others, VALUES: _unmarked(others[VALUES])} if VALUES in others else others


def _marked(values: str) -> str:
    """Return the chart's values with the marks that are not there; what an operator wrote of one stays."""
    lines = values.splitlines(keepends=True)
    at = next((number for number, line in enumerate(lines) if line.startswith(_HEAD)), None)
    if at is None or not _EMPTY.fullmatch(lines[at].rstrip("\r\n")):
        if at is not None and all(mark in lines[at] for mark in _MARKS):
            return values
        marks = ", ".join(f"{key}: {value}" for key, value in _MARKS.items())
        where, cure = f"{VALUES}: podAnnotations", f"write there by hand `podAnnotations: {{{marks}}}`"
        raise InvalidInput("is no block to which annotations can be added", where=where, cure=cure)
    below = _block(lines, at)
    indent = re.match(" *", below[0])[0] if below else _INDENT  # type: ignore[index]
    missing = [key for key in _MARKS if not any(key in line for line in below)]
    if not missing:
        return values
    end = "\r\n" if lines[at].endswith("\r\n") else "\n"
    added = [f"{indent}{key}: {_MARKS[key]}{end}" for key in missing]
    return "".join([*lines[:at], f"{_HEAD}{end}", *added, *lines[at + 1 :]])


def _unmarked(values: str) -> str:
    """Return the chart's values without the marks as they are written here."""
    lines = values.splitlines(keepends=True)
    at = next((number for number, line in enumerate(lines) if line.rstrip() == _HEAD), None)
    if at is None:
        return values
    below = _block(lines, at)
    ours = {f"{key}: {value}" for key, value in _MARKS.items()}
    left = [line for line in below if line.strip() not in ours]
    if len(left) == len(below):
        return values
    head = lines[at] if left else lines[at].replace(_HEAD, f"{_HEAD} {{}}")
    return "".join([*lines[:at], head, *left, *lines[at + 1 + len(below) :]])


def _block(lines: list[str], at: int) -> list[str]:
    """Return the indented lines that follow a line."""
    found = []
    for line in lines[at + 1 :]:
        if not line.startswith(" ") or not line.strip():
            break
        found.append(line)
    return found
