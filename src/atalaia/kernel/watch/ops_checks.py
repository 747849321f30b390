"""Checks of the platform's own tables, the same for every domain: contracts, drift, runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from atalaia.kernel.base.database import Connection
from atalaia.kernel.watch.checks import Check, Limits, Result, Status, at_least, at_most, once_held

_SYNC = "Sincronizar os contratos: python scripts/sync_schema_contracts.py"
_MIGRATE = "Comparar a tabela com o contrato; aplicar as migrações: python scripts/init_db.py"
SOURCE_FAILED = "a fonte falhou na última execução"


def schema_contracts(domain: str) -> Check:
    """`check_source_schema_contracts`: every implemented or partial connector has one active."""
    name = "check_source_schema_contracts"

    def ask(connection: Connection, limits: Limits) -> Iterator[Result]:
        connectors = connection.execute(
            """SELECT r.connector, c.connector IS NOT NULL AS covered
               FROM ops.connector_registry r
               LEFT JOIN ops.source_schema_contracts c ON c.connector = r.connector AND c.active
               WHERE r.domain = %s AND r.status IN ('implemented', 'partial')
               ORDER BY r.connector""",
            (domain,),
        ).fetchall()
        if not connectors:
            yield Result(name, "warn", "0", details={"reason": "nenhum conector implementado"})
            return
        missing = [row["connector"] for row in connectors if not row["covered"]]
        covered = 100.0 * (len(connectors) - len(missing)) / len(connectors)
        words = f"sem contrato ativo: {', '.join(missing)}"
        minimum = limits.number("schema_contracts", "min_active_coverage_pct")
        yield at_least(name, "active_coverage_pct", covered, minimum, words, todo=_SYNC)
        maximum = limits.number("schema_contracts", "max_missing_connectors")
        yield at_most(name, "missing_connectors", len(missing), maximum, words, todo=_SYNC)

    return Check(name, "Todo conector tem contrato de schema ativo", ask)


def schema_drift(domain: str) -> Check:
    """`check_source_schema_drift`: the tables are what the active contracts say they are."""
    name = "check_source_schema_drift"

    def ask(connection: Connection, limits: Limits) -> Iterator[Result]:
        columns = connection.execute(
            """SELECT c.connector, c.table_name, wanted.key AS column_name,
                      wanted.value AS agreed, format_type(a.atttypid, a.atttypmod) AS actual
               FROM ops.source_schema_contracts c
               JOIN ops.connector_registry r USING (connector)
               CROSS JOIN jsonb_each_text(c.columns) AS wanted
               LEFT JOIN pg_attribute a ON a.attrelid = to_regclass(c.table_name)
                    AND a.attname = wanted.key AND a.attnum > 0 AND NOT a.attisdropped
               WHERE c.active AND r.domain = %s AND r.status <> 'retired'
               ORDER BY c.connector, wanted.key""",
            (domain,),
        ).fetchall()
        if not columns:
            yield Result(name, "warn", "0", details={"reason": "nenhum contrato ativo"})
            return
        missing = [row for row in columns if row["actual"] is None]
        other = [row for row in columns if row["actual"] not in (None, row["agreed"])]
        drifted = sorted({row["connector"] for row in missing + other})
        for subject, found, words in (
            ("missing_required_columns", missing, "colunas do contrato que a tabela não tem"),
            ("type_mismatch_columns", other, "colunas com outro tipo que o do contrato"),
        ):
            maximum = limits.number("schema_drift", f"max_{subject}")
            said = {"todo": _MIGRATE, "samples": [_drift(row) for row in found[:20]]}
            yield at_most(name, subject, len(found), maximum, words, **said)
        maximum = limits.number("schema_drift", "max_connectors_with_drift")
        words = f"conectores cuja tabela mudou: {', '.join(drifted)}"
        yield at_most(name, "connectors_with_drift", len(drifted), maximum, words, todo=_MIGRATE)

    return Check(name, "As tabelas são as que os contratos dizem", ask)


def _drift(row: dict[str, Any]) -> str:
    actual = row["actual"] or "não existe"
    return (
        f"{row['connector']}: {row['table_name']}.{row['column_name']}: {row['agreed']} → {actual}"
    )


def pipeline_runs(domain: str) -> Check:
    """`check_ops_pipeline_runs`: every implemented job has run, and its last run went well."""
    name = "check_ops_pipeline_runs"

    def ask(connection: Connection, limits: Limits) -> Iterator[Result]:
        jobs = connection.execute(_JOBS, {"domain": domain}).fetchall()
        minimum = limits.number("ops_pipeline_runs", "min_jobs_listed")
        yield at_least(
            name,
            "jobs_listed",
            len(jobs),
            minimum,
            "o registro lista menos jobs que o combinado",
            todo="Sincronizar o registro: python scripts/sync_connector_registry.py",
        )
        needed = int(limits.number("ops_pipeline_runs", "min_successful_runs_per_job"))
        for job in jobs:
            ran_before = not job["runs"] and once_held(connection, name, job["job_name"])
            yield _job_has_run(name, {**job, "ran_before": ran_before}, needed)

    return Check(name, "Todo job implementado tem execuções", ask)


_JOBS = """
SELECT r.job_name, bool_or(r.status IN ('implemented', 'partial')) AS implemented,
       max(ran.successes) AS successes, max(ran.runs) AS runs, bool_or(ran.running) AS running,
       max(last.run_status::text) AS last_status, max(last.verdict::text) AS last_verdict,
       max(last.error) AS last_error
FROM ops.connector_registry r
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE run_status <> 'running') AS runs,
           count(*) FILTER (WHERE run_status = 'success') AS successes,
           count(*) FILTER (WHERE run_status = 'running') > 0 AS running
    FROM ops.pipeline_runs p WHERE p.job_name = r.job_name) AS ran
LEFT JOIN LATERAL (
    SELECT run_status, verdict, error FROM ops.pipeline_runs p
    WHERE p.job_name = r.job_name AND run_status <> 'running'
    ORDER BY started_at_utc DESC LIMIT 1) AS last ON true
WHERE r.domain = %(domain)s AND r.status <> 'retired'
GROUP BY r.job_name ORDER BY r.job_name
"""


def _job_has_run(name: str, job: Mapping[str, Any], needed: int) -> Result:
    status, reason = judge_job(job, needed)
    details = {"reason": reason} if reason else {}
    if status == "fail":
        details["todo"] = f"Executar: atalaia run {job['job_name']} --reference-period AAAA"
    return Result(
        name, status, str(job["successes"]), f">= {needed}", details, subject=job["job_name"]
    )


def judge_job(job: Mapping[str, Any], needed: int) -> tuple[Status, str]:
    """(status, reason) of one job from its counts: a pure decision, first rule that holds.

    A job whose only run is the one going on (the suite asking about itself) is not missing. One
    that never ran here is a warn: it may have no bundled data and no network to fetch any."""
    ended = f"{job['last_status']}: {job['last_error']}"
    if not job["implemented"]:
        return "warn", "conector planejado, ainda não implementado"
    if job["last_verdict"] == "source_failed":
        return "warn", SOURCE_FAILED
    if job["successes"] + job["running"] >= needed:
        if job["last_status"] in (None, "success"):
            return "pass", ""
        return "warn", f"a última execução terminou {ended}"
    if job["last_status"] == "failed":
        return "fail", f"nenhuma execução com sucesso; a última terminou {ended}"
    if job["runs"]:
        return "warn", f"sem execuções com sucesso bastantes; a última terminou {ended}"
    if job["ran_before"]:
        return "fail", "as execuções deste job sumiram do ledger"
    return "warn", "implementado e nunca executado nesta instalação"
