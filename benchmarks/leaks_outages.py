"""Outages of the API server at random moments of launches and removals, as one parent behind a proxy sees them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import Random

from leaks_jobs import FOR_EVER, STUCK, WITHIN, Facts, Parent, Report, launch_again
from proxy import Proxy, through

from launcher.core.catalogue import Code
from launcher.errors import LauncherError
from launcher.usecases.handle import JobHandle

JOBS = 4
# When the outage begins, and how long before that the act begins that it is to meet.
BEGIN, BEFORE = 4.0, 0.6
# How often it begins as soon as the first pod is there, while helm has not heard of that yet, and when at the latest.
AIMED, LATEST = 0.5, 3.0
LENGTHS, RESTART = (1.0, 12.0), (0.5, 3.0)
# How long a job lasts, or after how long its end is asked for, where that is not the act.
LATER = (0.0, 5.0)
EXPECTED = frozenset({Code.SUCCESS, Code.TERMINATED})


def _cut(proxy: Proxy, chance: Random) -> None:
    proxy.refuse()
    time.sleep(chance.uniform(*LENGTHS))


def _frozen(proxy: Proxy, chance: Random) -> None:
    proxy.freeze()
    time.sleep(chance.uniform(*LENGTHS))


def _silent(proxy: Proxy, chance: Random) -> None:
    proxy.fall_silent()
    time.sleep(chance.uniform(*LENGTHS))


def _restarted(proxy: Proxy, chance: Random) -> None:
    proxy.refuse()
    time.sleep(chance.uniform(*RESTART))


KINDS = {"cut": _cut, "frozen": _frozen, "silent": _silent, "restarted": _restarted}


def _sleep_until(moment: float) -> None:
    time.sleep(max(moment - time.monotonic(), 0.0))


class Outage:
    """One parent behind a proxy, some jobs of it, and one outage.

    Args:
        straight: whoever launches the ids again, past the proxy.
        chance: decides when what happens.
        facts: about each job.
        report: of the part.
        pods: the ids of which there was a pod.
    """

    def __init__(
        self, straight: Parent, chance: Random, facts: list[Facts], report: Report, pods: Container[str]
    ) -> None:
        self._straight, self._chance, self._facts, self._report = straight, chance, facts, report
        self._pods = pods

    def run(self) -> None:
        place, chance = self._straight.place, self._chance
        kind = chance.choice(sorted(KINDS))
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(JOBS) as pool:
            proxy, path = through(place.kubeconfig, Path(folder))
            parent = Parent(replace(place, kubeconfig=path))
            parent.lives(self._facts[0].job)  # connected
            chances = [Random(chance.random()) for _ in self._facts]
            begin = time.monotonic()
            lives = [
                pool.submit(self._live, parent, facts, one, begin)
                for facts, one in zip(self._facts, chances, strict=True)
            ]
            self._await_moment(begin + BEGIN)
            KINDS[kind](proxy, chance)
            proxy.recover()
            recovered = time.monotonic()
            self._report.count(kind)
            for facts, life, one in zip(self._facts, lives, chances, strict=True):
                life.result()
                late = facts.finished - recovered
                if late > WITHIN:
                    self._report.wrong(facts, f"over {late:.0f} s after the end of the outage ({kind}) only")
                launch_again(self._straight, facts, one, self._report, max(recovered, facts.finished))
            parent.stop()
            proxy.close()

    def _await_moment(self, moment: float) -> None:
        _sleep_until(moment - BEFORE)
        before = [facts.job for facts in self._facts if facts.job in self._pods]
        new = [facts.job for facts in self._facts if facts.job not in before]
        if self._chance.random() > AIMED or not new:
            _sleep_until(moment)
            return
        while not any(job in self._pods for job in new) and time.monotonic() < moment + LATEST:
            time.sleep(0.001)

    def _live(self, parent: Parent, facts: Facts, chance: Random, begin: float) -> None:
        """Launch one job and see it to its end, or terminate it: one of both acts is met by the outage."""
        is_asked, is_of_launch = chance.choice((True, False)), chance.choice((True, False))
        act = begin + BEGIN - chance.uniform(0, BEFORE)
        launch = act if is_of_launch else begin + chance.random()
        end = launch + chance.uniform(*LATER) if is_of_launch else act
        with self._report.judged(facts):
            facts.most = 1
            _sleep_until(launch)
            seconds = FOR_EVER if is_asked else max(end - time.monotonic(), 0.1)
            handle = parent.launch(facts.job, seconds, retry_refused=True)
            if is_asked:
                _sleep_until(end)
                facts.ask()
                self._end(handle, facts)
            outcome = handle.wait(STUCK)
            if outcome is None or outcome.code not in EXPECTED:
                self._report.wrong(facts, f"lost: {outcome}")
            else:
                self._report.count(outcome.code.value)
            if not handle.close(STUCK):
                self._report.wrong(facts, "its removal does not end")
            facts.accepted.append(handle.job.uid)
        facts.finished = time.monotonic()

    def _end(self, handle: JobHandle, facts: Facts) -> None:
        """End a job as FLARE's parent does: what cannot be removed now is removed in the background."""
        with self._report.judged(facts, later=LauncherError):
            handle.terminate()
