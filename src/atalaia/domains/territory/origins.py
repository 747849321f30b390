"""The SQL behind 'de onde veio': what led to one row."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import UUID

from atalaia.kernel.base.database import row, rows

Row = dict[str, Any]


def values_at(territory_id: str, indicator: str, period: str) -> list[Row]:
    """Every value at one place and period, the one that is shown first."""
    return rows(
        """SELECT source, dataset, category, value, marker, unit, baseline, coverage, note, method,
                  rank, run_id
           FROM gold.mv_map_choropleth
           WHERE territory_id = %s AND indicator_code = %s AND reference_period = %s
           ORDER BY NOT is_headline, source, dataset, category""",
        (territory_id, indicator, period),
    )


def missing_at(territory_id: str, indicator: str, period: str) -> Row | None:
    """Why there is no value, when somebody knows."""
    return row(
        """SELECT reason, verdict::text AS verdict FROM gold.indicator_missing
           WHERE territory_id = %s AND indicator_code = %s AND reference_period = %s""",
        (territory_id, indicator, period),
    )


def inputs(sql: LiteralString, derived: Row) -> list[Row]:
    """The values a derived one was made of: (uri, value)."""
    return rows(sql, derived)


def mesh(territory_id: str, year: str) -> Row | None:
    """One polygon of the mesh, as it is stored."""
    return row(
        """SELECT source, dataset, mesh_year, public.ST_NPoints(geometry) AS points, run_id
           FROM silver.dim_territory_geometry WHERE territory_id = %s AND mesh_year = %s""",
        (territory_id, int(year)),
    )


def run(run_id: UUID) -> Row | None:
    """A run, as far as the public may know it: who asked for it is the operators' business."""
    return row(
        """SELECT run_id, job_name, reference_period, run_status, source_type, verdict, attempt,
                  rows_read, rows_loaded, rows_rejected, rows_duplicate, started_at_utc,
                  finished_at_utc, trace_id
           FROM ops.pipeline_runs WHERE run_id = %s""",
        (run_id,),
    )


def files(run_id: UUID) -> list[Row]:
    """The raw files a run read, the largest first, each with where it was fetched."""
    return rows(
        """SELECT b.connector,
                  jsonb_build_object('path', m.path, 'sha256', m.sha256, 'size', m.size,
                      'source', m.source, 'dataset', m.dataset,
                      'reference_period', m.reference_period, 'extracted_at', m.extracted_at)
                      AS bronze,
                  CASE WHEN m.exchange IS NOT NULL THEN jsonb_build_object(
                      'url', m.exchange->'url', 'fetched_at', m.exchange->'fetched_at',
                      'status', m.exchange->'status') END AS exchange,
                  m.package
           FROM ops.run_bronze AS b JOIN bronze.manifest AS m USING (bronze_id)
           WHERE b.run_id = %s ORDER BY m.size DESC, m.path""",
        (run_id,),
    )


def contract(connector: str, run_id: UUID) -> Row | None:
    """The contract a connector's payloads were held to when the run ended."""
    return row(
        """SELECT c.connector, c.version, c.table_name, c.columns
           FROM ops.source_schema_contracts AS c, ops.pipeline_runs AS r
           WHERE c.connector = %s AND r.run_id = %s
           ORDER BY c.created_at_utc <= coalesce(r.finished_at_utc, clock_timestamp()) DESC,
                    c.version DESC LIMIT 1""",
        (connector, run_id),
    )
