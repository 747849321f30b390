"""backfill: the plan is printed, executed as it was read, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.kernel.work import toys
from tests.serve.cli.conftest import Run

from atalaia.serve import worker

SPAN = ("backfill", "ipea_minimum_wage", "--from", "2020", "--to", "2022")


@pytest.fixture(autouse=True)
def _database(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_IPEA_BASE_URL", "http://127.0.0.1:9")


def test_a_plan_is_written_read_and_executed(here: Run, tmp_path: Path) -> None:
    planned = here(*SPAN, "--dry-run", "--format", "json")
    assert planned.code == 0, planned.err
    assert toys.rows("SELECT FROM ops.batches") == []
    file = tmp_path / "plan.json"
    file.write_text(planned.out, encoding="utf-8")
    assert here(*SPAN[:2], "--plan", str(file)).code == 64, "no reason"
    done = here(*SPAN[:2], "--plan", str(file), "--reason", "o passado", "--format", "json")
    assert done.code == 0, done.err
    (batch,) = toys.rows("SELECT batch_id::text, total FROM ops.batches")
    assert json.loads(done.out) == [{"batch_id": batch["batch_id"], "runs": 3}]
    payloads = [row["payload"] for row in toys.rows("SELECT payload FROM ops.work_items")]
    assert [one["reference_period"] for one in payloads] == ["2020", "2021", "2022"]
    worker.drain(worker.HANDLERS)
    assert toys.states() == {"done": 3}
    ended = here("work", "show", batch["batch_id"], "--wait")
    assert ended.code == 1, "no source gave anything"


@pytest.mark.parametrize("content", [None, "{", "[]", '{"plan": "backfill"}'])
def test_a_file_that_is_no_plan_executes_nothing(
    here: Run, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "plan.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    said = here(*SPAN[:2], "--plan", str(file), "--reason", "x")
    assert said.code == 64
    assert "Nada foi executado" in said.err
    assert toys.rows("SELECT FROM ops.batches") == []


@pytest.mark.parametrize(
    "arguments",
    [(), ("--from", "2020"), ("--from", "2021", "--to", "2020"), ("--from", "x", "--to", "y")],
)
def test_no_span(here: Run, arguments: tuple[str, ...]) -> None:
    assert here(*SPAN[:2], *arguments, "--reason", "x").code == 64
    assert toys.rows("SELECT FROM ops.batches") == []
