"""The jobs of benchmarks/leaks.py: what they are, who launches them, and how an id is launched again."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

from scale_cluster import TAINT

from launcher.composition import make_service, render_values
from launcher.core.flare.meta import parse_meta
from launcher.core.names import credential_secret_name, pod_name
from launcher.core.spec.assemble import Request, build_jobspec
from launcher.core.spec.jobspec import EnvVar, JobSpec, SecretKey
from launcher.core.spec.site import SiteConfig
from launcher.core.spec.study import Study
from launcher.core.views import Presence
from launcher.errors import Conflict, LauncherError, NotFound
from launcher.usecases.handle import JobHandle

SITE = "leaks"
FOR_EVER = 86400.0
SECRET = {"TOKEN": b"of the benchmark"}
WITHIN = 60.0
TRY_EVERY = 0.5
# How many of those who find a half installed release terminate it, as the cure says; the others wait.
IMPATIENT = 0.3
# More than any removal, or any run of helm, may last.
STUCK = 240.0


@dataclass(frozen=True)
class Place:
    """Where jobs run; goes to other processes as it is.

    Attributes:
        namespace: of the benchmark.
        kubeconfig: of whoever launches.
        image: of real pods; empty = pods on kwok's nodes.
        is_hurried: whoever finds half a release terminates it.
    """

    namespace: str
    kubeconfig: str
    image: str
    is_hurried: bool = False

    def site(self, seconds: float) -> SiteConfig:
        values: dict[str, object] = {"networkPolicy": {"enabled": True}, "disruption": {"budget": True}}
        if not self.image:
            spec = {
                "nodeSelector": {"fake": self.namespace},
                "tolerations": [{"key": TAINT, "operator": "Exists"}],
            }
            values["pod"] = {"annotations": {"fake.fljob.internal/run-for": f"{seconds:.2f}s"}, "spec": spec}
        return SiteConfig(
            site=SITE,
            namespace=self.namespace,
            kubeconfig=self.kubeconfig,
            values=values,
            ephemeral_storage="32Mi",
        )

    def spec(self, job_id: str, seconds: float) -> JobSpec:
        k8s = {"image": self.image or "localhost/none:1", "cpu_request": "1m"}
        secret = credential_secret_name(pod_name(job_id, SITE))
        request = Request(
            job_id=job_id,
            site=SITE,
            command=("sleep", f"{seconds:.2f}"),
            secret_env=tuple(EnvVar(key, secret=SecretKey(secret, key)) for key in SECRET),
        )
        meta = parse_meta({"launcher_spec": {"default": {"k8s": k8s}}}, SITE)
        return build_jobspec(request, meta, Study(), self.site(seconds))


class Parent:
    """Launches and ends jobs as one process does, with its own watch and its own helm."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.service = make_service(place.site(FOR_EVER))

    def launch(
        self,
        job_id: str,
        seconds: float = FOR_EVER,
        *,
        cancel: threading.Event | None = None,
        retry_refused: bool = False,
    ) -> JobHandle:
        service = replace(self.service, render=partial(render_values, site=self.place.site(seconds)))
        spec = self.place.spec(job_id, seconds)
        return service.launch(spec, secret=SECRET, cancel=cancel, retry_refused=retry_refused)

    def release(self, job_id: str) -> str:
        return self.place.spec(job_id, FOR_EVER).release

    def terminate(self, job_id: str) -> None:
        self.service.terminate(self.release(job_id), self.place.namespace)

    def lives(self, job_id: str) -> bool:
        """Return whether there is a pod that has neither ended nor been deleted."""
        name = self.place.spec(job_id, FOR_EVER).pod_name
        seen = self.service.world.pods.get(name, self.place.namespace)
        pod = seen.value
        return (
            seen.presence is Presence.FOUND
            and pod is not None
            and pod.deleted is None
            and pod.phase in {"Pending", "Running"}
        )

    def stop(self) -> None:
        self.service.world.pods.stop()


@dataclass
class Facts:
    """What was done to one id, to be compared with the pods that there were.

    Attributes:
        case: its part and number.
        job: the id.
        accepted: uids of the pods of launches that were accepted, as their handles know them.
        asked: when somebody first asked for the end of the job.
        most: how many pods may have run.
        finished: when it was over, without what was launched again.
    """

    case: str
    job: str
    accepted: list[str] = field(default_factory=list)
    asked: float = float("inf")
    most: int = 0
    finished: float = 0.0

    def ask(self) -> None:
        self.asked = min(self.asked, time.monotonic())

    def accept(self, handle: JobHandle) -> None:
        self.accepted.append(handle.job.uid)
        self.most += 1


class Report:
    """What became of one part: counts, what is wrong, and how soon ids could be launched again."""

    def __init__(self, part: str) -> None:
        self.part = part
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.again: list[float] = []
        self.facts: list[Facts] = []
        self._lock = threading.Lock()

    def new(self, number: int, job: str) -> Facts:
        facts = Facts(f"{self.part}:{number}", job)
        with self._lock:
            self.facts.append(facts)
        return facts

    def count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def wrong(self, facts: Facts, what: str) -> None:
        line = f"{facts.case} {facts.job}: {what}"
        with self._lock:
            self.problems.append(line)
        print("WRONG", line, flush=True)

    @contextmanager
    def judged(self, facts: Facts, **expected: type[LauncherError]) -> Iterator[None]:
        """Count the errors that may come, by the word for each, and note every other one."""
        try:
            yield
        except LauncherError as error:
            word = next((word for word, kind in expected.items() if isinstance(error, kind)), None)
            if word is None:
                self.wrong(facts, f"unexpected {type(error).__name__}: {error}")
            else:
                self.count(word)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other cases go on
            self.wrong(facts, f"unexpected {error!r}")


def launch_again(parent: Parent, facts: Facts, chance: Random, report: Report, since: float) -> None:
    """Launch an id again, as whoever needs it does, and take the job away.

    A job that lives is terminated first. Of those who find half of a release some terminate it, the others wait.
    Whoever tries when a minute is over must not be refused.
    """
    is_impatient = chance.random() < IMPATIENT or parent.place.is_hurried
    while True:
        began = time.monotonic()
        try:
            handle = parent.launch(facts.job)
            break
        except Conflict as error:
            why = error
            if is_impatient or parent.lives(facts.job):
                facts.ask()
                _terminate(parent, facts, report)
        except LauncherError as error:
            why = error
            report.count(f"launch again: {type(error).__name__}")
        if began - since > WITHIN:
            report.wrong(facts, f"cannot be launched again after {began - since:.0f} s: {why}")
            return
        time.sleep(TRY_EVERY)
    facts.accept(handle)
    report.again.append(began - since)
    facts.ask()
    with report.judged(facts):
        handle.terminate()
    if not handle.close(STUCK):
        report.wrong(facts, "the job that was launched again is not removed")


def _terminate(parent: Parent, facts: Facts, report: Report) -> None:
    with report.judged(facts, gone=NotFound):
        parent.terminate(facts.job)
