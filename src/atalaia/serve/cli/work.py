"""Commands that do work: run, wave, dbt, quality, cancel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.errors import AlreadyRunning, NotFound, UsageError
from atalaia.kernel.work.job import Job, checked_period
from atalaia.kernel.work.ledger import request_cancel
from atalaia.kernel.work.runner import run_job
from atalaia.serve import catalog
from atalaia.serve.cli import CRITICAL, OK, WARNING
from atalaia.serve.cli.output import Reason, Shape, say, show, show_one
from atalaia.serve.cli.progress import Steps, steps

Period = Annotated[
    str | None,
    typer.Option("--reference-period", "-p", help="2024, 2024-07 ou 2024-07-31."),
]
Force = Annotated[bool, typer.Option("--force", help="Vai à fonte mesmo com cópia recente.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Mostra o plano e não faz nada.")]
Retries = Annotated[int, typer.Option("--max-retries", min=1, help="Tentativas por pedido.")]
Timeout = Annotated[float, typer.Option("--timeout-seconds", min=1, help="Limite da execução.")]
_COLUMNS = ("job_name", "reference_period", "run_status", "source_type", "rows_read")
_MORE_COLUMNS = ("rows_loaded", "rows_rejected", "rows_duplicate", "error")
_HIDDEN = ("steps", "bronze", "status", "trace_id", "actor", "trigger")


def run(
    job: Annotated[str, typer.Argument(help="Nome do job; 'atalaia jobs' lista todos.")],
    reference_period: Period = None,
    force: Force = False,
    dry_run: DryRun = False,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", help="Executa exatamente o plano deste arquivo, ou desiste."),
    ] = None,
    max_retries: Retries = 3,
    timeout_seconds: Timeout = 300,
    reason: Reason = None,
    shape: Shape = None,
) -> int:
    """Executa um job para um período.

    Sai com 0 em sucesso, 1 quando a fonte não entregou ou já há outra execução, 2 em falha ou
    com um check em fail.
    """
    found = catalog.job(job)
    options: dict[str, Any] = {
        "force": force,
        "max_retries": max_retries,
        "timeout_seconds": timeout_seconds,
    }
    if plan is not None:
        agreed = _agreed(plan, found)
        if reference_period not in (None, agreed["reference_period"]):
            raise UsageError(f"O plano é para {agreed['reference_period']}. Nada foi executado.")
        period, options = agreed["reference_period"], agreed["options"]
    else:
        period = _period(found, reference_period)
    with steps() as progress:
        done = run_job(
            found,
            reference_period=period,
            dry_run=dry_run,
            trigger="cli",
            reason=reason,
            progress=progress,
            **options,
        )
    if dry_run:
        done["options"] = options
    show_one(done, shape, _HIDDEN)
    return _code([done])


def _period(job: Job, wanted: str | None) -> str:
    if wanted is not None:
        return checked_period(wanted, job.period_kind)
    periods = job.default_periods() if job.default_periods else ()
    if len(periods) == 1:
        return periods[0]
    known = f" Tem dados embarcados para: {', '.join(periods)}." if periods else ""
    raise UsageError("Falta --reference-period.", todo=f"Escreva 2024 ou 2024-07.{known}")


def _agreed(file: Path, job: Job) -> dict[str, Any]:
    """The plan written in `file`, once it is sure that it is still what would be done now."""
    try:
        agreed = json.loads(file.read_text(encoding="utf-8"))
        named = (agreed["job_name"], agreed["reference_period"])
        options, planned = agreed["options"], agreed["plan"]
        settled = {name: options[name] for name in ("force", "max_retries", "timeout_seconds")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{file} não é um plano. Nada foi executado.",
            todo=f"Faça um: atalaia run {job.name} -p 2024 --dry-run --format json > plano.json",
        ) from error
    if named[0] != job.name:
        raise UsageError(f"O plano é do job {named[0]}, não de {job.name}. Nada foi executado.")
    today = run_job(job, reference_period=named[1], dry_run=True, trigger="cli", **settled)["plan"]
    changed = _differences(planned, json.loads(json.dumps(today, default=str)))
    if changed:
        raise UsageError(
            f"O plano mudou desde que foi feito ({', '.join(changed)}). Nada foi executado.",
            todo="Faça outro com --dry-run, leia e execute-o.",
        )
    return {"reference_period": named[1], "options": settled}


def _differences(one: Any, other: Any) -> list[str]:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return [] if one == other else ["plan"]
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def wave(
    names: Annotated[list[str], typer.Argument(help="mvp1 … mvp5; várias, na ordem dada")],
    reference_period: Period = None,
    force: Force = False,
    dry_run: DryRun = False,
    max_retries: Retries = 3,
    timeout_seconds: Timeout = 300,
    reason: Reason = None,
    shape: Shape = None,
) -> int:
    """Executa os jobs de uma onda, em ordem; uma fonte que falha não para as outras.

    Sem --reference-period, cada job roda para os períodos que tem embarcados, ou o ano corrente.
    """
    options = {
        "force": force,
        "dry_run": dry_run,
        "max_retries": max_retries,
        "timeout_seconds": timeout_seconds,
        "reason": reason,
    }
    waves = {name: catalog.wave(name) for name in names}
    with steps() as progress:
        done = [
            _in_wave(job, period, progress, options)
            for jobs in waves.values()
            for job in jobs
            for period in _periods(job, reference_period)
        ]
    show(done, shape, (*_COLUMNS, *_MORE_COLUMNS))
    planned = [name for name, jobs in waves.items() if not jobs]
    if planned:
        say(f"Ainda sem job implementado: {', '.join(planned)}.")
    return _code(done) or (WARNING if planned else OK)


def _in_wave(job: Job, period: str, progress: Steps, options: dict[str, Any]) -> dict[str, Any]:
    progress.tell(f"{job.name} · {period}")
    try:
        return run_job(job, reference_period=period, trigger="cli", progress=progress, **options)
    except AlreadyRunning as error:
        say(error.message)
        return {
            "job_name": job.name,
            "reference_period": period,
            "run_status": "skipped",
            "error": error.message,
            "checks": [],
        }


def _periods(job: Job, wanted: str | None) -> list[str]:
    if wanted is not None:
        return [checked_period(wanted, job.period_kind)]
    return list(job.default_periods() if job.default_periods else ()) or [f"{now():%Y}"]


def dbt(
    reference_period: Period = None,
    dry_run: DryRun = False,
    timeout_seconds: Timeout = 1800,
    reason: Reason = None,
    shape: Shape = None,
) -> int:
    """Constrói o gold com o projeto dbt (job dbt_build)."""
    return run(
        "dbt_build",
        reference_period,
        dry_run=dry_run,
        timeout_seconds=timeout_seconds,
        reason=reason,
        shape=shape,
    )


def quality(reference_period: Period = None, reason: Reason = None, shape: Shape = None) -> int:
    """Roda a suíte de qualidade. Sai com 1 quando há warn, 2 quando há fail."""
    job = catalog.job("quality_suite")
    with steps() as progress:
        done = run_job(
            job,
            reference_period=_period(job, reference_period),
            trigger="cli",
            reason=reason,
            progress=progress,
        )
    show(done["checks"], shape)
    statuses = [check["status"] for check in done["checks"]]
    say(" · ".join(f"{statuses.count(status)} {status}" for status in ("pass", "warn", "fail")))
    if done["run_status"] != "success":
        say(f"A suíte terminou {done['run_status']}: {done['error']}")
    return _code([done]) or (WARNING if "warn" in statuses else OK)


def cancel(
    run_id: Annotated[UUID, typer.Argument(help="O run_id que 'atalaia runs' mostra.")],
    reason: Reason = None,
    shape: Shape = None,
) -> int:
    """Pede que uma execução pare; ela para no próximo ponto seguro e nada fica pela metade."""
    from atalaia.kernel.work.runner import whoami

    if not request_cancel(str(run_id), whoami(), reason=reason, trigger="cli"):
        raise NotFound(f"{run_id} não está em andamento.", todo="'atalaia runs' mostra as últimas.")
    say(f"{run_id}: pedido feito; a execução para no próximo ponto seguro.")
    if shape is not None:
        show_one({"run_id": str(run_id), "cancel_requested": True}, shape)
    return OK


def _code(done: list[dict[str, Any]]) -> int:
    """0 when all is well; 1 when a source gave nothing; 2 when something failed."""
    failed = any(
        one["run_status"] == "failed" or any(check["status"] == "fail" for check in one["checks"])
        for one in done
    )
    if failed:
        return CRITICAL
    return OK if all(one["run_status"] in ("success", "dry_run") for one in done) else WARNING
