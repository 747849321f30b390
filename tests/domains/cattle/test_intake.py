"""From a file to rows: each loaded once or put aside with its reason, and everything accounted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from benchmarks import feeding
from tests.domains.cattle.conftest import bring, of, sql, work


@pytest.mark.row("B-042")
def test_every_row_is_loaded_or_put_aside_with_its_own_reason_or_a_duplicate(house: Path) -> None:
    file = house / "carga.csv"
    made = feeding.make(file, 3000, bad_share=0.05, double_share=0.02)
    one = bring(file)
    work()
    found = of(one)
    assert (found["status"], found["state"], found["layout"]) == (
        "loaded", "partly_loaded", "desvio_carregamento",
    ), found["error_message"]  # fmt: skip
    assert found["rows_read"] == made.rows
    assert found["rows_loaded"] == made.good
    assert found["rows_duplicate"] == made.duplicates > 0
    assert found["rows_rejected"] == sum(made.bad.values())
    letters = sql("SELECT entity_id, original_error FROM etl_dead_letter_queue WHERE NOT resolved")
    told = {int(row["entity_id"].rpartition(":")[2]): row["original_error"] for row in letters}
    assert told == {place: feeding.REASONS[kind] for place, kind in made.places.items()}
    assert Counter(made.places.values()).keys() == set(feeding.BAD_KINDS)
    stands = sql("SELECT count(*) AS n, count(DISTINCT file_row) AS rows FROM desvio_carregamento")
    assert stands == [{"n": made.good, "rows": made.good}]
    assert (found["encoding"], found["delimiter"], found["decimal_mark"]) == ("latin-1", ";", ",")
