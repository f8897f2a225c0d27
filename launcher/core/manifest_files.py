"""Manifests as files for a review in Git: their names, their text, and which earlier ones are out of date."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from launcher.core import foreign
from launcher.core.checks import invalid
from launcher.core.foreign import quoted
from launcher.core.redaction import HIDDEN
from launcher.errors import InvalidInput

__all__ = ["INDEX", "NO_STUDY", "files_of", "index_text", "names_of", "outdated", "without_secrets"]

# Which files are ours: whatever else lies in the folder is somebody else's.
INDEX = "fljob-rendered.txt"
# The folder of a job that belongs to no study; no study has this name, which begins with a letter or digit.
NO_STUDY = "_"
_SHOWN = 200
_HEAD = "# Written by `fljob template --split`, which replaces and removes these files, and no others.\n"
_FOLDER = re.compile(r"_|[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")
# Names of roles may have a colon, which no file of Windows has; no name of Kubernetes has a percent sign.
_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,252}[A-Za-z0-9])?")
_COLON = "%3A"
_FILE = re.compile(rf"(?:{_FOLDER.pattern})/[A-Za-z0-9][A-Za-z0-9._%-]{{0,320}}\.yaml")
_LONGEST = 250  # of a file name: most systems have 255, and `.part` is behind it while it is written
_SECRET_PARTS = ("data", "stringData")
# `kubectl apply` keeps the whole object there, the values of a Secret, too.
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def files_of(study: str, objects: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the objects of a study by the paths of their files, ``STUDY/KIND-NAME.yaml``, in order.

    Args:
        study: its name, empty for none.
        objects: manifests.

    Raises:
        InvalidInput: a name cannot be that of a file, or two objects have one.
    """
    folder = study or NO_STUDY
    if not _FOLDER.fullmatch(folder):
        cure = "use a-z, 0-9, '-' and '_', with a letter or digit first, as FLARE does"
        raise invalid("--split: study", study, "must be the name of a study", cure=cure)
    found: dict[str, Mapping[str, Any]] = {}
    known: set[str] = set()
    for one in objects:
        metadata = one.get("metadata")
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        kind = one.get("kind")
        for word in (kind, name):
            if not isinstance(word, str) or not _PART.fullmatch(word):
                where, cure = f"--split: study {quoted(study)}", "look at it with `fljob template`"
                raise invalid(where, f"{kind}/{name}", "objects must have a kind and a name", cure=cure)
        path = f"{folder}/{kind}-{name}.yaml".replace(":", _COLON)
        _refuse_name(path, f"{kind} {name}", known)
        found[path] = one
    return dict(sorted(found.items()))


def _refuse_name(path: str, what: str, known: set[str]) -> None:
    """Refuse a file name that is too long, or that another file has on a system that ignores case."""
    where = f"--split: {foreign.line(path, _SHOWN)}"
    if len(path.partition("/")[2]) > _LONGEST:
        said = f"the name of {foreign.line(what, _SHOWN)} is too long for a file"
        cure = f"give it a shorter name in the chart: {_LONGEST} characters with its kind"
        raise InvalidInput(said, where=where, cure=cure)
    if path.lower() in known:
        cure = "give them different names in the chart, not in capital letters alone"
        raise InvalidInput(f"two objects are {what}", where=where, cure=cure)
    known.add(path.lower())


def without_secrets(one: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object as it may lie in Git or in a comment: the values of Secrets are hidden.

    They may be in a list (`kind: List`), and all of it in an annotation of `kubectl apply`.
    """
    items = one.get("items")
    if isinstance(items, list):
        shown = [without_secrets(item) if isinstance(item, Mapping) else item for item in items]
        return {**one, "items": shown}
    if one.get("kind") != "Secret":
        return one
    return {**one, **{part: _hidden(one[part]) for part in _SECRET_PARTS if one.get(part)}, **_metadata(one)}


def _hidden(part: Any) -> Any:
    return dict.fromkeys(part, HIDDEN) if isinstance(part, Mapping) else HIDDEN


def _metadata(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a Secret, as an update, where something in it is to be hidden."""
    metadata = one.get("metadata")
    if not isinstance(metadata, Mapping):
        return {}
    annotations = metadata.get("annotations")
    if not isinstance(annotations, Mapping) or _LAST_APPLIED not in annotations:
        return {}
    return {"metadata": {**metadata, "annotations": {**annotations, _LAST_APPLIED: HIDDEN}}}


def index_text(paths: Iterable[str]) -> str:
    """Return the text of the index."""
    return _HEAD + "".join(f"{path}\n" for path in sorted(set(paths)))


def names_of(text: str, where: str) -> frozenset[str]:
    """Return the files that an index lists.

    Args:
        text: of the index.
        where: its place, for errors.

    Raises:
        InvalidInput: it lists what cannot be a file of ours, such as a path out of the folder.
    """
    found = [line for line in text.splitlines() if line and not line.startswith("#")]
    wrong = next((path for path in found if not _FILE.fullmatch(path)), None)
    if wrong is not None:
        cure = "correct it, or write into a new folder"
        raise invalid(where, wrong, "must list files such as STUDY/KIND-NAME.yaml", cure=cure)
    return frozenset(found)


def outdated(before: Collection[str], after: Collection[str], studies: Collection[str] | None) -> list[str]:
    """Return the files of an earlier run that are not made any more.

    Args:
        before: files that the index lists.
        after: files that are made now.
        studies: that were rendered now, as files of others are not out of date; None = all there are.
    """
    folders = None if studies is None else {study or NO_STUDY for study in studies}
    gone = (path for path in before if path not in after)
    return sorted(path for path in gone if folders is None or path.partition("/")[0] in folders)
