"""Launches and terminates of one id that race each other: two processes' worth of launchers, several threads."""

from __future__ import annotations

import threading
import time
from random import Random

from leaks_jobs import FOR_EVER, STUCK, Facts, Parent, Report, launch_again

from launcher.errors import Cancelled, Conflict, NotFound
from launcher.usecases.handle import JobHandle

# What others do while a job is launched, and how many of them there are at most.
OTHERS = ("launch", "launch", "terminate", "terminate", "abort", "cancel", "wait")
MOST_OTHERS = 3
# A launch or removal takes a quarter of a second, on a busy machine two.
LAST_BEGIN, SHORT = (0.0, 0.3, 1.0, 2.0), 1.0
HANDLE_WITHIN = 60.0


class Race:
    """One id, and all who do something to it; the first of them launches.

    Args:
        parents: two processes' worth of launchers.
        chance: decides who does what and when.
        facts: about the id.
        report: of the part.
    """

    def __init__(self, parents: tuple[Parent, Parent], chance: Random, facts: Facts, report: Report) -> None:
        self._parents, self._chance, self._facts, self._report = parents, chance, facts, report
        self._handles: list[JobHandle] = []
        self._first = threading.Event()
        self._cancel = threading.Event()
        self._others = chance.choices(OTHERS, k=chance.randint(1, MOST_OTHERS))
        # Of a job that somebody waits for the end comes by itself.
        self._seconds = SHORT if "wait" in self._others else FOR_EVER

    def run(self) -> None:
        """Let them race, then end what is there and launch the id again."""
        chance = self._chance
        threads = [threading.Thread(target=self._launch, args=(self._parents[0], self._cancel, 0.0))]
        for what in self._others:
            parent, pause = chance.choice(self._parents), chance.uniform(0, chance.choice(LAST_BEGIN))
            threads.append(threading.Thread(target=self._act, args=(what, parent, pause)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(STUCK)
            if thread.is_alive():
                self._report.wrong(self._facts, f"{self._others}: somebody is stuck for {STUCK:.0f} s")
        for handle in self._handles:
            if not handle.close(STUCK):
                self._report.wrong(self._facts, "a removal does not end")
        launch_again(self._parents[1], self._facts, self._chance, self._report, time.monotonic())

    def _act(self, what: str, parent: Parent, pause: float) -> None:
        time.sleep(pause)
        if what == "launch":
            self._launch(parent, None, 0.0)
        elif what == "terminate":
            self._terminate(parent)
        elif what == "cancel":
            self._facts.ask()
            self._cancel.set()
        elif self._first.wait(HANDLE_WITHIN) and self._handles:
            self._of_handle(what, self._handles[0])

    def _launch(self, parent: Parent, cancel: threading.Event | None, pause: float) -> None:
        time.sleep(pause)
        with self._report.judged(self._facts, refused=Conflict, cancelled=Cancelled):
            try:
                handle = parent.launch(self._facts.job, self._seconds, cancel=cancel)
            except Cancelled:
                self._facts.most += 1  # its pod may have run before
                raise
            else:
                self._facts.accept(handle)
                self._handles.append(handle)
                self._report.count("launched")
            finally:
                self._first.set()

    def _terminate(self, parent: Parent) -> None:
        self._facts.ask()
        with self._report.judged(self._facts, gone=NotFound):
            parent.terminate(self._facts.job)
            self._report.count("terminated")

    def _of_handle(self, what: str, handle: JobHandle) -> None:
        with self._report.judged(self._facts):
            if what == "abort":
                self._facts.ask()
                handle.terminate()
                self._report.count("aborted")
            elif handle.wait(STUCK) is None:
                self._report.wrong(self._facts, "its end is not seen")
            else:
                self._report.count("waited for")
