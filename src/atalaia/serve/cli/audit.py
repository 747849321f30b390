"""atalaia audit: what was done, by whom and why, and whether that is still what was written."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.keep import verify as verifying
from atalaia.kernel.keep.browse import Wanted, page
from atalaia.kernel.keep.chain import Finding
from atalaia.kernel.keep.export import export, verify_file
from atalaia.serve.cli import CRITICAL, OK, WARNING
from atalaia.serve.cli.app import Command, Group
from atalaia.serve.cli.output import Shape, say, show, show_one

Stream = Annotated[str | None, typer.Option("--stream", help="Só desta cadeia: runs, access …")]
_COLUMNS = ("stream", "status", "rows", "seq", "anchors", "bad_seq", "problem")


class Since(StrEnum):
    """From where to verify."""

    ANCHOR = "anchor"


audit = typer.Typer(
    cls=Group, add_completion=False, help="Quem fez o quê e por quê, e a prova de que é isso."
)


@audit.command("list", cls=Command)
def audit_list(
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=10_000, help="Quantos mostrar.")
    ] = 50,
    stream: Stream = None,
    action: Annotated[
        str | None, typer.Option("--action", help="Só desta ação: run.opened …")
    ] = None,
    shape: Shape = None,
) -> int:
    """Os registros, do mais novo para o mais velho."""
    columns = ("at", "stream", "seq", "actor", "trigger", "action", "subject", "reason")
    show(page(Wanted(stream=stream, action=action), limit=limit).items, shape, columns)
    return OK


@audit.command("verify", cls=Command)
def audit_verify(
    stream: Stream = None,
    since: Annotated[
        Since | None, typer.Option("--since", help="Só o que veio depois da última âncora.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", exists=True, dir_okay=False, help="Um arquivo exportado."),
    ] = None,
    shape: Shape = None,
) -> int:
    """Segue cada cadeia e diz a primeira linha que não confere.

    Sai com 0 quando tudo confere, 1 quando não há âncora com que comparar, 2 quando algo foi
    alterado. O que confere é ancorado.
    """
    if file is not None and (stream or since):
        raise UsageError("--file confere o arquivo inteiro: sem --stream e sem --since.")
    found = verify_file(file) if file else verifying.verify(stream=stream, since_anchor=bool(since))
    show(map(asdict, found), shape, _COLUMNS)
    for finding in found:
        if finding.problem:
            say(_told(finding))
    statuses = {finding.status for finding in found}
    return CRITICAL if "fail" in statuses else WARNING if "warn" in statuses else OK


def _told(finding: Finding) -> str:
    where = f"{finding.stream}, linha {finding.bad_seq}: " if finding.stream else ""
    return f"{'NÃO CONFERE' if finding.status == 'fail' else 'Aviso'}: {where}{finding.problem}."


@audit.command("anchor", cls=Command)
def audit_anchor(shape: Shape = None) -> int:
    """Confere o que é novo e guarda o fim de cada cadeia, assinado, fora do banco."""
    show(map(asdict, verifying.anchor()), shape, ("stream", "seq", "hash"))
    return OK


@audit.command("export", cls=Command)
def audit_export(
    out: Annotated[Path, typer.Option("--out", "-o", help="O arquivo a escrever (NDJSON).")],
    stream: Stream = None,
    shape: Shape = None,
) -> int:
    """Escreve os registros num arquivo que se confere com SHA-256 e sem banco."""
    if not out.absolute().parent.is_dir():
        raise UsageError(f"A pasta {out.absolute().parent} não existe. Nada foi escrito.")
    show_one(export(out.absolute(), stream=stream), shape)
    return OK
