"""Accepted work on the command line: listed, followed to its end, its results, called off."""

from __future__ import annotations

import time
from typing import Annotated, Any
from uuid import UUID

import typer

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.work import batches
from atalaia.kernel.work.runner import whoami
from atalaia.serve.cli import CRITICAL, OK, WARNING
from atalaia.serve.cli.app import Command, Group
from atalaia.serve.cli.data import Limit, ask
from atalaia.serve.cli.letters import Why, said
from atalaia.serve.cli.output import Shape, say, show, show_one

work = typer.Typer(cls=Group, add_completion=False, help="Trabalhos aceitos.")
Batch = Annotated[UUID, typer.Argument(help="O identificador que 'work list' mostra.")]
_LOOK_SECONDS = 1.0
_STANDS = """
    SELECT p.batch_id, p.kind, p.total, p.queued, p.running, p.done, p.dead, p.cancelled,
           b.actor, b.trigger, b.reason, p.created_at, p.finished_at, b.cancelled_at,
           b.cancelled_by, b.cancel_reason,
           (SELECT count(*) FROM ops.work_items i
            WHERE i.batch_id = p.batch_id AND i.status = 'done'
              AND coalesce(i.result ->> 'run_status', 'success') <> 'success') AS unwell
    FROM ops.batch_progress p JOIN ops.batches b USING (batch_id)
"""


@work.command("list", cls=Command)
def work_list(limit: Limit = 20, shape: Shape = None) -> int:
    """Os trabalhos aceitos, do mais novo para o mais velho."""
    found = ask(_STANDS + "ORDER BY p.created_at DESC LIMIT %(limit)s", {"limit": limit})
    counts = ("total", "queued", "running", "done", "dead", "cancelled")
    show(found, shape, ("batch_id", "kind", *counts, "created_at", "reason"))
    return OK


@work.command("show", cls=Command)
def work_show(
    batch_id: Batch,
    wait: Annotated[bool, typer.Option("--wait", help="Espera até terminar.")] = False,
    shape: Shape = None,
) -> int:
    """Quanto de um trabalho está feito. Sai com 2 quando algo dele morreu, 1 quando foi cancelado
    ou uma execução dele não deu certo."""
    found = followed(batch_id) if wait else _stands(batch_id)
    show_one(found, shape)
    return code_of(found)


@work.command("results", cls=Command)
def work_results(batch_id: Batch, limit: Limit = 100, shape: Shape = None) -> int:
    """O que cada item deu."""
    _stands(batch_id)
    show(
        ask(
            """SELECT position, status::text AS status, attempt, payload, result, error
               FROM ops.work_items WHERE batch_id = %(batch)s ORDER BY position LIMIT %(limit)s""",
            {"batch": batch_id, "limit": limit},
        ),
        shape,
    )
    return OK


@work.command("cancel", cls=Command)
def work_cancel(batch_id: Batch, reason: Why) -> int:
    """Cancela o que ainda não foi feito; uma execução em andamento para no próximo ponto seguro."""
    with transaction() as connection:
        who = {"actor": whoami(), "reason": said(reason), "trigger": "cli"}
        count = batches.cancel(connection, batch_id, **who)
    say(f"{batch_id}: {count} itens cancelados.")
    return OK


def followed(batch_id: UUID) -> dict[str, Any]:
    """How the batch stands once it ended; its progress is told meanwhile."""
    told = ""
    while True:
        found = _stands(batch_id)
        ended = found["done"] + found["dead"] + found["cancelled"]
        if (line := f"{ended} de {found['total']}, {found['running']} em andamento") != told:
            say(told := line)
        if found["finished_at"] is not None:
            return found
        time.sleep(_LOOK_SECONDS)


def code_of(batch: dict[str, Any]) -> int:
    """2 when an item of it died, 1 when it was called off or one of its runs gave nothing."""
    if batch["dead"]:
        return CRITICAL
    return WARNING if batch["cancelled"] or batch["unwell"] else OK


def _stands(batch_id: UUID) -> dict[str, Any]:
    found = ask(_STANDS + "WHERE p.batch_id = %(batch)s", {"batch": batch_id})
    if not found:
        raise NotFound(
            f"Não há trabalho {batch_id}.", todo="'atalaia work list' mostra os últimos."
        )
    return found[0]
