"""Dead letters keep any row a file may hold, also one PostgreSQL would not take as it is."""

from __future__ import annotations

from uuid import UUID

import polars as pl
import pytest

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.ingest.contract import REASON, ROW
from atalaia.kernel.ingest.dead_letters import rejected_rows
from atalaia.kernel.work.job import Job, Run
from atalaia.kernel.work.ledger import open_run


def _run() -> Run:
    job = Job("any", "kernel", "", body=lambda _run: None, plan=lambda _run: {})
    run = Run(
        job=job,
        reference_period="2024",
        force=False,
        deadline=Deadline(60),
        actor="test",
        trigger="python",
        reason=None,
        trace_id="0",
    )
    open_run(run)
    return run


@pytest.mark.usefixtures("database")
def test_cells_postgresql_cannot_hold_are_kept_as_near_as_it_can() -> None:
    run = _run()
    frame = pl.DataFrame(
        {
            ROW: [1, 2, 3, 4],
            "text": ["a\x00b", "\\u0000", "é\\\n\t\"'", None],
            "number": [float("nan"), float("inf"), float("-inf"), 1.5],
            "raw": [b"\x00\xff", None, None, None],
            REASON: ["com \x00 dentro", "b", "c", "d"],
        }
    )
    with rejected_rows() as rejected, transaction() as connection:
        rejected.add(frame, "set")
        rejected.write(connection, run, "connector")
    with connect() as connection:
        found = connection.execute("SELECT * FROM ops.dead_letters ORDER BY entity_id").fetchall()
    assert [(d["entity_id"], d["payload"]) for d in found] == [
        ("set:1", {"text": "ab", "number": "nan", "raw": "00ff"}),
        ("set:2", {"text": "\\u0000", "number": "inf", "raw": None}),
        ("set:3", {"text": "é\\\n\t\"'", "number": "-inf", "raw": None}),
        ("set:4", {"text": None, "number": 1.5, "raw": None}),
    ]
    assert [d["reason"] for d in found] == ["com  dentro", "b", "c", "d"]
    assert {d["run_id"] for d in found} == {UUID(str(run.run_id))}
