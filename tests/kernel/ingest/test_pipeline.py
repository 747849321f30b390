"""From the source to the table: what is counted, what is put aside, and what is undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
import pytest
from tests.kernel.toy import Shaper, Toy, as_csv, parse
from tests.sources.server import Answer, edited

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import AtalaiaError, ContractBroken
from atalaia.kernel.ingest.bronze import BronzeObject
from atalaia.kernel.ingest.connector import Request, Shaped
from atalaia.kernel.ingest.contract import REASON, ROW
from atalaia.kernel.work.job import Run

COUNTS = ("rows_read", "rows_loaded", "rows_rejected", "rows_duplicate")


def counts(result: dict[str, Any]) -> tuple[int, ...]:
    return tuple(result[name] for name in COUNTS)


def dead(toy: Toy) -> list[dict[str, Any]]:
    return toy.query("SELECT * FROM ops.dead_letters ORDER BY dead_letter_id")


@pytest.mark.row("R-030")
def test_every_row_is_loaded_rejected_or_duplicate(toy: Toy) -> None:
    toy.rows = [
        ("a", 1, ""),
        ("b", 2, "x"),
        ("b", 2, "x"),  # the same again
        ("c", 3, "one"),
        ("c", 3, "another"),  # contradicts the row before
        ("d", "muitos", ""),
        ("E", 5, ""),
        ("f", -1, ""),
    ]
    result = toy.run()
    assert (result["run_status"], *counts(result)) == ("success", 8, 2, 5, 1)
    assert toy.table() == {"a": (1, None), "b": (2, "x")}
    (row,) = toy.query("SELECT * FROM ops.pipeline_runs")
    assert tuple(row[name] for name in COUNTS) == (8, 2, 5, 1)
    assert [(letter["reason"], letter["payload"]["place"]) for letter in dead(toy)] == [
        ("amount: não é integer", "d"),
        ("place: fora do formato", "E"),
        ("amount: menor que 0", "f"),
        ("linhas da mesma chave se contradizem", "c"),
        ("linhas da mesma chave se contradizem", "c"),
    ]
    for letter in dead(toy):
        assert (letter["domain"], letter["entity_type"]) == ("kernel", "toy")
        assert letter["error_type"] == "permanent"
        assert (str(letter["run_id"]), letter["resolved"]) == (result["run_id"], False)
    places = [letter["entity_id"] for letter in dead(toy)]
    assert places[:3] == ["amounts:6", "amounts:7", "amounts:8"]
    statuses = {check["check_name"]: check["status"] for check in result["checks"]}
    assert statuses == {"rows_balance": "pass", "rows_rejected": "warn"}


def test_rejected_then_repaired_then_accounted_for(toy: Toy) -> None:
    toy.rows = [("a", 1, ""), ("b", "x", "")]
    toy.run()
    again = toy.run(force=True)
    assert again["rows_rejected"] == 1
    assert len(dead(toy)) == 1  # it keeps waiting: not a second letter for the same row
    toy.rows = [("a", 1, ""), ("b", 2, "")]
    repaired = toy.run(force=True)
    assert counts(repaired) == (2, 2, 0, 0)
    (letter,) = dead(toy)
    assert (letter["resolved"], letter["resolved_by"]) == (True, repaired["run_id"])
    toy.rows = [("a", 1, ""), ("b", "x", "")]
    toy.run(force=True)
    assert [letter["resolved"] for letter in dead(toy)] == [True, False]


def test_another_years_letters_are_left_alone(toy: Toy) -> None:
    toy.rows = [("a", 1, ""), ("b", "x", "")]
    toy.run("2023")
    toy.rows = [("a", 1, "")]
    toy.run("2024")
    assert [letter["resolved"] for letter in dead(toy)] == [False]


def test_a_double_far_down_a_long_file_still_counts_every_rejected_row(toy: Toy) -> None:
    """The straight path breaks off at the double; the slow one must not forget, nor count twice,
    what the first had put aside."""
    toy.rows = [(_word(n), n, "") for n in range(450)]
    toy.rows[10] = ("zz", "x", "")
    toy.rows[440] = ("zzz", "y", "")
    toy.rows.append(toy.rows[5])
    result = toy.run()
    assert counts(result) == (451, 448, 2, 1)
    assert [letter["payload"]["place"] for letter in dead(toy)] == ["zz", "zzz"]


def _word(n: int) -> str:
    return "".join(chr(97 + int(digit)) for digit in str(n))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (("place", "amount"), "falta a coluna: note"),
        (("place", "amount", "note", "extra"), "coluna desconhecida: extra"),
        (("lugar", "amount", "note"), "coluna desconhecida: lugar"),
    ],
)
def test_other_columns_load_nothing_and_keep_the_raw_file(
    toy: Toy, header: tuple[str, ...], said: str
) -> None:
    toy.run()
    before = toy.table()
    body = as_csv([("z", 9, "", "")[: len(header)]], header)
    toy.server.misbehave(edited(lambda _old: body), times=1)
    result = toy.run(force=True)
    assert (result["run_status"], result["verdict"]) == ("failed", "we_failed")
    assert said in result["error"]
    assert toy.table() == before
    assert len(toy.query("SELECT * FROM bronze.manifest")) == 2


@pytest.mark.row("T-126")
def test_forcing_good_data_clears_a_failed_run(toy: Toy) -> None:
    toy.server.misbehave(edited(lambda _old: as_csv([], ("lugar", "amount", "note"))), times=1)
    assert toy.run()["run_status"] == "failed"
    assert toy.run()["run_status"] == "failed"  # the broken file is still the newest
    assert toy.run(force=True)["run_status"] == "success"
    assert toy.run()["run_status"] == "success"


def test_a_file_with_a_header_and_nothing_else_is_not_published(toy: Toy) -> None:
    toy.run()
    before = toy.table()
    toy.rows = []
    result = toy.run(force=True)
    assert (result["run_status"], result["verdict"]) == ("blocked", "not_published")
    assert toy.table() == before


def test_half_a_file_does_not_take_rows_away(toy: Toy) -> None:
    toy.rows = [(_word(n), n, "") for n in range(100)]
    toy.run()
    toy.change(refresh_after_hours=0)
    toy.rows = toy.rows[:40]
    result = toy.run()
    assert result["run_status"] == "failed"
    assert "parece cortado" in result["error"]
    assert len(toy.table()) == 100
    assert toy.run(force=True)["rows_deleted"] == 60


def test_each_row_leads_to_its_bytes(toy: Toy) -> None:
    result = toy.run()
    (origin,) = toy.query(
        """SELECT DISTINCT m.sha256, m.exchange->>'url' AS url, b.connector
           FROM silver.toy t JOIN ops.run_bronze b USING (run_id)
           JOIN bronze.manifest m USING (bronze_id)"""
    )
    assert origin == {
        "sha256": result["bronze"][0]["sha256"],
        "url": f"{toy.server.url}/2024.csv",
        "connector": "toy",
    }


# Shapers that hold rows back, and those that lose them.


class Summing(Shaper):
    """One row of the table for all rows of the file."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.total = self.rows = 0

    def shape(self, _dataset: str, accepted: pl.DataFrame) -> Shaped:
        big = accepted.filter(pl.col("amount") > 100)
        small = accepted.filter(pl.col("amount") <= 100)
        self.total += int(small["amount"].sum())
        self.rows += small.height
        return Shaped(
            pl.DataFrame(),
            rejected=big.with_columns(pl.lit("grande demais").alias(REASON)),
            sources=0,
        )

    def finish(self) -> Shaped | None:
        row = {"place": ["all"], "amount": [self.total], "note": [""], "year": [self.year]}
        return Shaped(pl.DataFrame(row), sources=self.rows)


def test_rows_that_are_added_up_stay_accounted_for(toy: Toy) -> None:
    toy.change(shaper=Summing)
    toy.rows = [(_word(n), n, "") for n in range(103)]
    result = toy.run()
    assert counts(result) == (103, 101, 2, 0)
    assert toy.table() == {"all": (sum(range(101)), "")}
    assert result["rows_inserted"] == 1
    assert [letter["reason"] for letter in dead(toy)] == ["grande demais"] * 2


class Losing(Shaper):
    """Drops a row and tells nobody."""

    def shape(self, dataset: str, accepted: pl.DataFrame) -> Shaped:
        return super().shape(dataset, accepted.slice(1))


class Inventing(Shaper):
    """Gives a row nobody sent."""

    def finish(self) -> Shaped | None:
        row = {"place": ["made"], "amount": [1], "note": [""], "year": [self.year]}
        return Shaped(pl.DataFrame(row))


@pytest.mark.row("R-030")
@pytest.mark.parametrize("shaper", [Losing, Inventing])
def test_a_shaper_that_loses_or_invents_rows_fails_and_loads_nothing(
    toy: Toy, shaper: type[Shaper]
) -> None:
    toy.change(shaper=shaper)
    result = toy.run()
    assert (result["run_status"], result["verdict"]) == ("failed", "we_failed")
    assert "não fecham" in result["error"]
    assert toy.table() == {}
    assert dead(toy) == []


# One transaction.


def test_what_breaks_after_the_load_undoes_it(toy: Toy) -> None:
    toy.rows.append(("d", "x", ""))

    def after(connection: Connection, _run: Run) -> None:
        connection.execute("SELECT 1 / 0")

    toy.change(after=after)
    result = toy.run()
    assert (result["run_status"], toy.table(), dead(toy)) == ("failed", {}, [])
    assert toy.query("SELECT * FROM ops.run_bronze") == []
    assert "DivisionByZero" in result["error"]


def test_after_sees_the_rows_in_their_transaction(toy: Toy) -> None:
    def after(connection: Connection, run: Run) -> None:
        connection.execute("UPDATE silver.toy SET note = %s", (str(run.run_id),))

    toy.change(after=after)
    result = toy.run()
    assert {note for _, note in toy.table().values()} == {result["run_id"]}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ContractBroken("quebrado"), "quebrado"),
        (AtalaiaError("outra coisa"), "outra coisa"),
        (ZeroDivisionError("x"), "ZeroDivisionError"),
    ],
)
def test_a_parser_that_breaks_loads_nothing(toy: Toy, error: Exception, said: str) -> None:
    def broken(objects: Sequence[BronzeObject]) -> Iterator[tuple[str, pl.DataFrame]]:
        yield from parse(objects)
        raise error

    toy.change(parse=broken)
    result = toy.run()
    assert (result["run_status"], toy.table()) == ("failed", {})
    assert said in result["error"]


# A plan.


@pytest.mark.row("T-020")
def test_the_plan_says_what_would_be_done(toy: Toy) -> None:
    plan = toy.run(dry_run=True)["plan"]
    assert plan["layers"] == ["remote", "bronze_cache", "manual"]
    assert plan["requests"] == [{"url": f"{toy.server.url}/2024.csv", "params": {}}]
    assert (plan["table"], plan["replaces"]) == ("silver.toy", {"year": ["2024"]})
    assert (plan["bronze"], plan["contract_version"]) == (None, 1)
    assert (toy.server.hits, toy.query("SELECT * FROM ops.pipeline_runs")) == ([], [])
    toy.run()
    cached = toy.run(dry_run=True)["plan"]
    assert cached["layers"] == ["bronze_cache"]
    assert cached["bronze"]["sha256"]
    assert toy.run(dry_run=True, force=True)["plan"]["layers"][0] == "remote"


def test_two_files_are_read_in_turn_and_places_are_told_by_file(toy: Toy) -> None:
    toy.change(
        requests=lambda year: tuple(
            Request("amounts", f"/{name}/{year}.csv", f"{name}.csv") for name in ("n", "s")
        )
    )
    answers = {"/n/2024.csv": [("a", 1, "")], "/s/2024.csv": [("b", 2, ""), ("C", 3, "")]}
    toy.answer = lambda asked: Answer(as_csv(answers[asked.path]))  # type: ignore[method-assign]
    result = toy.run()
    assert counts(result) == (3, 2, 1, 0)
    assert toy.table() == {"a": (1, None), "b": (2, None)}
    assert dead(toy)[0]["entity_id"] == "amounts:2"
    assert ROW not in dead(toy)[0]["payload"]
