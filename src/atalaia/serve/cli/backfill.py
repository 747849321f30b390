"""`atalaia backfill`: a plan, and its execution exactly as it was read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.work import backfill as past
from atalaia.kernel.work.job import Job
from atalaia.kernel.work.runner import whoami
from atalaia.serve import catalog
from atalaia.serve.cli import OK
from atalaia.serve.cli.batches import code_of, followed
from atalaia.serve.cli.letters import said, wake_up
from atalaia.serve.cli.output import Reason, Shape, say, show, show_one
from atalaia.serve.cli.work import DryRun, Force


def backfill(
    job: Annotated[str, typer.Argument(help="Nome do job; 'atalaia jobs' lista todos.")],
    first: Annotated[str | None, typer.Option("--from", help="O primeiro período.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="O último período.")] = None,
    force: Force = False,
    dry_run: DryRun = False,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", help="Executa exatamente o plano deste arquivo, ou desiste."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Espera até terminar.")] = False,
    reason: Reason = None,
    shape: Shape = None,
) -> int:
    """Executa um job para muitos períodos, como um só trabalho da fila.

    Os que já estão carregados ficam como estão, a não ser com --force. --dry-run mostra o plano.
    """
    found = catalog.job(job)
    agreed = _read(plan, found) if plan else _planned(found, first, last, force)
    if dry_run:
        show_one(agreed, shape)
        return OK
    accepted = past.execute(agreed, actor=whoami(), reason=said(reason or ""), trigger="cli")
    if accepted is None:
        say("Tudo desse intervalo já está carregado; com --force é buscado de novo.")
        return OK
    wake_up()
    again = " (o mesmo plano já tinha sido aceito)" if accepted.again else ""
    say(f"{agreed['runs']} execuções aceitas como {accepted.batch_id}{again}.")
    if not wait:
        show([{"batch_id": accepted.batch_id, "runs": agreed["runs"]}], shape)
        return OK
    ended = followed(accepted.batch_id)
    show_one(ended, shape)
    return code_of(ended)


def _planned(job: Job, first: str | None, last: str | None, force: bool) -> dict[str, Any]:
    if first is None or last is None:
        raise UsageError("Diga --from e --to, ou --plan. Nada foi executado.")
    return past.plan(job, first, last, force=force)


def _read(file: Path, job: Job) -> dict[str, Any]:
    try:
        agreed = json.loads(file.read_text(encoding="utf-8"))
        past.require_unchanged(agreed, job)
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            f"{file} não é um plano que se leia. Nada foi executado.",
            todo=f"Faça um: atalaia backfill {job.name} --from … --to … --dry-run > plano.json",
        ) from error
    plan: dict[str, Any] = agreed
    return plan
