"""Dead letters on the command line: looked at, replayed, corrected, discarded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.work import letters
from atalaia.kernel.work.runner import whoami
from atalaia.serve.cli import OK
from atalaia.serve.cli.app import Command, Group
from atalaia.serve.cli.data import Limit, ask
from atalaia.serve.cli.output import Shape, say, show, show_one

Why = Annotated[str, typer.Option("--reason", help="Por quê; fica guardado com a decisão.")]

_AT_ONCE = 1000
Numbers = Annotated[
    list[int] | None, typer.Argument(help="Os números que 'dlq list' mostra.", show_default=False)
]
OfSource = Annotated[
    str | None, typer.Option("--source", help="As 1000 mais velhas deste conector que esperam.")
]

dlq = typer.Typer(cls=Group, add_completion=False, help="Linhas postas de lado, com o motivo.")


@dlq.command("list", cls=Command)
def dlq_list(
    entity: Annotated[str | None, typer.Option("--source", help="Só deste conector.")] = None,
    resolved: Annotated[bool, typer.Option(help="As resolvidas também.")] = False,
    limit: Limit = 50,
    shape: Shape = None,
) -> int:
    """As linhas que esperam uma decisão."""
    show(
        ask(
            """SELECT dead_letter_id, domain, entity_type, entity_id, error_type, reason, payload,
                      run_id, reference_period, resolved, created_at_utc
               FROM ops.dead_letters
               WHERE (%(entity)s::text IS NULL OR entity_type = %(entity)s)
                 AND (%(resolved)s OR NOT resolved)
               ORDER BY dead_letter_id LIMIT %(limit)s""",
            {"entity": entity, "resolved": resolved, "limit": limit},
        ),
        shape,
        ("dead_letter_id", "entity_type", "reference_period", "reason", "payload"),
    )
    return OK


@dlq.command("count", cls=Command)
def dlq_count(shape: Shape = None) -> int:
    """Quantas esperam, por fonte e motivo."""
    show(
        ask(
            """SELECT domain, entity_type, reason, count(*) AS waiting
               FROM ops.dead_letters WHERE NOT resolved
               GROUP BY domain, entity_type, reason ORDER BY waiting DESC, entity_type, reason"""
        ),
        shape,
    )
    return OK


@dlq.command("show", cls=Command)
def dlq_show(
    dead_letter_id: Annotated[int, typer.Argument(help="O número que 'dlq list' mostra.")],
    shape: Shape = None,
) -> int:
    """Uma linha, exatamente como veio."""
    found = ask(
        "SELECT * FROM ops.dead_letters WHERE dead_letter_id = %(id)s", {"id": dead_letter_id}
    )
    if not found:
        raise NotFound(f"Não há a linha {dead_letter_id}.", todo="'atalaia dlq list' mostra todas.")
    show_one(found[0], shape)
    return OK


@dlq.command("replay", cls=Command)
def dlq_replay(reason: Why, dead_letter_ids: Numbers = None, source: OfSource = None) -> int:
    """Aceita o trabalho de novo, como veio; de linhas de arquivo, a execução delas."""
    why = said(reason)
    with transaction() as connection:
        chosen = _chosen(connection, dead_letter_ids, source)
        made = letters.replay_all(connection, chosen, actor=whoami(), trigger="cli", reason=why)
    wake_up()
    say(f"{len(chosen)} aceitas de novo como {', '.join(map(str, made))}.")
    return OK


def _chosen(connection: Connection, numbers: list[int] | None, source: str | None) -> list[int]:
    """Those numbers, or the oldest that wait of a source. Raises UsageError and NotFound."""
    if bool(numbers) == (source is not None):
        raise UsageError("Diga os números ou --source, um dos dois. Nada foi mudado.")
    if numbers:
        return numbers
    found = connection.execute(
        """SELECT dead_letter_id FROM ops.dead_letters WHERE entity_type = %s AND NOT resolved
           ORDER BY dead_letter_id LIMIT %s""",
        (source, _AT_ONCE),
    ).fetchall()
    if not found:
        raise NotFound(f"Nada de '{source}' espera decisão. Nada foi mudado.")
    return [row["dead_letter_id"] for row in found]


@dlq.command("correct", cls=Command)
def dlq_correct(
    dead_letter_id: Annotated[int, typer.Argument(help="O número que 'dlq list' mostra.")],
    reason: Why,
    payload: Annotated[
        Path | None, typer.Option("--payload", help="Arquivo JSON com o conteúdo corrigido.")
    ] = None,
    cell: Annotated[
        list[str] | None,
        typer.Option("--set", help="coluna=valor; de uma linha de arquivo, só o que muda."),
    ] = None,
) -> int:
    """Aceita o trabalho de novo, corrigido. O que veio continua guardado como veio.

    A correção de uma linha de arquivo vale em toda execução enquanto a linha vier como veio.
    """
    if (payload is None) == (cell is None):
        raise UsageError("Diga --payload ou --set, um dos dois. Nada foi mudado.")
    corrected = _cells(cell or []) if payload is None else _read(payload)
    with transaction() as connection:
        batch = letters.correct(
            connection,
            dead_letter_id,
            corrected,
            actor=whoami(),
            trigger="cli",
            reason=said(reason),
        )
    return _accepted(batch)


def _cells(written: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in written]
    if not all(name and equals for name, equals, _ in pairs):
        raise UsageError("--set é coluna=valor. Nada foi mudado.")
    return {name: value for name, _, value in pairs}


def _accepted(batch: UUID) -> int:
    wake_up()
    say(f"Aceito de novo como {batch}.")
    return OK


@dlq.command("discard", cls=Command)
def dlq_discard(reason: Why, dead_letter_ids: Numbers = None, source: OfSource = None) -> int:
    """Decide que não serão feitas. Continuam guardadas, como resolvidas."""
    why = said(reason)
    with transaction() as connection:
        chosen = _chosen(connection, dead_letter_ids, source)
        letters.discard(connection, chosen, actor=whoami(), trigger="cli", reason=why)
    say(f"{len(set(chosen))} descartadas.")
    return OK


def said(reason: str) -> str:
    """A reason without the blanks around it. Raises UsageError when nothing is left."""
    if not reason.strip():
        raise UsageError("--reason não pode ser vazio. Nada foi mudado.")
    return reason.strip()


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} não é um JSON que se leia. Nada foi mudado.") from error


def wake_up() -> None:
    """Wake a worker; Redis is imported only now."""
    from atalaia.serve.worker import wake

    wake()
