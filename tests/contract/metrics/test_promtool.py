"""Prometheus' own tool reads what a parent says, the rules, and the queries of the dashboard."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest

from launcher.edges.metrics.counting import PrometheusMetrics

FOLDER = Path(__file__).parents[3] / "examples" / "observability"
RULES = FOLDER / "rules.yaml"
ALL = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
BY_NAME = {rule["alert"]: rule for rule in ALL if "alert" in rule}


def promtool(*words: str, stdin: bytes | None = None) -> str:
    if shutil.which("promtool") is None:
        pytest.fail(
            'promtool is not on PATH: run `scripts/test contract`, or `eval "$(scripts/tools promtool)"`'
        )
    done = subprocess.run(["promtool", *words], input=stdin, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return (done.stdout + done.stderr).decode()


def test_what_a_parent_says_is_named_as_it_should_be():
    assert promtool("check", "metrics", stdin=generate_latest(PrometheusMetrics().registry)) == ""


def test_the_rules_are_rules():
    assert f"SUCCESS: {len(ALL)} rules found" in promtool("check", "rules", str(RULES))


def test_every_query_of_the_dashboard_is_one(tmp_path):
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    as_grafana = [
        re.sub(r"\$__(rate_interval|range)", "5m", query).replace("$instance", ".*") for query in queries
    ]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(as_grafana)]
    (tmp_path / "queries.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]})
    )
    assert f"SUCCESS: {len(queries)} rules found" in promtool(
        "check", "rules", str(tmp_path / "queries.yaml")
    )


def test_the_configuration_in_the_readme_is_one(tmp_path):
    (text,) = re.findall(r"```yaml\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
    (tmp_path / "prometheus.yml").write_text(text)
    shutil.copy(RULES, tmp_path)
    assert "SUCCESS" in promtool("check", "config", str(tmp_path / "prometheus.yml"))


def fires(tmp_path, alert, series, minute, labels, description):
    """Let a rule see some series, a value a minute, and say whether it fires with its cure then."""
    rule = BY_NAME[alert]
    annotations = dict(rule["annotations"]) | ({"description": description} if description else {})
    expected = {"exp_labels": rule["labels"] | labels, "exp_annotations": annotations}
    quiet = {"eval_time": "1m", "alertname": alert, "exp_alerts": []}
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [quiet, {"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": [expected]}],
    }
    file = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(file))
    return "SUCCESS" in promtool("test", "rules", str(tmp_path / "test.yaml"))


PLANTED = {
    "a job that ends": (
        "FljobFailsOOMKilled",
        {'fljob_jobs_ended_total{code="OOMKilled",return_code="104",pod="p"}': "0 0 0 1 1 1"},
        5,
        {"pod": "p"},
        None,
    ),
    "a job that had ended before its parent was read": (
        "FljobFailsAppCode",
        {
            'fljob_jobs_ended_total{code="AppCode",return_code="103",pod="p"}': "_ _ 1 1 1",
            'fljob_jobs_ended_total{code="OOMKilled",return_code="104",pod="p"}': "_ _ 0 0 0",
            'process_start_time_seconds{pod="p"}': "_ _ 60 60 60",
        },
        3,
        {"pod": "p"},
        None,
    ),
    "a cause without a name that the parent has met before it was read": (
        "FljobUnclassified",
        {
            'fljob_jobs_unclassified_total{code="Unclassified",pod="p"}': "_ _ 2 2 2",
            'process_start_time_seconds{pod="p"}': "_ _ 60 60 60",
        },
        3,
        {"pod": "p"},
        None,
    ),
    "jobs that wait": (
        "FljobWaitsImagePullTransient",
        {'fljob_jobs_pending_longest_seconds{code="ImagePullTransient",pod="p"}': "0 60 120 180 240"},
        4,
        {"pod": "p"},
        "One has waited for 4m 0s (half of `timeouts.pull`, as it is by default).",
    ),
    "a parent that waits": ("FljobStoodDown", {'fljob_acting{pod="p"}': "1 1 0x10"}, 8, {"pod": "p"}, None),
    "a parent that is gone": ("FljobNoMetrics", {'up{pod="p"}': "0x10"}, 6, {}, None),
    "an API server that is away": (
        "FljobApiFails",
        {
            'fljob_api_requests_total{result="ok",verb="watch",pod="p"}': "0+10x4 40x30",
            'fljob_api_requests_total{result="no_answer",verb="watch",pod="p"}': "0x4 0+10x30",
        },
        20,
        {"pod": "p"},
        None,
    ),
    "a queue for helm": (
        "FljobHelmQueue",
        {
            'fljob_helm_queue_duration_seconds_bucket{verb="install",le="30",pod="p"}': "0x30",
            'fljob_helm_queue_duration_seconds_bucket{verb="install",le="60",pod="p"}': "0+5x30",
            'fljob_helm_queue_duration_seconds_bucket{verb="install",le="+Inf",pod="p"}': "0+5x30",
        },
        20,
        {"pod": "p", "verb": "install"},
        None,
    ),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_cause_fires_with_its_cure(tmp_path, what):
    assert fires(tmp_path, *PLANTED[what])


QUIET = {
    "an end of long ago, read by a Prometheus that begins now": (
        "FljobFailsOOMKilled",
        {
            'fljob_jobs_ended_total{code="OOMKilled",return_code="104",pod="p"}': "_x30 7x30",
            'process_start_time_seconds{pod="p"}': "_x30 0x30",
        },
    ),
    "an end of long ago, of a parent whose neighbour begins now": (
        "FljobFailsOOMKilled",
        {
            'fljob_jobs_ended_total{code="OOMKilled",return_code="104",instance="old"}': "_x30 7x30",
            'process_start_time_seconds{instance="old"}': "_x30 0x30",
            'process_start_time_seconds{instance="new"}': "_x30 1800x30",
        },
    ),
}


@pytest.mark.parametrize("what", QUIET)
def test_what_is_over_fires_no_more(tmp_path, what):
    alert, series = QUIET[what]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": []} for minute in range(29, 60, 2)
        ],
    }
    file = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(file))
    assert "SUCCESS" in promtool("test", "rules", str(tmp_path / "test.yaml"))
