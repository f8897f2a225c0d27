"""The jobs whose creation is refused and tried again: noted on disk, found again by the next parent.

Nothing of such a job is in the cluster but its Secret, so nothing else tells a new parent that FLARE's server
waits for it. A note goes when the job has its release, when it has ended, or when the server has heard that
nobody goes on with it.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from launcher.core import foreign
from launcher.core.catalogue import Code
from launcher.core.flare.refused_note import RefusedNote
from launcher.core.lifecycle.state import JobReport
from launcher.core.names import credential_secret_name, label_value, pod_name, release_name
from launcher.core.pending.refusal import Refusal
from launcher.core.redaction import Mask
from launcher.core.views import SecretView
from launcher.edges.disk.refused_notes import RefusedNotes
from launcher.errors import InvalidInput
from launcher.logs import logger
from launcher.usecases.keeping import Before, Journal
from launcher.usecases.leader_ports import Acting
from launcher.usecases.ports import World

__all__ = ["Found", "RefusedJobs"]

_LOG = logger(__name__)
_REPLACED = "the parent of the site was replaced"
_GONE = "the Secret with its credentials is gone"
_NOT_HERE = "this parent takes no jobs over"
_MOST = 10_000


@dataclass(frozen=True)
class Found:
    """A note of an earlier parent.

    Attributes:
        name: of the note: the job's id, as a label value.
        note: what it says; None when that cannot be read.
        why: why it cannot.
    """

    name: str
    note: RefusedNote | None
    why: str = ""

    @property
    def job_id(self) -> str:
        """FLARE's id of the job."""
        return self.name if self.note is None else self.note.job_id


class RefusedJobs:
    """The notes of a parent. As an heir it takes nothing over: the jobs that have a note are lost."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes: RefusedNotes | None = None
        self._site = ""
        # Names of the notes that this parent has written; they are nobody's to end.
        self._own: set[str] = set()
        self._found: Mapping[str, Found] | None = None
        self._reasons: dict[str, str] = {}

    def open(self, workspace: str, site: str) -> None:
        """Learn where the notes are, and of which site; before that there are none."""
        with self._lock:
            if self._notes is None:
                self._notes, self._site = RefusedNotes(workspace), site

    def journal(self, note: RefusedNote, world: World, mask: Mask, *, is_new: bool = True) -> Journal:
        """Return where a launch notes that it was refused.

        Args:
            note: of the job.
            world: the ports: the API server's time, and whether this parent acts.
            mask: hides its credentials in what the cluster says.
            is_new: whether this parent launches it; else it goes on with what an earlier one has noted.
        """
        age = max(0.0, (world.clock.now() - note.launched).total_seconds())
        before = None if is_new else Before(Refusal(note.code, note.detail), note.spent, age)
        return _Journal(self, note, world.acting, mask, before)

    def write(self, note: RefusedNote) -> None:
        """Write a note of this parent's; never raises."""
        name = label_value(note.job_id)
        with self._lock:
            self._own.add(name)
        try:
            if self._notes is not None:
                self._notes.write(note)
        except (OSError, ValueError) as error:
            _LOG.warning("job %s cannot be taken over while it is refused: %s", note.job_id, error)

    def remove(self, name: str) -> None:
        """Remove a note; never raises."""
        try:
            if self._notes is not None:
                self._notes.remove(name)
        except OSError as error:
            _LOG.warning("job %s: its note cannot be removed: %s", foreign.name(name), error)
        self.leave(name)

    def leave(self, name: str) -> None:
        """Leave a note to whoever finds it."""
        with self._lock:
            self._own.discard(name)

    def of(self, secret: str) -> Found | None:
        """Return the note of the job that a Secret of this name belongs to; None when there is none."""
        return self._look().get(secret)

    def decline(self, found: Found, why: str) -> None:
        """Say why nobody goes on with a job; the server hears it, too."""
        refused = "" if found.note is None else f"({found.note.code.value}: {found.note.detail}) "
        said = foreign.line(f"its creation was refused {refused}and its parent replaced: {why}")
        with self._lock:
            is_news = self._reasons.get(label_value(found.job_id)) != said
            self._reasons[label_value(found.job_id)] = said
        if is_news:
            release = release_name(found.job_id, self._site)
            _LOG.warning("job %s not taken over: release=%s: %s", foreign.name(found.job_id), release, said)

    def reason(self, job_id: str) -> str:
        """Return in words why a job of an earlier parent was lost."""
        with self._lock:
            return self._reasons.get(label_value(job_id), _REPLACED)

    def heard(self, job_id: str) -> None:
        """Learn that the server knows how a job ended, or has nobody to tell."""
        name = label_value(job_id)
        with self._lock:
            is_own = name in self._own
        if not is_own:
            self.remove(name)

    def take(self, found: JobReport, secret: SecretView | None) -> bool:
        """Leave a job that has its release, or what is left of a try to make it, and say so."""
        return secret is not None and self.take_secret(found.job.credential_secret, secret)

    def take_secret(self, name: str, secret: SecretView) -> bool:
        """Leave a job that has no release, and say so."""
        del secret
        found = self.of(name)
        if found is not None:
            self.decline(found, found.why or _NOT_HERE)
        return False

    def seen(self, *, all_of_them: bool) -> Collection[str]:
        """Return the jobs of which there is a note and nobody goes on with, once all was looked at."""
        left, self._found = self._look(), None
        if not all_of_them:
            return ()
        with self._lock:
            lost = [one for one in left.values() if one.name not in self._own]
            told = set(self._reasons)
        for one in lost:
            if label_value(one.job_id) not in told:
                self.decline(one, one.why or _GONE)
        return [one.job_id for one in lost]

    def again(self) -> None:
        """Learn that this parent acts once more: another one may have left notes."""
        self._found = None
        with self._lock:
            self._reasons.clear()

    def _look(self) -> Mapping[str, Found]:
        """Return the notes of earlier parents by the names of their jobs' Secrets."""
        if self._found is None:
            with self._lock:
                notes, own = self._notes, set(self._own)
            try:
                names = [] if notes is None else [name for name in notes.names() if name not in own]
            except OSError as error:
                _LOG.warning("the notes of refused jobs cannot be read: %s", error)
                names = []
            found = [self._read(notes, name) for name in itertools.islice(names, _MOST) if notes is not None]
            self._found = {credential_secret_name(pod_name(one.job_id, self._site)): one for one in found}
        return self._found

    def _read(self, notes: RefusedNotes, name: str) -> Found:
        try:
            note = notes.read(name)
        except (OSError, InvalidInput) as error:
            return Found(name, None, f"its note cannot be read: {foreign.line(str(error))}")
        if (label_value(note.job_id), note.site) != (name, self._site):
            return Found(name, None, "its note is that of another job")
        return Found(name, note)


class _Journal:
    """Notes one job, unless another parent of the site acts: then the note is that one's."""

    def __init__(
        self, jobs: RefusedJobs, note: RefusedNote, acting: Acting, mask: Mask, before: Before | None
    ) -> None:
        self._jobs, self._note, self._acting, self._mask = jobs, note, acting, mask
        self.before = before

    def refused(self, refusal: Refusal, spent: Mapping[Code, float]) -> None:
        """Note why a try was refused, and how long each cause has lasted."""
        if self._acting.is_acting:
            self._jobs.write(self._note.refused(refusal.code, self._mask(refusal.detail), spent))

    def over(self) -> None:
        """Forget the job."""
        name = label_value(self._note.job_id)
        if self._acting.is_acting:
            self._jobs.remove(name)
        else:
            self._jobs.leave(name)
