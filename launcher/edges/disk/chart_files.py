"""Charts on the disk: which one a site has, its metadata and its schema; a folder, or an archive of one."""

from __future__ import annotations

import functools
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from launcher.core.chart_reference import chart_reference, in_registry
from launcher.core.checks import require_mapping
from launcher.core.spec.site import SiteConfig
from launcher.edges.disk.documents import is_file, parse_json, parse_yaml, read_text
from launcher.edges.disk.shipped import shipped
from launcher.errors import InvalidInput

__all__ = ["chart_definitions", "chart_metadata", "chart_path", "named_chart"]

# Bytes. The schema of the shipped chart has some hundred thousand.
_LARGEST = 4 * 1024 * 1024
# What tarfile and gzip raise on what is no archive: zlib.error is no OSError.
_NO_ARCHIVE = (tarfile.TarError, OSError, EOFError, ValueError)


def chart_path(site: SiteConfig) -> Path:
    """Return the chart of a site that is on the disk: its own folder or archive, or the shipped folder.

    Raises:
        InvalidInput: there is no chart.
    """
    path = Path(site.chart) if site.chart else shipped("charts/fljob")
    if not is_file(path) and not is_file(path / "Chart.yaml"):
        raise InvalidInput(
            f"chart: {path} holds no Chart.yaml", cure="correct `chart` in fljob.yaml, or remove it"
        )
    return path


def named_chart(text: str, where: str) -> str:
    """Return a chart that an option names as a site has it: a reference, or an absolute path.

    Raises:
        InvalidInput: a place in a registry that is none, or has no digest.
    """
    if in_registry(text):
        return str(chart_reference(text, where))
    return str(Path(text).absolute())


def chart_definitions(chart: Path) -> Mapping[str, Any]:
    """Return the definitions of a chart's schema (``$defs``), empty for a chart without any.

    Raises:
        InvalidInput: its schema is no JSON, or the file is no archive.
    """
    path = chart if is_file(chart) else chart / "values.schema.json"
    if not is_file(path):
        return {}
    status = path.stat()
    return _definitions(path, path == chart, (status.st_mtime_ns, status.st_size))


@functools.lru_cache(maxsize=4)
def _definitions(path: Path, is_archive: bool, _version: tuple[int, int]) -> Mapping[str, Any]:
    """Return what a version of the file holds: reading it takes three milliseconds of each launch."""
    text = _member(path, "values.schema.json") if is_archive else read_text(path)
    schema = parse_json(text, str(path)) if text is not None else None
    found = schema.get("$defs") if isinstance(schema, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def chart_metadata(archive: Path) -> Mapping[str, Any]:
    """Return the Chart.yaml of an archive, parsed.

    Raises:
        InvalidInput: it has none, or is no archive.
    """
    text = _member(archive, "Chart.yaml")
    if text is None:
        raise _no_chart(archive, "it holds no Chart.yaml")
    return require_mapping(parse_yaml(text, f"{archive}: Chart.yaml"), f"{archive}: Chart.yaml")


def _member(archive: Path, name: str) -> str | None:
    """Return the text of a file in the chart's folder; nothing is unpacked."""
    try:
        with tarfile.open(archive, "r:gz") as opened:
            for member in opened:
                folder, _, path = member.name.partition("/")
                if path != name or not folder or not member.isreg():
                    continue
                if member.size > _LARGEST:
                    raise _no_chart(archive, f"its {name} has more than {_LARGEST} bytes")
                file = opened.extractfile(member)
                return None if file is None else file.read().decode()
    except _NO_ARCHIVE as error:
        raise _no_chart(archive, f"it cannot be unpacked: {error}") from error
    return None


def _no_chart(archive: Path, why: str) -> InvalidInput:
    cure = "name the folder of a chart, or an archive of `helm package`"
    return InvalidInput(f"{archive} is no chart: {why}", where="chart", cure=cure)
