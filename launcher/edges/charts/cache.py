"""Charts of a registry on the disk, one folder for each digest; what failed a check never gets there.

A chart is fetched into a folder of its own, which is renamed when everything has been checked. From then on
the registry is not asked: each use goes from the digest in the settings of the site to the manifest, and from
there to the archive, by their bytes. What is not whole is fetched again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launcher.core.catalogue.reasons import cure_of
from launcher.core.chart_manifest import (
    LARGEST_MANIFEST,
    ChainBroken,
    archive_of,
    refuse_other_bytes,
)
from launcher.core.chart_reference import ChartReference
from launcher.core.foreign import quoted
from launcher.edges.charts.manifests import RegistryManifests, moved, refusal
from launcher.edges.charts.programs import RegistryPrograms
from launcher.edges.disk.chart_files import chart_metadata
from launcher.errors import InvalidInput, NotFound, Reason
from launcher.logs import logger

__all__ = ["ChartCache", "cache_folder"]

_LOG = logger(__name__)
_ARCHIVE, _MANIFEST, _RECORD, _PART = "chart.tgz", "manifest.json", "record.json", ".part-"
# Bytes of the record, which is ours.
_LARGEST_RECORD = 64 * 1024
_FOR_OWNER, _OTHERS_WRITE = 0o700, 0o022
# One fetch at a time, in all of a process: forty launches at once want the same chart.
_LOCK = threading.Lock()
# Archive -> the reference and key for which it was compared last, and what the disk said of the file before.
_COMPARED: dict[Path, tuple[str, ...]] = {}


def cache_folder(named: str, environ: Mapping[str, str]) -> Path:
    """Return the folder of charts: the one of the site, else that of the user."""
    if named:
        return Path(named)
    above = environ.get("XDG_CACHE_HOME", "")
    # https://specifications.freedesktop.org/basedir: a relative path there is to be ignored.
    base = Path(above) if above.startswith("/") else Path(environ.get("HOME") or "/nonexistent") / ".cache"
    return base / "fljob" / "charts"


@dataclass(frozen=True)
class ChartCache:
    """The charts that were fetched and checked.

    Attributes:
        folder: where they are; made when it is first needed.
        programs: fetches the archive, and verifies the signature.
        manifests: fetches the manifest.
        key: public key with which a digest must be signed; empty = it need not.
    """

    folder: Path
    programs: RegistryPrograms
    manifests: RegistryManifests
    key: str = ""

    def archive(self, chart: ChartReference) -> Path:
        """Return the archive of a chart; it is fetched if it is not there, or not what the digest names.

        Raises:
            LauncherError: it cannot be had, or must not be used; nothing of it is kept.
        """
        key = self._read_key()
        place = self._folder_of(chart) / _ARCHIVE
        with _LOCK:
            seen = self._sound(chart, key) or self._fetch(chart, key)
            _COMPARED[place] = (*_named(chart, key), *seen)
        return place

    def compared(self, chart: ChartReference) -> Path:
        """Return the archive as :meth:`archive` does, whose answer holds while the file is untouched.

        A launch needs the chart twice, for its schema and for helm: its bytes are compared at the first time.
        """
        key = self._read_key()
        place = self._folder_of(chart) / _ARCHIVE
        try:
            if _COMPARED.get(place) == (*_named(chart, key), *_seen(place)):
                return place
        except OSError:
            pass  # it is gone: fetched again, or said so
        return self.archive(chart)

    def check(self, chart: ChartReference) -> None:
        """Ask the registry as if nothing had been fetched: digest, tag and signature; nothing is kept.

        Raises:
            LauncherError: as :meth:`archive`.
        """
        with tempfile.TemporaryDirectory(prefix="fljob-chart-") as folder:
            self._into(Path(folder), chart, self._read_key())

    def _sound(self, chart: ChartReference, key: bytes) -> tuple[str, ...]:
        """Return what the disk says of an archive that is what the digest names; empty where there is none.

        It must have been checked for the same tag and key when it was fetched.
        """
        folder = self._folder_of(chart)
        record = _record(folder / _RECORD)
        if record is None:
            return ()
        self._refuse_open(self.folder)
        if chart.tag not in ("", record.get("tag")) or _mark(key) not in ("", record.get("key")):
            return ()
        try:
            archive = archive_of(_read(folder / _MANIFEST, LARGEST_MANIFEST), chart.digest)
            seen = _seen(folder / _ARCHIVE)
            refuse_other_bytes("the archive", _read(folder / _ARCHIVE, archive.size), archive.digest)
        except (OSError, ChainBroken) as error:
            why = getattr(error, "strerror", None) or str(error)
            _LOG.warning(
                "chart %s in %s is not whole and not used, it is fetched again: %s", chart, folder, why
            )
            return ()
        return seen

    def _fetch(self, chart: ChartReference, key: bytes) -> tuple[str, ...]:
        """Fetch a chart, and return what the disk says of its archive."""
        part = self._new_folder()
        try:
            record = self._into(part, chart, key)
            (part / _RECORD).write_text(json.dumps(record, indent=1))
            seen = _seen(part / _ARCHIVE)
            self._put(part, self._folder_of(chart))
        finally:
            shutil.rmtree(part, ignore_errors=True)
        _LOG.info("chart %s was fetched and checked", chart)
        return seen

    def _into(self, folder: Path, chart: ChartReference, key: bytes) -> dict[str, str]:
        """Fetch a chart into an empty folder, check it, and return its record."""
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            manifest = self._manifest(chart, Path(scratch))
            try:
                # Before helm reads an archive of any size.
                archive = archive_of(manifest, chart.digest)
                pulled, digest = self.programs.pull(chart, Path(scratch))
                if digest != chart.digest:
                    raise moved(chart, digest)
                content = _read(pulled, archive.size)
                refuse_other_bytes("the archive", content, archive.digest)
            except ChainBroken as error:
                raise refusal(error, chart) from error
            _refuse_other_chart(chart, pulled)
            if key:
                self.programs.verify(chart, key, Path(scratch))
        (folder / _MANIFEST).write_bytes(manifest)
        (folder / _ARCHIVE).write_bytes(content)
        return {"tag": chart.tag, "key": _mark(key)}

    def _manifest(self, chart: ChartReference, folder: Path) -> bytes:
        try:
            return self.manifests.fetch(chart, folder)
        except NotFound:
            # Registries forget what no tag names: where the tag has moved that is what there is to say.
            if (
                chart.tag
                and (now := _sha256(self.manifests.fetch(chart, folder, by_tag=True))) != chart.digest
            ):
                raise moved(chart, now) from None
            raise

    def _folder_of(self, chart: ChartReference) -> Path:
        return self.folder / chart.digest.replace(":", "-")

    def _read_key(self) -> bytes:
        """Return the key as it is now; empty when there need be no signature."""
        if not self.key:
            return b""
        try:
            return Path(self.key).read_bytes() or b"\n"
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            reason = Reason.CHART_KEY_BAD
            raise InvalidInput(
                f"{self.key} cannot be read: {why}", where="chart_key", cure=cure_of(reason), reason=reason
            ) from error

    def _new_folder(self) -> Path:
        try:
            self.folder.mkdir(mode=_FOR_OWNER, parents=True, exist_ok=True)
            self._refuse_open(self.folder)
            return Path(tempfile.mkdtemp(prefix=_PART, dir=self.folder))
        except OSError as error:
            raise InvalidInput(
                f"{self.folder} cannot be written: {error.strerror}",
                where="chart_cache",
                cure="set `chart_cache` to a folder that this user may write and that is kept",
            ) from error

    def _refuse_open(self, folder: Path) -> None:
        """Refuse a folder in which others may replace what was checked."""
        status = folder.stat()
        if status.st_uid in (os.getuid(), 0) and not stat.S_IMODE(status.st_mode) & _OTHERS_WRITE:
            return
        raise InvalidInput(
            f"{folder} may be written by others",
            where="chart_cache",
            cure=f"`chmod 700 {folder}`, as its owner",
        )

    def _put(self, part: Path, place: Path) -> None:
        """Put a folder into its place; one that is there is replaced, and is never half of both."""
        old = Path(tempfile.mkdtemp(prefix=_PART, dir=self.folder))
        try:
            if place.exists():
                place.replace(old / "old")
            part.replace(place)
        except OSError as error:
            if not (place / _RECORD).is_file():  # else another process was quicker
                raise InvalidInput(
                    f"{place} cannot be replaced: {error.strerror}",
                    where="chart_cache",
                    cure=f"remove {place}",
                ) from error
        finally:
            shutil.rmtree(old, ignore_errors=True)


def _refuse_other_chart(chart: ChartReference, archive: Path) -> None:
    """Refuse what a registry has given if it is no chart, or one of another name.

    Raises:
        InvalidInput: so it is.
    """
    reason = Reason.CHART_IS_NONE
    try:
        name = chart_metadata(archive).get("name")
    except InvalidInput as error:
        why = f"what registry {chart.host} has there is no chart: {error.message}"
        raise InvalidInput(f"chart {chart}: {why}", cure=cure_of(reason), reason=reason) from error
    if name != chart.name:
        said = f"chart {chart}: it is the chart {quoted(str(name))}, and not {quoted(chart.name)}"
        raise InvalidInput(said, cure=cure_of(reason), reason=reason)


def _record(file: Path) -> Mapping[str, Any] | None:
    """Return what is noted of a chart; None where nothing is there, or it is not ours."""
    try:
        found = json.loads(_read(file, _LARGEST_RECORD))
    except (OSError, ChainBroken, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _read(file: Path, most: int) -> bytes:
    """Return the bytes of a file.

    Raises:
        OSError: it cannot be read.
        ChainBroken: they are more than they may be.
    """
    with file.open("rb") as opened:
        content = opened.read(most + 1)
    if len(content) > most:
        raise ChainBroken(Reason.CHART_OTHER_BYTES, f"{file.name} has more than {most} bytes")
    return content


def _named(chart: ChartReference, key: bytes) -> tuple[str, ...]:
    return str(chart), _mark(key)


def _seen(archive: Path) -> tuple[str, ...]:
    """Return what tells whether a file is as it was: nobody but root can set its time of change."""
    status = archive.stat()
    numbers = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return tuple(map(str, numbers))


def _mark(key: bytes) -> str:
    """Return what the record says of the key; empty without one."""
    return _sha256(key) if key else ""


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
