"""Charts of a registry on the disk, one folder for each digest; what failed a check never gets there.

A chart is fetched into a folder of its own, which is renamed when everything has been checked. From then on
the registry is not asked: each use compares the bytes with what was fetched.
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

from launcher.core.catalogue.reasons import cure_of
from launcher.core.chart_reference import ChartReference
from launcher.core.foreign import quoted
from launcher.edges.charts.programs import RegistryPrograms
from launcher.edges.disk.chart_files import chart_metadata
from launcher.errors import InvalidInput, Reason
from launcher.logs import logger

__all__ = ["ChartCache", "cache_folder"]

_LOG = logger(__name__)
_ARCHIVE, _RECORD, _PART = "chart.tgz", "record.json", ".part-"
_FOR_OWNER, _OTHERS_WRITE = 0o700, 0o022
# One fetch at a time, in all of a process: forty launches at once want the same chart.
_LOCK = threading.Lock()


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
        programs: fetches and verifies.
        key: public key with which a digest must be signed; empty = it need not.
    """

    folder: Path
    programs: RegistryPrograms
    key: str = ""

    def archive(self, chart: ChartReference) -> Path:
        """Return the archive of a chart; it is fetched if it is not there, or not as it was fetched.

        Raises:
            LauncherError: it cannot be had, or must not be used; nothing of it is kept.
        """
        key = self._read_key()
        with _LOCK:
            if (found := self._found(chart, key)) is None:
                self._fetch(chart, key)
                found = self.folder / _folder_of(chart) / _ARCHIVE
            return found

    def check(self, chart: ChartReference) -> None:
        """Ask the registry as if nothing had been fetched: digest, tag and signature; nothing is kept.

        Raises:
            LauncherError: as :meth:`archive`.
        """
        with tempfile.TemporaryDirectory(prefix="fljob-chart-") as folder:
            self._into(Path(folder), chart, self._read_key())

    def _found(self, chart: ChartReference, key: bytes) -> Path | None:
        """Return what is there, if it is what was fetched and was checked for the same tag and key."""
        folder = self.folder / _folder_of(chart)
        try:
            record = json.loads((folder / _RECORD).read_text())
            content = (folder / _ARCHIVE).read_bytes()
        except (OSError, ValueError):
            return None
        if not isinstance(record, dict) or record.get("archive") != _sha256(content):
            _LOG.warning("chart %s in %s is not what was fetched: it is fetched again", chart, folder)
            return None
        self._refuse_open(self.folder)
        is_same = record.get("digest") == chart.digest and chart.tag in ("", record.get("tag"))
        return folder / _ARCHIVE if is_same and _mark(key) in ("", record.get("key")) else None

    def _fetch(self, chart: ChartReference, key: bytes) -> None:
        part = self._new_folder()
        try:
            record = self._into(part, chart, key)
            (part / _RECORD).write_text(json.dumps(record, indent=1))
            self._put(part, self.folder / _folder_of(chart))
        finally:
            shutil.rmtree(part, ignore_errors=True)
        _LOG.info("chart %s was fetched and checked", chart)

    def _into(self, folder: Path, chart: ChartReference, key: bytes) -> dict[str, str]:
        """Fetch a chart into an empty folder, check it, and return its record."""
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            pulled, digest = self.programs.pull(chart, Path(scratch))
            if digest != chart.digest:
                raise _moved(chart, digest)
            _refuse_other_chart(chart, pulled)
            if key:
                self.programs.verify(chart, key, Path(scratch))
            content = pulled.read_bytes()
        (folder / _ARCHIVE).write_bytes(content)
        return {"digest": chart.digest, "tag": chart.tag, "key": _mark(key), "archive": _sha256(content)}

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


def _moved(chart: ChartReference, digest: str) -> InvalidInput:
    reason = Reason.CHART_TAG_MOVED
    said = f"chart {chart}: tag {chart.tag} names {digest} now, and not {chart.digest}"
    return InvalidInput(said, cure=cure_of(reason), reason=reason)


def _folder_of(chart: ChartReference) -> str:
    return chart.digest.replace(":", "-")


def _mark(key: bytes) -> str:
    """Return what the record says of the key; empty without one."""
    return _sha256(key) if key else ""


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
