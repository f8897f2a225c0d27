"""What examples/observability asks Prometheus: only what a parent gives, by names and labels of its real registry."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.edges.metrics.counting import PrometheusMetrics

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "examples" / "observability"
GROUPS = yaml.safe_load((FOLDER / "rules.yaml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"] if "alert" in rule]
RECORDS = [rule for group in GROUPS for rule in group["rules"] if "record" in rule]
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
# What a query may have besides metrics and labels.
WORDS = {
    *("sum", "max", "by", "without", "rate", "increase", "histogram_quantile", "sort_desc", "absent", "label_values"),
    *("and", "or", "on", "time"),
    *("s", "m", "h", "__rate_interval", "__range"),
}  # fmt: skip
# What Prometheus or its scrape adds to every series.
ADDED = {"instance", "job", "namespace", "pod"}
SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)(=~|=)"([^"]*)"')


def series() -> list[dict[str, str]]:
    """Return the labels of every series of a parent that has just begun, its name among them."""
    families = text_string_to_metric_families(generate_latest(PrometheusMetrics().registry).decode())
    return [{"__name__": one.name, **one.labels} for family in families for one in family.samples]


def recorded(record: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield the series that a recording rule makes of a parent's, without the labels that it sums over."""
    (lost,) = re.findall(r"without \((\w+)\)", record["expr"])
    for one in series():
        if one["__name__"] in record["expr"]:
            yield {key: value for key, value in one.items() if key != lost} | {"__name__": record["record"]}


SERIES = series() + [one for record in RECORDS for one in recorded(record)]
NAMES = {one["__name__"] for one in SERIES}
LABELS = {label for one in SERIES for label in one} | ADDED


def matched(name: str, matchers: list[tuple[str, str, str]]) -> Iterator[dict[str, str]]:
    """Yield the series that a selector finds; what the scrape adds fits."""
    for one in SERIES:
        fits = [
            re.fullmatch(value, one.get(label, "")) if operator == "=~" else one.get(label) == value
            for label, operator, value in matchers
            if label not in ADDED
        ]
        if one["__name__"] == name and all(fits):
            yield one


def wrong(query: str) -> list[str]:
    """Return what in a query no parent gives."""
    found = [
        f"{name}{{{inside}}}"
        for name, inside in SELECTOR.findall(query)
        if not any(matched(name, MATCHER.findall(inside)))
    ]
    bare = re.sub(r'"[^"]*"', "", query)
    words = set(re.findall(r"[a-zA-Z_:][\w:]*", bare)) - WORDS - NAMES - LABELS
    return found + sorted(words)


@pytest.mark.parametrize(("title", "query"), QUERIES, ids=[title for title, _ in QUERIES])
def test_a_query_of_the_dashboard_asks_for_what_there_is(title, query):
    assert wrong(query) == []
    assert query.count("(") == query.count(")")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_asks_for_what_there_is_and_says_what_to_do(rule):
    assert wrong(rule["expr"]) == []
    assert rule["labels"]["severity"] in ("info", "warning", "critical")
    assert all(rule["annotations"][name].strip() for name in ("summary", "cure"))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["record"])
def test_what_rules_share_asks_for_what_there_is_and_is_read(record):
    assert wrong(record["expr"]) == []
    assert any(record["record"] in rule["expr"] for rule in RULES)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ('code:fljob_jobs_ended:increase15m{return_code="0"}', ['code:fljob_jobs_ended:increase15m{return_code="0"}']),
        ("sum(fljob_jobz)", ["fljob_jobz"]),
        ('fljob_jobs{state="RUNING"}', ['fljob_jobs{state="RUNING"}']),
        ('fljob_jobs{code="Pulling"}', ['fljob_jobs{code="Pulling"}']),
        ('rate(fljob_helm_runs_total{result=~"faild|timd_out"}[5m])', ['fljob_helm_runs_total{result=~"faild|timd_out"}']),
        ("sum by (cause) (fljob_jobs_pending)", ["cause"]),
        ('fljob_jobs{instance=~"$instance",state="RUNNING"}', []),
        ("rate(fljob_helm_run_duration_seconds_bucket[5m])", []),
    ],
)  # fmt: skip
def test_a_query_for_what_there_is_not_is_found(query, words):
    assert wrong(query) == words


def test_every_way_to_fail_has_a_rule_with_its_cure():
    by_code = {rule["labels"].get("code"): rule for rule in RULES if rule["alert"].startswith("FljobFails")}
    wanted = {Code.SUCCESS, Code.TERMINATED, Code.RELEASE_UNINSTALLED}
    assert set(by_code) == {code.value for code in set(CATALOGUE) - wanted}
    for code, entry in CATALOGUE.items():
        if code in wanted:
            continue
        rule = by_code[code.value]
        assert rule["annotations"]["cure"].replace('{{ "{{" }}', "{{") == entry.cure
        is_sites = entry.return_code is ReturnCode.INFRASTRUCTURE_ERROR
        assert rule["labels"]["severity"] == ("warning" if is_sites else "info")


def test_no_two_rules_have_one_name():
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names) > 100


def test_the_files_are_as_the_catalogue_is():
    script = [sys.executable, str(ROOT / "scripts" / "observability"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_the_operators_rules_are_the_same():
    found = yaml.safe_load((FOLDER / "prometheusrule.yaml").read_text())
    assert found["kind"] == "PrometheusRule"
    assert found["spec"]["groups"] == GROUPS


def test_the_examples_name_the_port_of_the_settings_example():
    for name in ("podmonitor.yaml", "README.md"):
        assert "metrics_port: 9464" in (FOLDER / name).read_text()
        assert "$1:9464" in (FOLDER / name).read_text()


def test_panels_have_a_title_a_meaning_and_a_place_of_their_own():
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(panel["title"] and panel["description"] for panel in PANELS)
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    unseen = {"fljob_acting"}  # of the variable
    asked = " ".join(query for _, query in QUERIES)
    rows = {re.sub(r"_(bucket|sum|count)$", "", name) for name in NAMES if name.startswith("fljob_")}
    assert {name for name in rows if name not in asked} - unseen == set()


def test_what_happens_now_and_then_can_be_seen():
    """A quantile of one start has gaps on both sides: a line alone would not draw it. Ends are counted in whole jobs."""
    graphs = [panel for panel in PANELS if panel["type"] == "timeseries"]
    assert {panel["fieldConfig"]["defaults"]["custom"]["showPoints"] for panel in graphs} == {"auto"}
    for panel in PANELS:
        if any("increase(fljob_jobs_ended_total" in target["expr"] for target in panel["targets"]):
            assert panel["fieldConfig"]["defaults"]["decimals"] == 0


def test_the_variable_asks_for_what_there_is():
    (variable,) = (one for one in DASHBOARD["templating"]["list"] if one["type"] == "query")
    assert wrong(variable["definition"]) == []
    assert variable["query"]["query"] == variable["definition"]
