"""What Grafana and Prometheus are told to look at exists, and every metric has its line in docs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from tests.serve.api.server import Api, new_key, running

from atalaia.kernel.base.database import connect
from atalaia.kernel.watch import severity

ROOT = Path(__file__).resolve().parents[3]
NAME = re.compile(r"\b(?:atalaia|process)_\w+")
UNITS = (
    "_seconds", "_bytes", "_rows", "_items", "_entries", "_version", "_up", "_alive", "_open",
    "_waiting", "_listeners",
)  # fmt: skip


@pytest.fixture(scope="module")
def families(database_of_module: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every family of /metrics and its type, of an API that has answered and a ledger with rows."""
    with connect(autocommit=True) as connection:
        connection.execute(
            """WITH run AS (
                   INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period,
                       run_status, finished_at_utc, actor, trigger, trace_id)
                   VALUES (gen_random_uuid(), 'j', 'x', '2024', 'success', now(), 'a', 'cli', '-')
                   RETURNING run_id)
               INSERT INTO ops.dead_letters (domain, entity_type, entity_id, error_type, reason,
                   payload, run_id, reference_period)
               SELECT 'x', 'x', '1', 'permanent', 'r', '{}', run_id, '2024' FROM run"""
        )
    with running(tmp_path_factory.mktemp("metrics")) as api:
        api.get("/v1/ops/summary", X_API_Key=new_key("viewer"))
        text = _scraped(api)
    assert 'atalaia_dead_letters_rows{domain="x"} 1.0' in text
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))


def _scraped(api: Api) -> str:
    text = api.get("/metrics").text
    assert "atalaia_database_up 1.0" in text
    return text


def test_names_say_what_is_counted_and_in_which_unit(families: dict[str, str]) -> None:
    ours = {name: kind for name, kind in families.items() if not name.startswith("process_")}
    assert len(ours) >= 18
    for name, kind in ours.items():
        assert re.fullmatch(r"atalaia_[a-z]+(_[a-z]+)*", name), name
        bare = name.removesuffix("_total")
        assert name.endswith("_total") == (kind == "counter"), name
        assert kind == "counter" or bare.endswith(UNITS), name


def _samples(families: dict[str, str]) -> set[str]:
    parts = ("_bucket", "_sum", "_count")
    return {
        sample
        for name, kind in families.items()
        for sample in ([name + part for part in parts] if kind == "histogram" else [name])
    }


def test_every_metric_the_dashboard_and_the_rules_name_exists(families: dict[str, str]) -> None:
    dashboard = json.loads((ROOT / "deploy/grafana/atalaia.json").read_text("utf-8"))
    rules = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text("utf-8"))
    asked = [t["expr"] for panel in dashboard["panels"] for t in panel["targets"]]
    asked += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    named = [(expr, NAME.findall(expr)) for expr in asked]
    assert all(names or "up{" in expr for expr, names in named)
    assert {name for _, names in named for name in names} <= _samples(families)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) >= 12


def test_every_rule_has_a_severity_and_a_runbook_there_is() -> None:
    rules = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text("utf-8"))
    known = {one.value for one in severity.Severity}
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        assert rule["labels"]["severity"] in known, rule["alert"]
        assert rule["annotations"]["summary"]
        assert (ROOT / "runbooks" / f"{rule['annotations']['runbook']}.md").is_file(), rule["alert"]


def test_the_page_lists_every_metric_and_no_other(families: dict[str, str]) -> None:
    page = (ROOT / "docs/metrics.md").read_text("utf-8")
    listed = set(re.findall(r"^\| `(atalaia_\w+)`", page, re.M))
    assert listed == {name for name in families if name.startswith("atalaia_")}
