"""Namespaces full of forged pods, Secrets, releases and annotations, from a seed, beside real jobs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from launcher.core import names
from launcher.core.jobref import RELEASE_ANNOTATION
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.views import PodView, ReleaseView
from launcher.errors import LauncherError
from launcher.usecases.service import Service
from tests.fakes import START, FakeWorld, exited, running
from tests.jobs import render

__all__ = ["SITE", "Forgery", "attacked", "forge"]

SITE, FED = "site-1", "0123456789abcdef"
REAL = ("7f4e9c1a", "ab1")
_PARENT = "parent"
_JOBS = (*REAL, "A_B.1", "x", "", "ghost")
_SITES = (SITE, "site-2", "", "site#1")


@dataclass(frozen=True)
class Forgery:
    """What an outsider put into one namespace (``forged`` objects), and what must stay whatever fljob does."""

    fake: FakeWorld
    service: Service
    kept_releases: frozenset[str]
    kept_secrets: frozenset[str]
    kept_pods: frozenset[str]
    forged: int
    records: frozenset[str]


def _values(job: str, site: str) -> dict[str, Any]:
    labels = {names.LABEL_JOB_ID: names.label_value(job), names.LABEL_FEDERATION: FED}
    return {"job": {"id": job, "site": site}, "pod": {"name": names.pod_name(job, site)}, "labels": labels}


def _real(fake: FakeWorld, job: str) -> tuple[str, str]:
    """Make a job that runs and that Helm's record confirms, of another site than the attacked parent's."""
    site = "site-real"
    release, pod = names.release_name(job, site), names.pod_name(job, site)
    told = {
        RELEASE_ANNOTATION: release,
        names.ANNOTATION_JOB_ID: job,
        names.ANNOTATION_SITE: site,
    }
    labels = {names.LABEL_JOB_ID: job, names.LABEL_SITE: site, names.LABEL_FEDERATION: FED}
    fake.pods.show(replace(running(), name=pod, uid=pod, annotations=told, labels=labels))
    fake.releases.items[release] = ReleaseView(release, "fl", "deployed", 1, START, _values(job, site))
    fake.secrets.put(names.credential_secret_name(pod), "fl", {}, labels)
    return release, pod


def forge(rng: random.Random) -> Forgery:
    """Return a namespace with two real jobs, releases and Secrets of others, and forged pods."""
    fake = FakeWorld()
    fake.clock.time = 10_000.0
    real = [_real(fake, job) for job in REAL]
    foreign = [_PARENT, *(_foreign_release(fake, rng) for _ in range(rng.randint(0, 2)))]
    fake.releases.items[_PARENT] = ReleaseView(_PARENT, "fl", "deployed", 3, START, {"image": "nvflare"})
    fake.releases.foreign.update(foreign)
    kept_pods = {pod for _, pod in real}
    pods, forged_secrets = rng.randint(1, 4), rng.randint(0, 3)
    for number in range(pods):
        pod = _forged_pod(rng, f"forged-{number}", [*foreign, *(name for name, _ in real)])
        if pod.name not in kept_pods:
            fake.pods.show(pod)
    secrets = {_foreign_secret(fake, rng) for _ in range(forged_secrets)}
    records = {_forged_record(fake, rng, number) for number in range(rng.randint(0, 2))}
    releases = {*foreign, *(name for name, _ in real)}
    credentials = {names.credential_secret_name(pod) for _, pod in real}
    return Forgery(
        fake,
        Service(fake.world, WaitPolicy(), render),
        frozenset(releases),
        frozenset(secrets | credentials),
        frozenset(kept_pods),
        pods + len(secrets) + len(foreign) - 1 + len(records),
        frozenset(records),
    )


def _foreign_release(fake: FakeWorld, rng: random.Random) -> str:
    """Make a release that is not ours, though its name or its values may be those of a job."""
    job, site = rng.choice(_JOBS), rng.choice(_SITES)
    name = rng.choice([names.release_name(job, site), f"app-{rng.randint(0, 9)}"])
    values = rng.choice([{}, {"job": "x"}, {"pod": {"name": ["y"]}}, _values(job, site)])
    fake.releases.items[name] = ReleaseView(name, "fl", "deployed", 1, START, values, chart="web")
    return name


def _forged_record(fake: FakeWorld, rng: random.Random, number: int) -> str:
    """Make a release record that is right in itself, in whichever driver: our label, our chart, a job.

    Whoever may create Secrets (or ConfigMaps) of Helm can do that. It may go, but what it names stays when
    that is another release's: a real job's pod says so itself.
    """
    job, site = rng.choice(REAL), "site-real"
    values = _values(job, site)
    if rng.random() < 0.5:
        values["job"] = {"id": rng.choice(_JOBS) or "x", "site": rng.choice(_SITES) or "x"}
    name = f"{rng.choice(['fj-evil', names.release_name(job, SITE)])}-{number}"
    fake.releases.items[name] = ReleaseView(name, "fl", "deployed", 1, START, values, chart="fljob")
    return name


def _forged_pod(rng: random.Random, name: str, targets: list[str]) -> PodView:
    job, site = rng.choice(_JOBS), rng.choice(_SITES)
    claim = rng.choice([*targets, *targets, names.release_name(job, site), "\x1b[31m" * 99, ""])
    pod = rng.choice([name, names.pod_name(job, site)])
    told = {names.ANNOTATION_JOB_ID: job, names.ANNOTATION_SITE: site, RELEASE_ANNOTATION: claim}
    kept = {key: text for key, text in told.items() if text and rng.random() < 0.9}
    labels = {
        names.LABEL_JOB_ID: rng.choice([names.label_value(job or "x"), "x"]),
        names.LABEL_SITE: names.label_value(site or "x"),
        names.LABEL_FEDERATION: rng.choice([FED, "other"]),
        names.LABEL_ATTEMPT: rng.choice(["1", "x", "9" * 30]),
    }
    shown = rng.choice([exited(1), exited(0), running()])
    return replace(shown, name=pod, uid=f"forged-{pod}", annotations=kept, labels=labels)


def _foreign_secret(fake: FakeWorld, rng: random.Random) -> str:
    """Make a Secret that carries our labels and is no credential of a job."""
    name = rng.choice(["db-password", "nvflare-cred-db", names.startup_secret_name(SITE), "nvflare-cred-"])
    labels = {
        names.LABEL_JOB_ID: rng.choice(_JOBS) or "x",
        names.LABEL_SITE: SITE,
        names.LABEL_FEDERATION: FED,
    }
    fake.secrets.items[name], fake.secrets.labels[name] = {}, labels
    return name


def attacked(forgery: Forgery) -> Iterator[str]:
    """Do everything that takes something away, and yield what was touched that is not the launcher's."""
    fake, service = forgery.fake, forgery.service
    lost: dict[str, object] = {}
    rows = service.jobs("fl")
    seen = {row.job.release: row for row in rows if row.track.pod}
    for release in sorted(forgery.kept_releases - fake.releases.foreign):
        row = seen.get(release)
        if row is None or row.track.pod is None or row.track.pod.name not in forgery.kept_pods:
            yield f"the row of {release} is hidden"
    # A record is believed, whoever made it: it may as well be that of a job which lost its pod.
    recorded = {fake.releases.items[name].values["job"]["id"] for name in forgery.records}
    list(service.sweep("fl", 0.0))
    list(service.reap("fl", SITE, FED, lambda _: False, lost.setdefault))
    yield from (f"{job} was reported" for job in lost.keys() - recorded)
    targets = {pod.annotations.get(RELEASE_ANNOTATION, "") for pod in list(fake.pods.items.values())}
    for name in sorted(
        (targets | fake.releases.foreign | forgery.records) - (forgery.kept_releases - fake.releases.foreign)
    ):
        try:
            service.terminate(name, "fl")
        except LauncherError:
            continue
    kinds = (
        (forgery.kept_releases, fake.releases.items),
        (forgery.kept_secrets, fake.secrets.items),
        (forgery.kept_pods, fake.pods.items),
    )
    for kept, items in kinds:
        yield from (f"{name} is gone" for name in sorted(kept - items.keys()))
    yield from (
        f"{entry} was called"
        for entry in fake.releases.log
        if entry[0] == "uninstall" and entry[1] not in forgery.records
    )
