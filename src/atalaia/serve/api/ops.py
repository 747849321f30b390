"""The ledger over HTTP: runs, checks, the registry and the summary. A viewer's key is asked for."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from atalaia.kernel.base.database import row
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.base.logfiles import of_trace
from atalaia.kernel.base.settings import settings
from atalaia.kernel.watch import readiness as kernel_readiness
from atalaia.serve.api.access import needs
from atalaia.serve.api.answers import Page, PageSize, answer

router = APIRouter(prefix="/v1/ops", tags=["operação"], dependencies=[Depends(needs("viewer"))])

Name = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_]{1,60}$")]
_MOST_LINES = 500
RunStatus = Literal["running", "success", "failed", "blocked", "manual_required", "cancelled"]


def _answer(found: dict[str, str] | None) -> Response:
    return answer(found["body"] if found else "null")


def _no_run() -> NotFound:
    return NotFound(
        "Não há execução com esse run_id.", todo="A lista está em /v1/ops/pipeline-runs."
    )


@router.get("/pipeline-runs", summary="Execuções, da mais nova para a mais velha")
def pipeline_runs(
    job_name: Name = None,
    run_status: RunStatus | None = None,
    reference_period: Annotated[str | None, Query(pattern=r"^\d{4}(-\d\d){0,2}$")] = None,
    since: date | None = None,
    page: Page = 1,
    page_size: PageSize = 50,
) -> Response:
    """Runs, newest first; `total` is how many fit the filters."""
    return _answer(
        row(
            """WITH fitting AS (
                    SELECT run_id, job_name, domain, reference_period, run_status, status,
                           source_type, verdict, rows_read, rows_loaded, rows_rejected,
                           rows_duplicate, attempt, started_at_utc, finished_at_utc, actor,
                           trigger, reason, trace_id, error
                    FROM ops.pipeline_runs
                    WHERE (%(job)s::text IS NULL OR job_name = %(job)s)
                      AND (%(status)s::text IS NULL OR status = %(status)s)
                      AND (%(period)s::text IS NULL OR reference_period = %(period)s)
                      AND (%(since)s::date IS NULL OR started_at_utc >= %(since)s)),
                page AS (SELECT * FROM fitting ORDER BY started_at_utc DESC, run_id
                         LIMIT %(size)s OFFSET %(skip)s)
                SELECT json_build_object(
                    'items', coalesce((SELECT json_agg(page) FROM page), '[]'),
                    'count', (SELECT count(*) FROM page),
                    'total', (SELECT count(*) FROM fitting),
                    'page', %(page)s::int, 'page_size', %(size)s::int)::text AS body""",
            {
                "job": job_name,
                "status": run_status,
                "period": reference_period,
                "since": since,
                "page": page,
                "size": page_size,
                "skip": (page - 1) * page_size,
            },
        )
    )


@router.get("/pipeline-runs/{run_id}", summary="Uma execução, com passos, arquivos e checks")
def pipeline_run(run_id: UUID) -> Response:
    """One run: steps, bronze, checks, contracts, and others of its job, period or trace."""
    found = row(
        """SELECT (to_jsonb(run) || jsonb_build_object(
               'checks', coalesce((SELECT jsonb_agg(to_jsonb(c) ORDER BY c.check_id)
                                   FROM ops.pipeline_checks AS c
                                   WHERE c.run_id = run.run_id), '[]'),
               'bronze', coalesce((SELECT jsonb_agg(to_jsonb(m) ORDER BY m.path)
                                   FROM ops.run_bronze AS b JOIN bronze.manifest AS m
                                       USING (bronze_id)
                                   WHERE b.run_id = run.run_id), '[]'),
               'balanced', run.rows_read
                           = run.rows_loaded + run.rows_rejected + run.rows_duplicate,
               'dead_letters', (SELECT count(*) FROM ops.dead_letters AS d
                                WHERE d.run_id = run.run_id),
               'contracts', coalesce((
                   SELECT jsonb_agg(to_jsonb(s)) FROM (
                       SELECT DISTINCT ON (connector) connector, version, table_name, columns,
                              payload, created_at_utc
                       FROM ops.source_schema_contracts
                       WHERE connector = run.job_name OR connector IN (
                           SELECT b.connector FROM ops.run_bronze AS b
                           WHERE b.run_id = run.run_id)
                       ORDER BY connector, (created_at_utc <= run.finished_at_utc) DESC,
                                version DESC) AS s), '[]'),
               'others', coalesce((
                   SELECT jsonb_agg(to_jsonb(o) ORDER BY o.started_at_utc DESC) FROM (
                       SELECT run_id, job_name, reference_period, run_status, verdict, attempt,
                              trigger, started_at_utc, finished_at_utc,
                              trace_id = run.trace_id AS same_trace
                       FROM ops.pipeline_runs AS o
                       WHERE o.run_id <> run.run_id
                         AND (o.trace_id = run.trace_id OR (o.job_name = run.job_name
                              AND o.reference_period = run.reference_period))
                       ORDER BY started_at_utc DESC LIMIT 20) AS o), '[]')))::text AS body
           FROM ops.pipeline_runs AS run WHERE run_id = %s""",
        (run_id,),
    )
    if not found:
        raise _no_run()
    return _answer(found)


@router.get("/pipeline-runs/{run_id}/log", summary="O que se registrou durante uma execução")
def pipeline_run_log(run_id: UUID) -> Response:
    """The log lines of the run's trace that this machine has, the oldest first; at most 500."""
    found = row("SELECT trace_id FROM ops.pipeline_runs WHERE run_id = %s", (run_id,))
    if not found:
        raise _no_run()
    items = of_trace(settings().log_dir, found["trace_id"], most=_MOST_LINES)
    return answer({"items": items, "count": len(items), "trace_id": found["trace_id"]})


@router.get("/pipeline-checks", summary="Respostas dos checks, da mais nova para a mais velha")
def pipeline_checks(
    status: Literal["pass", "warn", "fail"] | None = None,
    check_name: Name = None,
    run_id: UUID | None = None,
    page: Page = 1,
    page_size: PageSize = 100,
) -> Response:
    """Answers of checks, newest first, with the job and period of their run."""
    return _answer(
        row(
            """WITH fitting AS (
                   SELECT c.*, r.job_name, r.reference_period
                   FROM ops.pipeline_checks AS c JOIN ops.pipeline_runs AS r USING (run_id)
                   WHERE (%(status)s::text IS NULL OR c.status::text = %(status)s)
                     AND (%(name)s::text IS NULL OR c.check_name = %(name)s)
                     AND (%(run)s::uuid IS NULL OR c.run_id = %(run)s)),
               page AS (SELECT * FROM fitting ORDER BY check_id DESC
                        LIMIT %(size)s OFFSET %(skip)s)
               SELECT json_build_object(
                   'items', coalesce((SELECT json_agg(page) FROM page), '[]'),
                   'count', (SELECT count(*) FROM page),
                   'total', (SELECT count(*) FROM fitting),
                   'page', %(page)s::int, 'page_size', %(size)s::int)::text AS body""",
            {
                "status": status,
                "name": check_name,
                "run": run_id,
                "page": page,
                "size": page_size,
                "skip": (page - 1) * page_size,
            },
        )
    )


@router.get("/connector-registry", summary="Os conectores de todas as ondas, também os planejados")
def connector_registry() -> Response:
    """Every connector with the verdict of its job's last run and, when it is not well, a reason."""
    return _answer(
        row(
            """WITH listed AS (
                   SELECT c.connector, c.job_name, c.domain, c.wave, c.source, c.status,
                          c.updated_at_utc, last.run_id AS last_run_id,
                          last.status AS last_status, last.verdict AS last_verdict,
                          last.finished_at_utc AS last_finished_at_utc,
                          CASE WHEN c.status = 'planned' THEN 'planejado: ainda não busca dados'
                               WHEN last.run_id IS NULL AND c.status <> 'retired'
                                   THEN 'nunca executado'
                               WHEN last.verdict IS NOT NULL THEN concat_ws('; ',
                                   CASE WHEN last.verdict = 'source_failed' THEN 'a fonte falhou'
                                       WHEN last.verdict = 'not_published'
                                           THEN 'a fonte não publicou'
                                       WHEN last.run_status IN ('blocked', 'success')
                                           THEN 'não se chegou à fonte daqui'
                                       ELSE 'falhamos' END,
                                   'vale a carga de ' || to_char(good.at, 'DD/MM/YYYY')) END
                              AS reason
                   FROM ops.connector_registry AS c
                   LEFT JOIN LATERAL (
                       SELECT r.run_id, r.status, r.run_status, r.verdict, r.finished_at_utc
                       FROM ops.pipeline_runs AS r WHERE r.job_name = c.job_name
                       ORDER BY r.started_at_utc DESC LIMIT 1) AS last ON true
                   LEFT JOIN LATERAL (
                       SELECT max(g.finished_at_utc) AS at FROM ops.pipeline_runs AS g
                       WHERE g.job_name = c.job_name AND g.run_status = 'success') AS good ON true
                   ORDER BY c.wave, c.connector)
               SELECT json_build_object('items', coalesce(json_agg(listed), '[]'),
                                        'count', count(*))::text AS body FROM listed"""
        )
    )


@router.get("/summary", summary="O que precisa de atenção agora, em números")
def summary() -> Response:
    """Runs and success of the last 7 days, the last answer of each check, what waits for people."""
    return _answer(
        row(
            """WITH recent AS (
                   SELECT status, count(*) AS runs FROM ops.pipeline_runs
                   WHERE started_at_utc > clock_timestamp() - interval '7 days' GROUP BY status),
               latest AS (
                   SELECT DISTINCT ON (check_name, subject) status FROM ops.pipeline_checks
                   ORDER BY check_name, subject, created_at_utc DESC, check_id DESC)
               SELECT json_build_object(
                   'window_days', 7,
                   'runs', coalesce((SELECT json_object_agg(status, runs) FROM recent), '{}'),
                   'success_pct', (SELECT round(100.0 * sum(runs) FILTER (WHERE status = 'success')
                                       / nullif(sum(runs) FILTER (WHERE status <> 'running'), 0), 2)
                                   FROM recent),
                   'checks', coalesce((SELECT json_object_agg(status, n) FROM (
                       SELECT status, count(*) AS n FROM latest GROUP BY status) AS s), '{}'),
                   'connectors', coalesce((SELECT json_object_agg(status, n) FROM (
                       SELECT status, count(*) AS n FROM ops.connector_registry
                       GROUP BY status) AS s), '{}'),
                   'dead_letters', (SELECT count(*) FROM ops.dead_letters WHERE NOT resolved),
                   'corrective_actions', (SELECT count(*) FROM ops.corrective_actions
                                          WHERE closed_at_utc IS NULL))::text AS body"""
        )
    )


@router.get("/readiness", summary="Pode-se contar com esta instalação agora?")
def readiness(include_blocked_as_success: bool = False) -> Response:
    """Versions, schema, SLO-1, SLO-3 and the last quality suite: failures, warnings, figures."""
    found = kernel_readiness.assess(include_blocked_as_success=include_blocked_as_success)
    return answer(found.as_dict())
