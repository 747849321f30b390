"""The evidence pack: what a verdict on a source stands on, in one file that can be sent to it.

A ZIP of `evidencia.json`, for programs, and `resumo.txt`, for people: the run, what the source said
(address, status, headers), the SHA-256 of what it sent, the contract and what changed in it, the
checks, and the log lines of the run's trace. Values of rows are not in it.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.base.logfiles import of_trace
from atalaia.kernel.base.redact import redacted
from atalaia.kernel.base.settings import settings
from atalaia.kernel.watch.sources import WORDS, Expected

_MOST_LINES = 2000


def gathered(
    connection: Connection, name: str, expected: Expected | None, run_id: str | None = None
) -> dict[str, Any]:
    """The evidence about one run of a source, the last ended one unless another is named. Raises
    NotFound without the source, or the run."""
    run = connection.execute(
        """SELECT r.run_id, r.job_name, r.reference_period, r.run_status::text, r.verdict::text,
                  r.source_type::text, r.rows_read, r.rows_loaded, r.rows_rejected,
                  r.rows_duplicate, r.attempt, r.started_at_utc, r.finished_at_utc, r.actor,
                  r.trigger, r.trace_id, r.error, r.steps, r.details->'warnings' AS warnings
           FROM ops.connector_registry AS c JOIN ops.pipeline_runs AS r USING (job_name)
           WHERE c.connector = %(name)s AND r.run_status <> 'running'
             AND (%(run)s::uuid IS NULL OR r.run_id = %(run)s)
           ORDER BY r.started_at_utc DESC LIMIT 1""",
        {"name": name, "run": run_id},
    ).fetchone()
    if run is None:
        raise NotFound(
            "Não há execução terminada dessa fonte.", todo="'atalaia sources list' as mostra."
        )
    return {
        "source": name,
        "verdict": run["verdict"],
        "verdict_words": WORDS.get(run["verdict"] or "", "sem falha"),
        "run": {**run, "error": redacted(run["error"] or "")},
        "exchanges": _exchanges(connection, run, expected),
        "contract": _contract(connection, name),
        "checks": _checks(connection, run),
        "log": of_trace(settings().log_dir, run["trace_id"], most=_MOST_LINES),
    }


def packed(found: dict[str, Any]) -> bytes:
    """The evidence as a ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(found, ensure_ascii=False, indent=1, default=str)
        archive.writestr("evidencia.json", text + "\n")
        archive.writestr("resumo.txt", summary(found))
    return out.getvalue()


def written(found: dict[str, Any], target: Path) -> int:
    """Write the ZIP; returns its size in bytes."""
    data = packed(found)
    target.write_bytes(data)
    return len(data)


def summary(found: dict[str, Any]) -> str:
    """The evidence in words."""
    run = found["run"]
    lines = [
        f"Fonte: {found['source']}",
        f"Veredito: {found['verdict_words']}",
        f"Execução {run['run_id']} de {run['job_name']}, período {run['reference_period']}",
        f"Começou {run['started_at_utc']:%d/%m/%Y %H:%M:%S} UTC, terminou como "
        f"{run['run_status']}, na tentativa {run['attempt']}.",
        f"Linhas: {run['rows_read']} lidas = {run['rows_loaded']} carregadas + "
        f"{run['rows_rejected']} rejeitadas + {run['rows_duplicate']} repetidas.",
    ]
    if run["error"]:
        lines.append(f"Erro: {run['error']}")
    lines += [f"Aviso: {warning}" for warning in run["warnings"] or ()]
    lines += ["", "O que a fonte enviou:", *(map(_exchange_line, found["exchanges"]))]
    if not found["exchanges"]:
        lines.append("  nada guardado")
    changed = found["contract"]["changed"]
    lines += ["", f"Contrato: versão {found['contract']['version'] or 'nenhuma'}"]
    lines += [f"  mudou: {one}" for one in changed]
    lines += ["", "Checks:"]
    lines += [f"  {c['status']}  {c['check_name']} {c['subject']}" for c in found["checks"]]
    lines += ["", f"{len(found['log'])} linhas de log do trace {run['trace_id']}."]
    return "\n".join(lines) + "\n"


def _exchange_line(one: dict[str, Any]) -> str:
    came = (one["exchange"] or {}).get("url") or (one["package"] or {}).get("name") or "à mão"
    used = "" if one["read_by_run"] else " (o que já estava guardado)"
    return f"  {came} · {one['size']} bytes · SHA-256 {one['sha256']}{used}"


def _exchanges(
    connection: Connection, run: dict[str, Any], expected: Expected | None
) -> list[dict[str, Any]]:
    """What the run read; when it read nothing, the newest that stands for its period."""
    read = connection.execute(
        """SELECT m.path, m.sha256, m.size, m.extracted_at, m.exchange, m.package,
                  true AS read_by_run
           FROM ops.run_bronze AS b JOIN bronze.manifest AS m USING (bronze_id)
           WHERE b.run_id = %s ORDER BY m.path""",
        (run["run_id"],),
    ).fetchall()
    if read or expected is None:
        return read
    return connection.execute(
        """SELECT path, sha256, size, extracted_at, exchange, package, false AS read_by_run
           FROM bronze.manifest
           WHERE source = %s AND dataset = ANY(%s) AND reference_period = %s
           ORDER BY extracted_at DESC LIMIT 1""",
        (expected.folder, list(expected.datasets), run["reference_period"]),
    ).fetchall()


def _contract(connection: Connection, name: str) -> dict[str, Any]:
    """The contract in force, and what changed from the one before it."""
    newest = connection.execute(
        """SELECT version, table_name, columns, payload, created_at_utc
           FROM ops.source_schema_contracts WHERE connector = %s ORDER BY version DESC LIMIT 2""",
        (name,),
    ).fetchall()
    if not newest:
        return {"version": None, "changed": []}
    changed = difference(newest[1], newest[0]) if len(newest) == 2 else []
    return {**newest[0], "changed": changed}


def difference(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What differs between two contracts, in words."""
    told = []
    for part, words in (("payload", "coluna da fonte"), ("columns", "coluna da tabela")):
        old, new = before[part], after[part]
        told += [f"{words} {name}: {new[name]}, nova" for name in new if name not in old]
        told += [f"{words} {name}: retirada" for name in old if name not in new]
        told += [
            f"{words} {name}: de {old[name]} para {new[name]}"
            for name in new
            if name in old and old[name] != new[name]
        ]
    return told


def _checks(connection: Connection, run: dict[str, Any]) -> list[dict[str, Any]]:
    return connection.execute(
        """SELECT check_name, subject, status::text, observed, threshold,
                  details->>'reason' AS reason, created_at_utc
           FROM ops.pipeline_checks WHERE run_id = %s ORDER BY check_id""",
        (run["run_id"],),
    ).fetchall()
