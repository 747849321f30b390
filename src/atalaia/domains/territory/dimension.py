"""`silver.dim_territory` as a living thing: every territory that ever existed, one row each.

A payload tells the whole division of a day. What it has is in force; what it lacks gets valid_to
and stays; what comes back loses valid_to. A division older than the one already here adds what is
unknown and changes nothing. When and from what the later municipalities were made is in
municipality_history.yml, for no list of IBGE says it.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.ingest.connector import Shaped, Table
from atalaia.kernel.work.job import Run

HISTORY = Path(__file__).with_name("municipality_history.yml")
# A list that lacks more than this share of the territories in force is half a list.
_GONE_LIMIT = 0.01

TABLE = Table(
    name="silver.dim_territory",
    types={
        "territory_id": "text",
        "level": "territory_level",
        "name": "text",
        "uf": "text",
        "parent_id": "text",
        "valid_from": "date",
        "valid_to": "date",
        "predecessors": "text[]",
        "kind": "text",
    },
    key=("territory_id",),
)
SCHEMA = {name: pl.Date if kind == "date" else pl.String for name, kind in TABLE.types.items()}


@cache
def history() -> dict[str, dict[str, Any]]:
    """What is known of the municipalities younger than the oldest mesh, by code."""
    entries = yaml.safe_load(HISTORY.read_text(encoding="utf-8"))
    return {entry["code"]: entry for entry in entries}


def complete(
    rows: pl.DataFrame, *, level: str, parent: pl.Expr, kind: str = "land"
) -> pl.DataFrame:
    """Rows of territory_id, name and uf with every column of the table, in its order."""
    known = history()
    began = {code: entry["valid_from"] for code, entry in known.items()}
    before = {code: _array(entry["predecessors"]) for code, entry in known.items()}
    code = pl.col("territory_id")
    return rows.select(
        "territory_id",
        level=pl.lit(level),
        name=pl.col("name").str.strip_chars(),
        uf="uf",
        parent_id=parent,
        valid_from=code.replace_strict(began, default=None, return_dtype=pl.Date),
        valid_to=pl.lit(None, dtype=pl.Date),
        predecessors=code.replace_strict(before, default="{}", return_dtype=pl.String),
        kind=pl.lit(kind),
    )


def _array(codes: list[str]) -> str:
    return f"{{{','.join(codes)}}}"


class Division:
    """The division of one day on its way into the dimension. `newest` is the day of the division
    the dimension has, None when it has none."""

    def __init__(self, run: Run, as_of: date, newest: date | None) -> None:
        self._run, self._as_of = run, as_of
        self._is_older = newest is not None and as_of < newest
        self._known = _known()
        self.seen: set[str] = set()

    def give(self, rows: pl.DataFrame) -> Shaped:
        """The rows to write for territories that the payload has."""
        self.seen |= set(rows["territory_id"])
        height = rows.height
        if self._is_older:
            rows = rows.filter(~pl.col("territory_id").is_in(list(self._known)))
        return Shaped(rows, sources=height)

    def take_leave(self) -> pl.DataFrame:
        """The rows of territories in force that the payload, now through, does not have.

        Raises ContractBroken when they are too many to be true, unless the run is forced."""
        self._tell_new()
        in_force = [t for t in self._known.values() if t["valid_to"] is None]
        gone = [t for t in in_force if t["territory_id"] not in self.seen]
        if self._is_older or not gone:
            return pl.DataFrame(schema=SCHEMA)
        if len(gone) > len(in_force) * _GONE_LIMIT and not self._run.force:
            raise ContractBroken(
                f"A lista não tem {len(gone)} dos {len(in_force)} territórios em vigor: parece "
                "cortada. Nada foi mudado; o bruto está guardado no bronze.",
                todo="Se estiver certa, rode de novo com --force.",
            )
        names = ", ".join(f"{t['name']} ({t['territory_id']})" for t in gone[:20])
        self._run.warnings.append(f"Fora da divisão de {self._as_of}: {names}.")
        return pl.DataFrame([{**t, "valid_to": self._as_of} for t in gone], schema=SCHEMA)

    def _tell_new(self) -> None:
        new = sorted(self.seen - set(self._known) - set(history()))
        if self._known and new:
            self._run.warnings.append(
                f"Novos na divisão de {self._as_of}, sem data de instalação em {HISTORY.name}: "
                f"{', '.join(new[:20])}."
            )


def _known() -> dict[str, dict[str, Any]]:
    with transaction() as connection:
        found = connection.execute(
            """SELECT territory_id, level::text, name, uf, parent_id, valid_from, valid_to,
                      predecessors, kind
               FROM silver.dim_territory WHERE level IN ('country', 'state', 'municipality')"""
        ).fetchall()
    return {
        row["territory_id"]: row | {"predecessors": _array(row["predecessors"])} for row in found
    }
