"""Commands that only look: runs, jobs, domains, registry, contracts, explain."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from atalaia.kernel.base.database import transaction
from atalaia.serve import catalog
from atalaia.serve.cli import CRITICAL, OK
from atalaia.serve.cli.output import Format, Shape, show, show_one, show_tree

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="Quantas mostrar.")]


def ask(sql: str, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The rows a query answers."""
    with transaction() as connection:
        return connection.execute(sql.encode(), params or {}).fetchall()


def runs(
    job: Annotated[str | None, typer.Option("--job", help="Só deste job.")] = None,
    only_failed: Annotated[bool, typer.Option("--only-failed", help="Só o que falhou.")] = False,
    limit: Limit = 20,
    shape: Shape = None,
) -> int:
    """As últimas execuções, da mais nova para a mais velha."""
    found = ask(
        """SELECT run_id, job_name, reference_period, run_status, source_type, verdict, rows_read,
                  rows_loaded, rows_rejected, rows_duplicate, started_at_utc, finished_at_utc,
                  actor, trigger, reason, trace_id, error
           FROM ops.pipeline_runs
           WHERE (%(job)s::text IS NULL OR job_name = %(job)s)
             AND (NOT %(only_failed)s OR run_status IN ('failed', 'blocked', 'manual_required'))
           ORDER BY started_at_utc DESC LIMIT %(limit)s""",
        {"job": catalog.job(job).name if job else None, "only_failed": only_failed, "limit": limit},
    )
    columns = ("run_id", "job_name", "reference_period", "run_status", "rows_loaded")
    show(found, shape, (*columns, "rows_rejected", "started_at_utc", "error"))
    return OK


def jobs(shape: Shape = None) -> int:
    """Os jobs que existem, por onda."""
    rows = (
        {
            "job": job.name,
            "domain": job.domain,
            "wave": job.wave,
            "source": job.source,
            "title": job.title,
        }
        for job in catalog.jobs()
    )
    show(rows, shape)
    return OK


def domains(shape: Shape = None) -> int:
    """Os domínios instalados e os comandos que cada um traz. Um que não carregou aparece com o
    motivo, e a saída é 2."""
    rows: list[dict[str, Any]] = [
        {
            "domain": domain.name,
            "status": "ok",
            "title": domain.title,
            "jobs": len(domain.jobs),
            "commands": " ".join([domain.name] * bool(domain.cli) + sorted(domain.commands)),
            "reason": "",
        }
        for domain in catalog.domains()
    ]
    rows += [
        {"domain": one.name, "status": "failed", "title": "", "jobs": 0, "commands": "",
         "reason": one.reason}
        for one in catalog.broken()
    ]  # fmt: skip
    show(rows, shape)
    return CRITICAL if catalog.broken() else OK


def registry(shape: Shape = None) -> int:
    """As fontes de todas as ondas e a situação de cada uma."""
    show(
        ask(
            """SELECT connector, job_name, domain, wave, source, status, updated_at_utc
               FROM ops.connector_registry ORDER BY wave, connector"""
        ),
        shape,
    )
    return OK


def contracts(shape: Shape = None) -> int:
    """O contrato em vigor de cada fonte: tabela, colunas e o que o arquivo deve trazer."""
    show(
        ask(
            """SELECT connector, version, table_name, columns, payload, created_at_utc
               FROM ops.source_schema_contracts WHERE active ORDER BY connector"""
        ),
        shape,
        ("connector", "version", "table_name", "created_at_utc"),
    )
    return OK


def explain(
    uri: Annotated[str, typer.Argument(help="indicator/3121605/deaths_total/2019")],
    shape: Shape = None,
) -> int:
    """De onde veio um número: valor, execução, contrato, arquivo bruto, endereço e hora."""
    answer = catalog.explain(uri)
    if shape is Format.TABLE or (shape is None and sys.stdout.isatty()):
        show_tree(answer)
    else:
        show_one(answer, shape)
    return OK
