"""What benchmarks/leaks.py sees of its namespace: every pod that there ever was, and what is left."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

from kubernetes import client
from leaks_jobs import Facts, Report
from scale_cluster import OWN, Cluster, until
from urllib3.exceptions import HTTPError

SECONDS = 300
LEFT_WITHIN = 60.0
RAN = frozenset({"Running", "Succeeded", "Failed"})


@dataclass
class Sighting:
    """One pod, by its uid.

    Attributes:
        job: id of its job.
        ran: its phase was once Running or later.
        ended: its container had ended before anybody deleted it.
        deleted: when it was first seen to be deleted.
    """

    job: str
    ran: bool = False
    ended: bool = False
    deleted: float | None = None


class Ledger(threading.Thread):
    """Notes every pod of the namespace by a watch of the benchmark's own, which no outage of a case reaches."""

    def __init__(self, core: client.CoreV1Api, namespace: str) -> None:
        super().__init__(daemon=True, name="ledger")
        self._core, self._namespace = core, namespace
        self._over = threading.Event()
        self._version = self._newest()
        self.pods: dict[str, Sighting] = {}
        self.jobs: set[str] = set()

    def run(self) -> None:
        while not self._over.is_set():
            try:
                answer = self._ask(watch=True, resource_version=self._version, timeout_seconds=SECONDS)
                for line in answer:
                    self._note(json.loads(line))
            except (HTTPError, client.ApiException) as error:
                print(f"the ledger watches again: {error}", flush=True)
                time.sleep(1)

    def stop(self) -> None:
        self._over.set()

    def of(self, job: str) -> dict[str, Sighting]:
        return {uid: pod for uid, pod in self.pods.copy().items() if pod.job == job}

    def _ask(self, **options: Any) -> Any:
        return self._core.list_namespaced_pod(self._namespace, _preload_content=False, **options)

    def _newest(self) -> str:
        version: str = json.loads(self._ask(limit=1).data)["metadata"]["resourceVersion"]
        return version

    def _note(self, change: dict[str, Any]) -> None:
        if change["type"] == "ERROR":  # 410: nothing has happened for long
            self._version = self._newest()
            return
        pod = change["object"]
        metadata, phase = pod["metadata"], pod.get("status", {}).get("phase")
        self._version = metadata["resourceVersion"]
        seen = self.pods.setdefault(metadata["uid"], Sighting(metadata.get("labels", {}).get(OWN, "")))
        self.jobs.add(seen.job)
        seen.ran |= phase in RAN
        is_deleted = change["type"] == "DELETED" or "deletionTimestamp" in metadata
        seen.ended |= not is_deleted and _has_ended(pod)
        if is_deleted and seen.deleted is None:
            seen.deleted = time.monotonic()


def _has_ended(pod: dict[str, Any]) -> bool:
    status = pod.get("status", {})
    states = [one.get("state", {}) for one in status.get("containerStatuses") or []]
    return status.get("phase") in {"Succeeded", "Failed"} or any("terminated" in state for state in states)


class Namespace(Cluster):
    """The namespace of the benchmark."""

    def __init__(self, namespace: str) -> None:
        super().__init__(namespace, is_standin=False)
        self._known: set[str] = set()
        self.policies = client.NetworkingV1Api(self.core.api_client)
        self.budgets = client.PolicyV1Api(self.core.api_client)

    def left_names(self) -> list[str]:
        """Return the names of what is there of jobs, by our label and by Helm's records."""
        found = {kind: self.listed(kind) for kind in ("pod", "secret", "config_map")}
        beside = {
            "network_policy": self.policies.list_namespaced_network_policy,
            "pod_disruption_budget": self.budgets.list_namespaced_pod_disruption_budget,
        }
        for kind, listed in beside.items():
            found[kind] = json.loads(listed(self.namespace, _preload_content=False).data)["items"]
        return [
            f"{kind} {one['metadata']['name']}"
            for kind, items in found.items()
            for one in items
            if _is_jobs(one["metadata"].get("labels") or {})
        ]

    def judge(self, report: Report, ledger: Ledger) -> None:
        """Note what is left, and what of the jobs was lost or ran twice."""
        known = self._known
        if not until(lambda: not set(self.left_names()) - known, LEFT_WITHIN):
            left = sorted(set(self.left_names()) - known)
            report.problems += [f"{report.part}: left: {name}" for name in left]
            known.update(left)
        time.sleep(2)  # what is gone now, the ledger has seen by then
        for facts in report.facts:
            _compare(report, facts, ledger.of(facts.job))


def _is_jobs(labels: dict[str, str]) -> bool:
    return OWN in labels or labels.get("owner") == "helm"


def _compare(report: Report, facts: Facts, pods: dict[str, Sighting]) -> None:
    report.counts["pods"] += len(pods)
    for uid in filter(None, facts.accepted):
        pod = pods.get(uid)
        if pod is None:
            report.wrong(facts, f"the pod of an accepted launch was never there ({uid})")
        elif pod.deleted is not None and not pod.ended and pod.deleted < facts.asked:
            before = facts.asked - pod.deleted
            report.wrong(
                facts, f"lost: its pod was deleted {before:.1f} s before anybody asked for it ({uid})"
            )
    ran = sum(pod.ran for pod in pods.values())
    if ran > facts.most:
        report.wrong(facts, f"ran {ran} times, {facts.most} times at most was asked for")
    twice = sorted({uid for uid in facts.accepted if uid and facts.accepted.count(uid) > 1})
    if twice:
        report.wrong(facts, f"two launches were told that the same pod is theirs: {twice}")
