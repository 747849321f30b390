"""Corrected rows: loaded while they come as they came, and bronze keeps what came."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kernel.toy import Toy

from atalaia.kernel.base.database import transaction
from atalaia.kernel.work.letters import correct


def letters(toy: Toy) -> list[dict[str, Any]]:
    return toy.query("SELECT * FROM ops.dead_letters ORDER BY dead_letter_id")


def mend(toy: Toy, **cells: Any) -> None:
    (letter,) = (one for one in letters(toy) if not one["resolved"])
    with transaction() as connection:
        correct(connection, letter["dead_letter_id"], cells, actor="ana", reason="conferido")


@pytest.fixture
def bad(toy: Toy) -> Toy:
    """Its second row has no amount, and waits for a decision."""
    toy.rows[1] = ("b", "dois", "x")
    done = toy.run()
    assert (done["rows_loaded"], done["rows_rejected"]) == (2, 1)
    return toy


@pytest.mark.row("R-030")
def test_a_corrected_row_is_loaded_by_every_run_from_then_on(bad: Toy) -> None:
    mend(bad, amount="2")
    for force in (False, True):
        done = bad.run(force=force)
        assert (done["rows_read"], done["rows_loaded"], done["rows_rejected"]) == (3, 3, 0)
        assert bad.table()["b"] == (2, "x")
    (letter,) = letters(bad)
    assert (letter["resolved_by"], letter["payload"]["amount"]) == ("ana", "dois")


def test_a_correction_that_is_wrong_waits_again_and_is_corrected_again(bad: Toy) -> None:
    mend(bad, amount="two")
    assert bad.run()["rows_rejected"] == 1
    first, second = letters(bad)
    assert (first["resolved"], second["resolved"]) == (True, False)
    assert second["payload"]["amount"] == "two"
    mend(bad, amount="2", note="y")
    assert bad.run()["rows_rejected"] == 0
    assert bad.table()["b"] == (2, "y")


def test_a_row_that_comes_otherwise_is_taken_as_it_comes(bad: Toy) -> None:
    mend(bad, amount="2")
    bad.rows[1] = ("b", 7, "x")
    bad.run(force=True)
    assert bad.table()["b"] == (7, "x")
    bad.rows[1] = ("b", "sete", "x")
    assert bad.run(force=True)["rows_rejected"] == 1
    bad.rows.insert(0, ("d", 4, ""))  # the row stands elsewhere now
    bad.rows[2] = ("b", "dois", "x")
    assert bad.run(force=True)["rows_rejected"] == 1


def test_another_period_is_not_touched(bad: Toy) -> None:
    mend(bad, amount="2")
    assert bad.run("2025")["rows_rejected"] == 1
