"""Planned against fed: by diet, pen, wagon, operator or ingredient, the worst first, each sum with
the files and runs it stands on."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from uuid import UUID

from psycopg import sql

from atalaia.domains.cattle import limits
from atalaia.domains.cattle.layout import BY_NAME
from atalaia.kernel.base.database import pooled, row
from atalaia.kernel.base.errors import NotFound, UsageError

By = Literal["diet", "pen", "wagon", "operator", "ingredient"]
Stage = Literal["loading", "distribution"]
_LOADING, _DISTRIBUTION = "desvio_carregamento", "desvio_distribuicao"
_COLUMNS: dict[tuple[Stage, By], str] = {
    ("loading", "diet"): "dieta",
    ("loading", "wagon"): "vagao",
    ("loading", "operator"): "pazeiro",
    ("loading", "ingredient"): "ingrediente",
    ("distribution", "diet"): "dieta",
    ("distribution", "pen"): "curral",
}
_TABLES: dict[Stage, str] = {"loading": _LOADING, "distribution": _DISTRIBUTION}


def deviations(
    tenant_id: str, by: By, first: date, last: date, stage: Stage | None = None
) -> dict[str, Any]:
    """Sums of a tenant from `first` to `last`, both included, and their days. Raises UsageError for
    what a stage does not tell: a loading knows no pen, a distribution no wagon. With no stage
    asked for, it is the first one that tells of `by` and has rows of these days."""
    telling = [one for one in _TABLES if (one, by) in _COLUMNS and stage in (one, None)]
    if not telling:
        raise UsageError(
            f"'{stage}' não diz nada de '{by}'.",
            todo="loading: diet, wagon, operator, ingredient; distribution: diet, pen.",
        )
    asked = {"tenant": tenant_id, "first": first, "last": last}
    with pooled() as connection:
        for chosen in telling:
            names = {
                "table": sql.Identifier("etl", _TABLES[chosen]),
                "column": sql.Identifier(_COLUMNS[chosen, by]),
            }
            items = connection.execute(_SUMS.format(**names), asked).fetchall()
            if items:
                break
        else:
            chosen = telling[0]
    return {
        "by": by,
        "stage": chosen,
        "from": first,
        "to": last,
        "unit": "kg",
        "status_rule": {
            "VERDE": f"até {limits.number('status', 'green_pc'):g} %",
            "AMARELO": f"até {limits.number('status', 'yellow_pc'):g} %",
            "VERMELHO": "acima",
        },
        "count": len(items),
        "items": [_item(one, chosen) for one in items],
    }


_SUMS = sql.SQL("""
    WITH days AS (
        SELECT coalesce({column}, '(não informado)') AS key, data, file_seq, run_id,
               sum(previsto_kg) AS planned, sum(realizado_kg) AS fed,
               sum(abs(desvio_kg)) AS off, count(*) AS rows, min(file_row) AS first_row
        FROM {table}
        WHERE tenant_id = %(tenant)s AND data BETWEEN %(first)s AND %(last)s
        GROUP BY 1, 2, 3, 4),
    per_day AS (
        SELECT key, data, sum(planned) AS planned, sum(fed) AS fed FROM days GROUP BY key, data),
    series AS (
        SELECT key, json_agg(json_build_object('date', data, 'planned_kg', planned, 'fed_kg', fed,
                   'deviation_kg', fed - planned, 'deviation_pc',
                   round((fed - planned) / nullif(planned, 0) * 100, 2)) ORDER BY data) AS series
        FROM per_day GROUP BY key),
    sums AS (
        SELECT key, sum(planned) AS planned_kg, sum(fed) AS fed_kg, sum(off) AS absolute_kg,
               sum(rows)::bigint AS rows, array_agg(DISTINCT file_seq) AS file_seqs,
               array_agg(DISTINCT run_id) AS runs, min(file_seq) AS some_file,
               (array_agg(first_row ORDER BY file_seq, first_row))[1] AS some_row
        FROM days GROUP BY key)
    SELECT s.key, s.planned_kg, s.fed_kg, s.fed_kg - s.planned_kg AS deviation_kg,
           round((s.fed_kg - s.planned_kg) / nullif(s.planned_kg, 0) * 100, 2) AS deviation_pc,
           s.absolute_kg, s.rows, s.runs, s.some_row,
           (SELECT json_agg(json_build_object('id', f.id, 'filename', f.filename) ORDER BY f.seq)
            FROM etl.etl_file f WHERE f.seq = ANY(s.file_seqs)) AS files,
           (SELECT f.id FROM etl.etl_file f WHERE f.seq = s.some_file) AS some_file,
           series.series
    FROM sums s JOIN series USING (key)
    ORDER BY abs(round((s.fed_kg - s.planned_kg) / nullif(s.planned_kg, 0) * 100, 2))
             DESC NULLS LAST, s.key
""")


def _item(one: dict[str, Any], stage: Stage) -> dict[str, Any]:
    example = f"feeding/{_TABLES[stage]}/{one.pop('some_file')}/{one.pop('some_row')}"
    series = [{**day, "status": colour(day["deviation_pc"])} for day in one.pop("series")]
    return {
        **one,
        "status": colour(one["deviation_pc"]),
        "explain": example,
        "series": series,
    }


def colour(percent: Any) -> str | None:
    """VERDE, AMARELO or VERMELHO; None where nothing was planned."""
    if percent is None:
        return None
    off = abs(float(percent))
    if off <= limits.number("status", "green_pc"):
        return "VERDE"
    return "AMARELO" if off <= limits.number("status", "yellow_pc") else "VERMELHO"


def explain(uri: str, tenant_id: str | None = None) -> dict[str, Any]:
    """From a row back to its bytes: feeding/{layout}/{file}/{row} → row, run, contract, file.
    Raises NotFound, and UsageError for another form."""
    kind, *parts = uri.strip("/").split("/")
    if kind != "feeding" or len(parts) != 3 or not parts[2].isdigit():
        raise UsageError(
            "Não sei explicar esse endereço.", todo="Escreva feeding/{layout}/{file}/{row}."
        )
    layout, file_id, place = parts
    if layout not in BY_NAME:
        raise NotFound("Não há esse leiaute.", todo=f"Há {', '.join(sorted(BY_NAME))}.")
    try:
        wanted = UUID(file_id)
    except ValueError:
        raise NotFound("Não há esse arquivo.") from None
    with pooled() as connection:
        found = connection.execute(
            sql.SQL(
                """SELECT to_jsonb(t) - 'tenant_id' AS row, f.id AS file_id, f.filename, f.encoding,
                          f.delimiter, f.decimal_mark, f.date_format, f.mapping, f.detected,
                          f.run_id AS newest_run, b.path, b.sha256, b.size, b.extracted_at,
                          t.run_id
                   FROM {} t JOIN etl.etl_file f ON f.seq = t.file_seq
                   JOIN bronze.manifest b ON b.bronze_id = f.bronze_id
                   WHERE f.id = %(file)s AND t.file_row = %(row)s AND f.tenant_id = t.tenant_id
                     AND (%(tenant)s::text IS NULL OR t.tenant_id = %(tenant)s)"""
            ).format(sql.Identifier("etl", layout)),
            {"file": wanted, "row": int(place), "tenant": tenant_id},
        ).fetchone()
    if found is None:
        raise NotFound("Não há essa linha: ela não foi carregada, ou um arquivo mais novo a tem.")
    return _explained(uri, layout, int(place), found)


def _explained(uri: str, layout: str, place: int, found: dict[str, Any]) -> dict[str, Any]:
    run = row(
        """SELECT run_id, job_name, run_status::text, started_at_utc, finished_at_utc, actor,
                  trigger, reason, rows_read, rows_loaded, rows_rejected, rows_duplicate
           FROM ops.pipeline_runs WHERE run_id = %s""",
        (found["run_id"],),
    )
    contract = row(
        """SELECT connector, version, table_name FROM ops.source_schema_contracts
           WHERE connector = %s AND active""",
        (layout,),
    )
    line = place + int(found["detected"].get("header_line", 1))
    return {
        "uri": uri,
        "value": found["row"].get("desvio_kg", found["row"].get("realizado_kg")),
        "unit": "kg",
        "row": found["row"],
        "file": {
            "id": found["file_id"],
            "filename": found["filename"],
            "row": place,
            "line": line,
            "encoding": found["encoding"],
            "delimiter": found["delimiter"],
            "mapping": found["mapping"],
        },
        "run": run,
        "contract": contract,
        "bronze": {name: found[name] for name in ("path", "sha256", "size", "extracted_at")},
    }
