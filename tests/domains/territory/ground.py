"""The municipalities of the DTB, and a database that knows them: what connectors stand on."""

from __future__ import annotations

import io
from functools import cache
from typing import Any, NamedTuple

import polars as pl
from python_calamine import CalamineWorkbook

from atalaia.domains.territory import bundle
from atalaia.domains.territory.bundle import BundleResource
from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.domain import connector_job
from atalaia.kernel.ingest import bronze
from atalaia.kernel.ingest.connector import Connector
from atalaia.kernel.work.runner import run_job

_STATES = (
    "11RO 12AC 13AM 14RR 15PA 16AP 17TO 21MA 22PI 23CE 24RN 25PB 26PE 27AL 28SE 29BA 31MG 32ES "
    "33RJ 35SP 41PR 42SC 43RS 50MS 51MT 52GO 53DF"
)
_UF = {state[:2]: state[2:] for state in _STATES.split()}


class Municipality(NamedTuple):
    """One row of the DTB."""

    code: str
    name: str
    uf: str
    state: str


@cache
def municipalities() -> list[Municipality]:
    """The 5,571 municipalities of the bundled DTB 2024."""
    (found,) = (r for r in bundle.resources() if r.dataset == "dtb")
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(bundle.read_raw(found))).get_sheet_by_index(0)
    rows = sheet.to_python()
    named = [dict(zip(rows[6], row, strict=True)) for row in rows[7:]]
    return [
        Municipality(
            str(row["Código Município Completo"]),
            str(row["Nome_Município"]),
            _UF[str(row["UF"])],
            str(row["Nome_UF"]),
        )
        for row in named
    ]


class Ground:
    """The database with its municipalities, and a bronze that takes payloads."""

    def __init__(self) -> None:
        states = {m.code[:2]: (m.state, m.uf) for m in municipalities()}
        with transaction() as connection:
            connection.execute(
                "INSERT INTO silver.dim_territory (territory_id, level, name) "
                "VALUES ('BR', 'country', 'Brasil')"
            )
            with connection.cursor().copy(
                "COPY silver.dim_territory (territory_id, level, name, uf, parent_id) FROM STDIN"
            ) as copy:
                for code, (name, uf) in states.items():
                    copy.write_row((code, "state", name, uf, "BR"))
                for m in municipalities():
                    copy.write_row((m.code, "municipality", m.name, m.uf, m.code[:2]))

    def resource(self, dataset: str, period: str) -> BundleResource:
        """A bundled file."""
        found = [
            r for r in bundle.resources() if (r.dataset, r.reference_period) == (dataset, period)
        ]
        (resource,) = found
        return resource

    def bundled(self, dataset: str, period: str) -> None:
        """Put a bundled file into bronze."""
        found = self.resource(dataset, period)
        bronze.store_bytes(
            bundle.read_raw(found),
            source=found.source,
            dataset=dataset,
            reference_period=period,
            filename=found.raw_name,
            package=found.package,
            extracted_at=found.extracted_at,
        )

    def payload(
        self, connector: Connector, period: str, data: bytes, filename: str = "payload.csv"
    ) -> None:
        """Put bytes into bronze for a connector."""
        bronze.store_bytes(
            data,
            source=connector.folder,
            dataset=connector.datasets[0],
            reference_period=period,
            filename=filename,
        )

    def frame(self, connector: Connector, period: str, frame: pl.DataFrame) -> None:
        """Put a Parquet file into bronze for a connector."""
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        self.payload(connector, period, buffer.getvalue(), "payload.parquet")

    def run(self, connector: Connector, period: str, **options: Any) -> dict[str, Any]:
        """Run the connector's job, and insist that its rows balance when it succeeds."""
        job = connector_job(connector, domain="territory", title=connector.name, wave="MVP-1")
        result = run_job(job, reference_period=period, **options)
        if result["status"] == "success":
            counted = ("rows_loaded", "rows_rejected", "rows_duplicate")
            assert result["rows_read"] == sum(result[name] for name in counted)
        return result

    def rows(self, statement: str, *params: Any) -> list[dict[str, Any]]:
        """What a query answers."""
        with connect() as connection:
            return connection.execute(statement, params).fetchall()

    def facts(self) -> dict[tuple[str, str], Any]:
        """(territory, period) → value, for a single indicator."""
        found = self.rows("SELECT territory_id, reference_period, value FROM silver.fact_indicator")
        return {(row["territory_id"], row["reference_period"]): row["value"] for row in found}

    def dead(self) -> list[dict[str, Any]]:
        """The dead letters that wait, oldest first."""
        return self.rows(
            "SELECT * FROM ops.dead_letters WHERE NOT resolved ORDER BY dead_letter_id"
        )
