"""A real Prometheus reads a real parent, runs the alert rules of examples/observability, and answers the dashboard."""

from __future__ import annotations

import contextlib
import json
import os
import re
import string
import time

import pytest
import yaml

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.names import LABEL_JOB_ID
from tests.cluster.conftest import ROOT, happens, kubectl
from tests.cluster.metrics_parent import ParentProcess
from tests.cluster.prometheus import EVERY, Graph, serving

pytestmark = pytest.mark.cluster

FOLDER = ROOT / "examples" / "observability"
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
TARGETS = {
    (panel["title"], target["refId"]): target
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", ())
}
WITHIN = 300.0
# What the dashboard must show of the jobs below, of every query: labels of a series, and a number that it reaches.
# None may be empty: series are there from the start, and each kind of thing that is counted happens here.
SHOWN = (
    ("Running", "A", {}, 1),
    ("Waiting", "A", {}, 1),
    ("Unknown", "A", {}, 0),
    ("Longest wait", "A", {}, 45),
    ("Failed in an hour", "A", {}, 1),
    ("Acting parents", "A", {}, 1),
    ("Waiting, by cause", "A", {"code": "NodesTooSmall"}, 1),
    ("Longest wait, by cause", "A", {"code": "NodesTooSmall"}, 45),
    ("Seconds lost in the time shown, by cause", "A", {"code": "NodesTooSmall"}, 30),
    ("From launch to running", "A", {}, 0),
    ("From launch to running", "B", {}, 0),
    ("Ends, by code", "A", {"code": "Success"}, 1),
    ("Ends, by code", "A", {"code": "DeletedExternally"}, 1),
    ("Ends in the time shown", "A", {"code": "DeletedExternally", "return_code": "104"}, 1),
    ("From the end to the parent", "A", {}, 0),
    ("Runs of helm", "A", {"verb": "install", "result": "ok"}, 0),
    ("Runs of helm", "A", {"verb": "uninstall", "result": "ok"}, 0),
    ("How long helm runs", "A", {"verb": "install"}, 0),
    ("How long helm waits for its turn", "A", {"verb": "install"}, 0),
    ("Requests to the API server", "A", {"verb": "get", "result": "ok"}, 0),
    ("Lists and watches that failed, reasons not known", "A", {"kind": "pods"}, 0),
    ("Lists and watches that failed, reasons not known", "B", {"code": "Unclassified"}, 0),
    ("CPU of the parent", "A", {}, 0),
)
FIRING = {
    "FljobWaitsNodesTooSmall": Code.NODES_TOO_SMALL,
    "FljobFailsAppCode": Code.APP_CODE,
    "FljobFailsDeletedExternally": Code.DELETED_EXTERNALLY,
}


def rules():
    """Return the rules as they are, but what has to last does so for a second only."""
    found = yaml.safe_load((FOLDER / "rules.yaml").read_text())
    for group in found["groups"]:
        for rule in group["rules"]:
            if rule.get("for", "0m") != "0m":
                rule["for"] = "1s"
    return yaml.safe_dump(found)


@pytest.fixture
def parent(tmp_path, namespace, image):
    made = ParentProcess(tmp_path, namespace, image)
    yield made
    made.end()


@pytest.fixture
def prometheus(parent):
    """Return a function that starts a Prometheus which reads the parent."""
    with contextlib.ExitStack() as stack:

        def start():
            config = {
                "global": {
                    "scrape_interval": f"{EVERY}s",
                    "scrape_timeout": f"{EVERY}s",
                    "evaluation_interval": "2s",
                },
                "rule_files": ["rules.yaml"],
                "scrape_configs": [{"job_name": "fljob", "static_configs": [{"targets": [parent.host]}]}],
            }
            return stack.enter_context(serving(config, rules=rules()))

        yield start


PODS = """
apiVersion: v1
kind: Pod
metadata: {name: site-1, labels: {app.kubernetes.io/name: site-1}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: parent, image: $image, command: [sleep, "900"], ports: [{containerPort: 8002}, {containerPort: 8102}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: other, labels: {app.kubernetes.io/name: other}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: other, image: $image, command: [sleep, "900"], ports: [{containerPort: 8102}]}]
"""


def test_the_configuration_of_the_examples_finds_each_parent_once(namespace, image):
    """A pod has a target for each port that it declares; all of them get the address of the metrics."""
    kubectl("apply", "-n", namespace, "-f", "-", stdin=string.Template(PODS).substitute(image=image))
    (text,) = re.findall(r"```yaml\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
    config = yaml.safe_load(text)
    (job,) = config["scrape_configs"]
    (found,) = job["kubernetes_sd_configs"]
    found |= {"namespaces": {"names": [namespace]}, "kubeconfig_file": os.environ["KUBECONFIG"]}
    kubectl("wait", "pod", "--all", "-n", namespace, "--for=condition=Ready", f"--timeout={WITHIN:g}s")
    address = kubectl("get", "pod", "site-1", "-n", namespace, "-o", "jsonpath={.status.podIP}")
    with serving(config, rules=(FOLDER / "rules.yaml").read_text()) as read:

        def urls():
            targets = read.ask("targets")["activeTargets"]
            return [one["scrapeUrl"] for one in targets if one["scrapePool"] == "fljob"]

        assert happens(lambda: urls() == [f"http://{address}:9464/metrics"], WITHIN), read.ask("targets")
        dropped = [one for one in read.ask("targets")["droppedTargets"] if one["scrapePool"] == "fljob"]
        assert {one["discoveredLabels"]["__meta_kubernetes_pod_name"] for one in dropped} == {"other"}


def runs(job, namespace):
    """Tell whether the pod of a job runs."""
    label = f"{LABEL_JOB_ID}={job}"
    shown = kubectl("get", "pod", "-n", namespace, "-l", label, "-o", "jsonpath={.items[*].status.phase}")
    return shown == "Running"


def plant(parent, prometheus, namespace):
    """Let jobs wait, run, end well, fail and be deleted; return the Prometheus that has read one end too late."""
    parent.launch("true", cpu="999", pending_timeout=900)
    parent.launch("exit 103")
    early = 'fljob_jobs_ended_total{code="AppCode",return_code="103"} 1.0'
    assert happens(lambda: early in parent.says(), WITHIN), parent.says()
    started = prometheus()
    assert happens(lambda: started.number(f'up{{instance="{parent.host}"}}') == 1, WITHIN)
    parent.launch("sleep 5")
    deleted = parent.launch("sleep 900")
    parent.launch("sleep 900")
    assert happens(lambda: runs(deleted, namespace), WITHIN)
    kubectl("delete", "pod", "-n", namespace, "-l", f"{LABEL_JOB_ID}={deleted}", "--wait=false")
    ends = ("Success", "DeletedExternally")
    query = 'sum(fljob_jobs_ended_total{code="%s"})'
    assert happens(lambda: all(started.number(query % code) == 1 for code in ends), WITHIN)
    assert happens(lambda: started.number('fljob_jobs{state="RUNNING"}') == 1, WITHIN)
    return started


def of_codes(prometheus):
    """Return the alerts about codes that fire."""
    return {name: alert for name, alert in prometheus.firing().items() if "code" in alert["labels"]}


def test_a_real_prometheus_reads_a_real_parent(parent, prometheus, namespace):
    begin = time.time()
    read = plant(parent, prometheus, namespace)
    check_alerts(read)
    for instance in ("", parent.host):
        check_dashboard(read, Graph(begin, time.time(), instance), parent)
    check_scrapes(read, parent)
    assert happens(lambda: "FljobNoMetrics" not in read.firing(), WITHIN)
    parent.end()
    assert happens(lambda: "FljobNoMetrics" in read.firing(), WITHIN), read.firing()


def check_alerts(read):
    """Of all rules those about what was planted fire, with the cure of the catalogue as people read it."""
    assert happens(lambda: set(of_codes(read)) == set(FIRING), WITHIN), read.ask("alerts")
    for name, alert in of_codes(read).items():
        entry = CATALOGUE[FIRING[name]]
        assert alert["annotations"]["cure"] == entry.cure
        assert alert["annotations"]["summary"].endswith(entry.summary)
        assert alert["labels"]["job"] == "fljob"
    waits = of_codes(read)["FljobWaitsNodesTooSmall"]["annotations"]["description"]
    assert re.match(r"One has waited for \d+m \d+(\.\d+)?s \(half of `", waits), waits
    found = [rule for group in read.ask("rules")["groups"] for rule in group["rules"]]
    assert len(found) > 100
    assert [(rule["name"], rule["lastError"]) for rule in found if rule["health"] != "ok"] == []


def check_dashboard(read, graph, parent):
    """Every query of every panel has an answer, and shows what was planted."""
    assert {(title, ref) for title, ref, *_ in SHOWN} == set(TARGETS)
    missing = []
    for title, ref, labels, least in SHOWN:
        found = graph.ask(read, TARGETS[title, ref])
        fits = [max(values) for series, values in found.items() if labels.items() <= dict(series).items()]
        if not any(value >= least for value in fits):
            missing.append((title, ref, labels, least, found))
    assert missing == []
    # Prometheus itself has a process, too.
    (cpu,) = graph.ask(read, TARGETS["CPU of the parent", "A"])
    assert dict(cpu)["instance"] == parent.host
    (variable,) = (one for one in DASHBOARD["templating"]["list"] if one["name"] == "instance")
    metric = re.fullmatch(r"label_values\((\w+), instance\)", variable["definition"]).group(1)
    assert read.ask("label/instance/values", **{"match[]": metric}) == [parent.host]


def check_scrapes(read, parent):
    """The target is up, each series is there from the first scrape on, and no sample was left out."""

    def target():
        (found,) = (one for one in read.ask("targets")["activeTargets"] if one["labels"]["job"] == "fljob")
        return found

    assert target()["scrapeUrl"] == f"http://{parent.host}/metrics"
    assert happens(lambda: (target()["health"], target()["lastError"]) == ("up", ""), WITHIN), target()
    of = f'instance="{parent.host}"'
    scraped = read.number(f"max_over_time(scrape_samples_scraped{{{of}}}[1h])")
    assert scraped == read.number(f"max_over_time(scrape_samples_post_metric_relabeling{{{of}}}[1h])")
    assert scraped == read.number(f'count(last_over_time({{{of},__name__=~"(fljob|process)_.+"}}[1h]))')
    assert scraped == len([line for line in parent.says() if not line.startswith("#")])
    dropped = "prometheus_target_scrapes_(sample_.+|exceeded_.+)_total"
    found = read.query(f'{{__name__=~"{dropped}"}}')
    assert len(found) >= 4
    assert {value for values in found.values() for value in values} == {0}
