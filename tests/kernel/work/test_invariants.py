"""The invariants hold after ordinary work, and each breach of one is found."""

from __future__ import annotations

import os
import time

import pytest
from tests.invariants import broken
from tests.kernel.toy import TABLE, Toy
from tests.kernel.work import toys

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.settings import settings
from atalaia.kernel.work.drain import drain

BREACHES = [
    ("I2: a batch", "DELETE FROM ops.work_items WHERE position = 1"),
    ("I2: a dead item", "DELETE FROM ops.dead_letters WHERE item_id IS NOT NULL"),
    ("I2: a letter is of", "UPDATE ops.work_items SET status = 'done' WHERE status = 'dead'"),
    (
        "I2: an item is not over",
        "UPDATE ops.work_items SET status = 'queued', finished_at = NULL WHERE position = 0",
    ),
    ("I1: a rejected row", "UPDATE ops.dead_letters SET reason = ' '"),
    ("I3: silver.toy", "INSERT INTO silver.toy SELECT * FROM silver.toy LIMIT 1"),
    ("I5: a run's", "UPDATE ops.pipeline_runs SET run_id = gen_random_uuid()"),
    (
        "I5: a letter",
        "UPDATE ops.dead_letters SET resolved = true, resolved_at = now(), notes = 'x'",
    ),
    ("I5: a batch", "UPDATE ops.batches SET cancelled_at = now(), cancelled_by = 'x'"),
    ("I5: the chain", "UPDATE ops.audit_log SET actor = 'x' WHERE seq = 1"),
    ("I8: a run", "DELETE FROM ops.pipeline_checks"),
    (
        "I9: a run is open",
        "UPDATE ops.pipeline_runs SET run_status = 'running', finished_at_utc = NULL",
    ),
    (
        "I9: a worker",
        "UPDATE ops.workers SET ended_at = NULL, leased_until = now() + interval '1 d'",
    ),
]


@pytest.fixture
def lived(toy: Toy) -> Toy:
    """A run that loaded and rejected, a batch that ended, one item of it dead."""
    toys.make_table()
    toy.rows[1] = ("b", "dois", "x")
    assert toy.run()["run_status"] == "success"
    toys.ask([{"n": 0}, {"n": 1}, {"seconds": "x"}], max_attempts=1)
    drain(toys.HANDLERS)
    assert toys.states() == {"done": 2, "dead": 1}
    assert broken(tables=[TABLE]) == []
    return toy


@pytest.mark.row("R-030", "R-031", "R-032", "R-034", "R-037")
@pytest.mark.parametrize(("what", "breach"), BREACHES)
def test_a_breach_is_found(lived: Toy, what: str, breach: str) -> None:
    with connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("ALTER TABLE ops.audit_log DISABLE TRIGGER audit_only_grows")
        connection.execute("ALTER TABLE silver.toy DROP CONSTRAINT toy_pkey")
        connection.execute(breach.encode())
        connection.execute("ALTER TABLE ops.audit_log ENABLE ALWAYS TRIGGER audit_only_grows")
        connection.commit()
    found = broken(tables=[TABLE])
    assert any(line.startswith(what) for line in found), found


@pytest.mark.row("R-038")
def test_what_was_left_behind_for_an_hour_is_found(lived: Toy) -> None:
    left = settings().data_dir / "bronze" / ".scratch" / "half"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(b"half")
    assert broken() == [], "somebody may be writing it"
    long_ago = time.time() - 3700
    os.utime(left, (long_ago, long_ago))
    assert [line[:3] for line in broken()] == ["I9:"]
    left.unlink()
    with connect(autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(1)")
        assert [line[:24] for line in broken()] == ["I9: an advisory lock is "]
    assert broken(at_rest=False) == []
