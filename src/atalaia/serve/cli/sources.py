"""Commands about sources: list, show, coverage, evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from atalaia.kernel.base.database import transaction
from atalaia.kernel.watch import evidence as pack
from atalaia.kernel.watch import sources as measured
from atalaia.serve import catalog
from atalaia.serve.cli import OK
from atalaia.serve.cli.app import Command, Group
from atalaia.serve.cli.output import Shape, say, show, show_one

sources = typer.Typer(cls=Group, add_completion=False, help="Fontes: como foi cada uma.")
Name = Annotated[str, typer.Argument(help="o conector, como em 'atalaia registry'")]
_COLUMNS = ("connector", "state", "says", "failed", "not_published", "late_days", "last_good_at")


@sources.command("list", cls=Command)
def list_(shape: Shape = None) -> int:
    """As fontes e 90 dias de cada uma: atrasos, falhas, silêncios, mudanças de formato."""
    with transaction() as connection:
        found = measured.listed(connection, catalog.expected())
    show(found, shape, _COLUMNS)
    return OK


@sources.command("show", cls=Command)
def show_source(name: Name, shape: Shape = None) -> int:
    """Uma fonte, com contratos, certificados e últimas execuções."""
    with transaction() as connection:
        found = measured.one(connection, name, catalog.expected())
    show_one(found, shape, hidden=("days",))
    return OK


@sources.command("coverage", cls=Command)
def coverage(name: Name, shape: Shape = None) -> int:
    """Que períodos foram pedidos a uma fonte, e o que há de cada um."""
    with transaction() as connection:
        found = measured.coverage(connection, name)
    columns = ("reference_period", "state", "says", "rows_loaded", "good_at", "run_id")
    show(found, shape, columns)
    return OK


@sources.command("evidence", cls=Command)
def evidence(
    name: Name,
    run: Annotated[str | None, typer.Option("--run", help="Outra que não a última.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Onde gravar o ZIP.")] = None,
    shape: Shape = None,
) -> int:
    """O que sustenta o veredito sobre uma fonte, num ZIP: execução, resposta, hashes, log."""
    with transaction() as connection:
        found: dict[str, Any] = pack.gathered(connection, name, catalog.expected().get(name), run)
    target = out or Path(f"evidencia-{found['run']['run_id']}.zip")
    size = pack.written(found, target)
    say(pack.summary(found))
    show_one({"file": str(target), "bytes": size, "verdict": found["verdict_words"]}, shape)
    return OK
