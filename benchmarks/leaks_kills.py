"""Processes that are killed at random moments of their life, helm too, and their ids launched again.

A process is forked from one that has imported everything: what is killed does what it is there for, and does not
import. Its moment is drawn from the time that the same takes undisturbed.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from leaks_jobs import FOR_EVER, STUCK, Facts, Parent, Place, Report, launch_again

from launcher.errors import LauncherError
from launcher.usecases.handle import JobHandle

VERBS = ("launching", "waiting", "terminating")
# Who is killed, and how often. A helm that is not gets SIGTERM when its parent has died, or goes on (an uninstall).
VICTIMS = {"both": 6, "the process": 2, "helm": 2}
# How far behind the usual end of what it does a process may be killed.
BEYOND = 1.1
# How long a job lasts that is waited for, and how often that wait is met, and not what follows.
WAITS, EARLY = (1.0, 3.0), 0.3
READY_WITHIN, STOPPED_WITHIN = 120.0, 5.0
# What a launch or a removal says whose helm was killed, and nothing else.
KILLED = "was killed by signal 9"
FORKS = multiprocessing.get_context("forkserver")


class Usual:
    """How long launching, waiting and terminating take here, by what has been seen last."""

    def __init__(self) -> None:
        self._seconds = {"launching": 0.4, "waiting": 0.4, "terminating": 0.4}

    def saw(self, verb: str, seconds: float) -> None:
        self._seconds[verb] = 0.7 * self._seconds[verb] + 0.3 * seconds

    def moment(self, verb: str, chance: Random, end: float) -> float:
        """Return the moment of a kill; of a process that waits mostly while it cleans up behind the end."""
        moment, is_early = chance.random() * BEYOND, chance.random() < EARLY
        if verb != "waiting":
            return moment * self._seconds[verb]
        left = max(end - time.monotonic(), 0.0)
        return moment * left if is_early else left + moment * self._seconds[verb]


def kill(parent: Parent, chance: Random, facts: Facts, report: Report, usual: Usual) -> None:
    """Let a process launch, wait for or terminate a job, kill it, and launch the id again."""
    verb, seconds = chance.choice(VERBS), chance.uniform(*WAITS)
    (victim,) = chance.choices(list(VICTIMS), list(VICTIMS.values()))
    begin = time.monotonic()
    if verb == "launching":
        facts.most += 1
    else:
        _launch(parent, facts, report, seconds if verb == "waiting" else FOR_EVER)
        begin = time.monotonic()
    ours, theirs = FORKS.Pipe()
    process = FORKS.Process(target=live, args=(parent.place, verb, facts.job, theirs))
    process.start()
    theirs.close()
    assert ours.poll(READY_WITHIN), f"{facts.case}: not ready"
    ours.recv()
    if verb == "terminating":
        facts.ask()
    ours.send("go")
    time.sleep(usual.moment(verb, chance, begin + seconds))
    is_helm_alone = victim == "helm" and kill_helm(process.pid or 0)
    if is_helm_alone:
        ours.poll(STUCK)  # the process goes on, and has to cope with that
    kill_all(process.pid or 0, helm=victim == "both")
    killed = time.monotonic()
    process.join()
    _hear(ours, verb, facts, report, usual, is_helm_alone=is_helm_alone)
    report.count(f"{verb}, {victim if victim != 'helm' or is_helm_alone else 'the process'} killed")
    launch_again(parent, facts, chance, report, killed)


def _launch(parent: Parent, facts: Facts, report: Report, seconds: float) -> None:
    with report.judged(facts):
        handle = parent.launch(facts.job, seconds)
        facts.accept(handle)


def _hear(
    ours: Connection, verb: str, facts: Facts, report: Report, usual: Usual, *, is_helm_alone: bool
) -> None:
    """Learn what the process had done when it was killed."""
    try:
        done, uid, seconds = ours.recv() if ours.poll() else ("", "", 0.0)
    except (EOFError, OSError):  # killed before it had read what it was told
        done = ""
    if done == "done":
        report.count("of them after it was done")
        usual.saw(verb, seconds)
        if verb == "launching":
            facts.accepted.append(uid)
    elif done and not (is_helm_alone and KILLED in done):
        report.wrong(facts, f"{verb}: {done}")
    elif is_helm_alone and not done:
        report.wrong(facts, f"{verb}: nothing is heard of it {STUCK:.0f} s after its helm was killed")


def kill_helm(pid: int) -> bool:
    """Kill what a process has started, and not itself; return whether there was anything."""
    found = list(descendants(pid))
    for one in found:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    return bool(found)


def kill_all(pid: int, *, helm: bool) -> None:
    """Kill a process and, at the same moment, all that it has started."""
    os.kill(pid, signal.SIGSTOP)  # so that nothing hears of the death of another, and nothing new is started
    end = time.monotonic() + STOPPED_WITHIN
    while _stat(pid)[0] not in "TZ" and time.monotonic() < end:
        time.sleep(0.001)
    if helm:
        kill_helm(pid)
    os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            state, parent = _stat(int(entry.name))
            if parent == pid and state != "Z":
                yield int(entry.name)
                yield from descendants(int(entry.name))


def _stat(pid: int) -> tuple[str, int]:
    """Return the state of a process and its parent."""
    try:
        state, parent, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "Z", 0
    return state, int(parent)


def live(place: Place, verb: str, job: str, driver: Connection) -> None:
    """Do in a process of its own what it is killed for; then wait for that."""
    os.setsid()
    parent = Parent(place)
    # What a launch imports and connects to is there before it begins.
    handle: JobHandle | None = None
    parent.lives(job)
    if verb == "waiting":
        handle = parent.service.attach(parent.release(job), place.namespace)
    driver.send("ready")
    driver.recv()
    begin, uid = time.monotonic(), ""
    try:
        if verb == "launching":
            uid = parent.launch(job).job.uid
        elif handle is not None:
            handle.wait()
            begin = time.monotonic()
            handle.close(STUCK)
        else:
            parent.terminate(job)
    except LauncherError as error:
        driver.send((f"{type(error).__name__}: {error}", "", 0.0))
    else:
        driver.send(("done", uid, time.monotonic() - begin))
    time.sleep(STUCK)


def prepare() -> None:
    """Let the process from which all others are forked import what they need."""
    FORKS.set_forkserver_preload(["leaks_kills", *_LATE])


# What the launcher imports when it needs it.
_LATE = (
    "launcher.core.values.build",
    "launcher.edges.disk.site_files",
    "launcher.edges.helm.command",
    "launcher.edges.kube",
    "launcher.usecases.service",
)
