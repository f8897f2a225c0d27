"""Charts on the disk: which one a site has, its metadata and its schema; a folder, or an archive of one."""

from __future__ import annotations

import functools
import gzip
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from launcher.core.chart_reference import chart_reference, in_registry, refuse_address
from launcher.core.checks import require_mapping
from launcher.core.foreign import quoted
from launcher.core.spec.site import SiteConfig
from launcher.edges.disk.documents import is_file, parse_json, parse_yaml, read_text
from launcher.edges.disk.shipped import shipped
from launcher.errors import InvalidInput

__all__ = ["chart_definitions", "chart_metadata", "chart_path", "named_chart"]

# Bytes. The schema of the shipped chart has some hundred thousand.
_LARGEST = 4 * 1024 * 1024
# Helm unpacks as much of an archive, and no more.
_LARGEST_UNPACKED = 100 * 1024 * 1024
_METADATA, _SCHEMA = _WANTED = ("Chart.yaml", "values.schema.json")
# What tarfile and gzip raise on what is no archive: zlib.error is no OSError.
_NO_ARCHIVE = (tarfile.TarError, OSError, EOFError, ValueError, zlib.error)


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
    refuse_address(text, where)
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
    text = _members(path).get(_SCHEMA) if is_archive else read_text(path)
    schema = parse_json(text, str(path)) if text is not None else None
    found = schema.get("$defs") if isinstance(schema, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def chart_metadata(archive: Path) -> Mapping[str, Any]:
    """Return the Chart.yaml of an archive, parsed.

    Raises:
        InvalidInput: it has none, or is no archive.
    """
    text = _members(archive)[_METADATA]
    return require_mapping(parse_yaml(text, f"{archive}: Chart.yaml"), f"{archive}: Chart.yaml")


def _members(archive: Path) -> Mapping[str, str]:
    """Return the texts of Chart.yaml and of the schema in the chart's folder; nothing is unpacked.

    Raises:
        InvalidInput: it is no archive of one chart, as Helm takes it.
    """
    found: dict[str, str] = {}
    try:
        with gzip.open(archive) as plain, _opened(plain) as opened:
            for member in opened:
                folder, _, path = member.name.partition("/")
                if ".." in member.name.split("/"):
                    raise _no_chart(archive, f"it holds {quoted(member.name)}, which leads out of it")
                if path not in _WANTED or not folder or not member.isreg():
                    continue
                if path in found:
                    raise _no_chart(archive, f"it holds more than one {path}: Helm would mix two charts")
                if member.size > _LARGEST:
                    raise _no_chart(archive, f"its {path} has more than {_LARGEST} bytes")
                file = opened.extractfile(member)
                found[path] = "" if file is None else file.read().decode()
    except _NO_ARCHIVE as error:
        raise _no_chart(archive, f"it cannot be unpacked: {error}") from error
    if _METADATA not in found:
        raise _no_chart(archive, "it holds no Chart.yaml in a folder")
    return found


def _opened(plain: gzip.GzipFile) -> tarfile.TarFile:
    bounded: Any = _Bounded(plain)  # has as much of a file as tarfile calls
    return tarfile.open(fileobj=bounded, mode="r|")


class _Bounded:
    """What is unpacked, up to as much as Helm unpacks: a megabyte can be a gigabyte of zeros."""

    def __init__(self, plain: gzip.GzipFile) -> None:
        self._plain = plain
        self._left = _LARGEST_UNPACKED

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        content = self._plain.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise tarfile.ReadError(f"it would have more than {_LARGEST_UNPACKED} bytes")
        return content


def _no_chart(archive: Path, why: str) -> InvalidInput:
    cure = "name the folder of a chart, or an archive of `helm package`"
    return InvalidInput(f"{archive} is no chart: {why}", where="chart", cure=cure)
