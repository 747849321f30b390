"""A small country, written straight into silver, for tests of what is made from it.

Three states; a value is what the test says it is, so every expectation can be worked out by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from atalaia.domains.territory.facts import fact_indicator
from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.ingest import partition

MG, RJ, RS = "31", "33", "43"
STATES = {MG: ("Minas Gerais", "MG"), RJ: ("Rio de Janeiro", "RJ"), RS: ("Rio Grande do Sul", "RS")}
DEATHS = ("Registro Civil", "deaths")


def months(year: int, first: int = 1, last: int = 12) -> list[str]:
    """The months of a year, as reference periods."""
    return [f"{year}-{month:02}" for month in range(first, last + 1)]


class World:
    """Silver, as a test fills it, and what is then found in gold."""

    def __init__(self) -> None:
        self.newest_run = self.run("ibge_admin")
        with transaction() as connection:
            connection.execute(
                "INSERT INTO silver.dim_territory (territory_id, level, name) "
                "VALUES ('BR', 'country', 'Brasil')"
            )
            for code, (name, uf) in STATES.items():
                connection.execute(
                    "INSERT INTO silver.dim_territory (territory_id, level, name, uf, parent_id) "
                    "VALUES (%s, 'state', %s, %s, 'BR')",
                    (code, name, uf),
                )

    def run(self, job: str) -> UUID:
        """A run that ended well, now; what is written next is its work."""
        run_id = uuid4()
        self.newest_run = run_id
        with transaction() as connection:
            connection.execute(
                """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, actor,
                       trigger, trace_id, run_status, started_at_utc, finished_at_utc)
                   VALUES (%s, %s, 'territory', '2024', 'test', 'python', '-', 'success',
                           clock_timestamp(), clock_timestamp())""",
                (run_id, job),
            )
        return run_id

    def municipality(
        self,
        number: int,
        state: str = MG,
        *,
        square: tuple[float, float, float] | None = None,
        kind: str = "land",
        valid_from: str | None = None,
        name: str = "",
    ) -> str:
        """A municipality; `square` is its west, south and side in degrees, else it has no mesh."""
        code = f"{state}{number:04}0"  # six digits must tell municipalities apart
        with transaction() as connection:
            connection.execute(
                """INSERT INTO silver.dim_territory
                       (territory_id, level, name, uf, parent_id, kind, valid_from)
                   VALUES (%s, 'municipality', %s, %s, %s, %s, %s)""",
                (code, name or f"Lugar {number}", STATES[state][1], state, kind, valid_from),
            )
        if square:
            self.mesh(code, *square)
        return code

    def many(self, count: int, state: str = MG) -> list[str]:
        """Many municipalities at once, each a small disc of its own."""
        made = self.rows(
            """INSERT INTO silver.dim_territory
                   (territory_id, level, name, uf, parent_id, geometry, mesh_year)
               SELECT format('%%s%%s0', %s::text, lpad(n::text, 4, '0')), 'municipality',
                      'Lugar ' || n, %s, %s,
                      ST_Multi(ST_SetSRID(ST_Buffer(ST_MakePoint(n / 10.0, 0), 0.04, 16), 4674)),
                      2007
               FROM generate_series(1, %s) AS n
               RETURNING territory_id""",
            state,
            STATES[state][1],
            state,
            count,
        )
        return [row["territory_id"] for row in made]

    def mesh(self, code: str, west: float, south: float, side: float) -> None:
        """Draw a municipality as a square, in the mesh of 2007."""
        square = "ST_Multi(ST_MakeEnvelope(%(w)s, %(s)s, %(e)s, %(n)s, 4674))"
        corners = {"w": west, "s": south, "e": west + side, "n": south + side}
        with transaction() as connection:
            connection.execute(
                f"""INSERT INTO silver.dim_territory_geometry
                        (territory_id, mesh_year, geometry, source, dataset, run_id)
                    VALUES (%(code)s, 2007, {square}, 'IBGE', 'mesh', %(run)s)
                    ON CONFLICT (territory_id, mesh_year) DO UPDATE
                    SET geometry = excluded.geometry""",
                {**corners, "code": code, "run": self.newest_run},
            )
            connection.execute(
                f"""UPDATE silver.dim_territory SET geometry = {square}, mesh_year = 2007
                    WHERE territory_id = %(code)s""",
                {**corners, "code": code},
            )

    def fact(
        self,
        place: str,
        code: str,
        period: str,
        value: float | None,
        *,
        source: tuple[str, str] = ("Fonte", "tabela"),
        category: str = "",
        run_id: UUID | None = None,
    ) -> None:
        """One value; None is a value the source marked as unavailable."""
        self.facts([(place, code, period, value)], source=source, category=category, run_id=run_id)

    def facts(
        self,
        rows: Iterable[tuple[str, str, str, float | None]],
        *,
        source: tuple[str, str] = ("Fonte", "tabela"),
        category: str = "",
        run_id: UUID | None = None,
    ) -> None:
        """Many values of (place, indicator, period, value)."""
        part = partition.of(fact_indicator(source=source[0], dataset=source[1])).name
        with transaction() as connection:
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {part} PARTITION OF silver.fact_indicator "
                f"FOR VALUES IN ('{source[0]}')"
            )
        with (
            transaction() as connection,
            connection.cursor() as cursor,
            cursor.copy(
                """COPY silver.fact_indicator (territory_id, indicator_code, reference_period,
                       source, dataset, category, value, marker, unit, run_id) FROM STDIN"""
            ) as copy,
        ):
            for place, code, period, value in rows:
                marker = "unavailable" if value is None else None
                run = run_id or self.newest_run
                copy.write_row((place, code, period, *source, category, value, marker, "un", run))

    def deaths(self, place: str, periods: Iterable[str], value: float) -> None:
        """The same number of deaths in each of these months."""
        self.facts([(place, "deaths_total", period, value) for period in periods], source=DEATHS)

    def rows(self, statement: str, *params: Any) -> list[dict[str, Any]]:
        """What a query answers."""
        with connect(autocommit=True) as connection:
            cursor = connection.execute(statement, params)
            return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, *params: Any) -> Any:
        """The single value a query answers."""
        (row,) = self.rows(statement, *params)
        (value,) = row.values()
        return value

    def refresh(self) -> int:
        """Refresh the materialized views; the new data version."""
        return int(self.one("SELECT gold.refresh_materialized_views()"))

    def derived(self, code: str) -> dict[tuple[str, str], dict[str, Any]]:
        """Rows of an indicator in gold.indicator_derived, by (place, period)."""
        found = self.rows("SELECT * FROM gold.indicator_derived WHERE indicator_code = %s", code)
        return {(row["territory_id"], row["reference_period"]): row for row in found}

    def missing(self, code: str) -> dict[tuple[str, str], tuple[str, str]]:
        """(reason, verdict) of an indicator's holes, by (place, period)."""
        found = self.rows("SELECT * FROM gold.indicator_missing WHERE indicator_code = %s", code)
        return {
            (row["territory_id"], row["reference_period"]): (row["reason"], row["verdict"])
            for row in found
        }
