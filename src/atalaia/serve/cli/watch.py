"""Commands that say how things are: status, ps, doctor, handoff, conformance."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.disk import full_disk_is_told, renamed_when_whole
from atalaia.kernel.base.errors import AtalaiaError, NotFound
from atalaia.kernel.base.settings import project_dir
from atalaia.serve.cli import CRITICAL, OK, WARNING
from atalaia.serve.cli.output import Format, Shape, say, show, show_one
from atalaia.serve.local.layout import layout
from atalaia.serve.local.status import Part, parts


def status(shape: Shape = None) -> int:
    """O que está no ar, desde quando, e as últimas execuções. Sai com 2 se algo está fora."""
    found = parts(layout())
    known = _from_database()
    shape = shape or (Format.TABLE if sys.stdout.isatty() else Format.JSON)
    if shape is Format.TABLE:
        show([asdict(part) for part in found], shape)
        say()
        say(f"Versão dos dados: {known['data_version'] or 'desconhecida'}")
        if known["last_runs"] is None:
            say("Últimas execuções: desconhecidas, o banco não responde.")
        else:
            show(known["last_runs"], shape)
    elif shape in (Format.CSV, Format.NDJSON):
        show([asdict(part) for part in found], shape)
    else:
        show_one({"parts": [asdict(part) for part in found], **known}, shape)
    return _worst(found)


def ps(shape: Shape = None) -> int:
    """Só as partes: processo, endereço, sinal de vida."""
    found = parts(layout())
    show([asdict(part) for part in found], shape)
    return _worst(found)


def _worst(found: list[Part]) -> int:
    states = {part.state for part in found}
    return CRITICAL if "down" in states else WARNING if "unknown" in states else OK


def _from_database() -> dict[str, Any]:
    """What only the database knows; None where it cannot be asked."""
    try:
        with transaction() as connection:
            runs = connection.execute(
                """SELECT DISTINCT ON (job_name) job_name, reference_period, run_status::text,
                          verdict::text, rows_loaded, started_at_utc, finished_at_utc, error
                   FROM ops.pipeline_runs ORDER BY job_name, started_at_utc DESC"""
            ).fetchall()
            version = connection.execute("SELECT version FROM gold.data_version").fetchone()
    except (AtalaiaError, OSError):
        return {"data_version": None, "last_runs": None}
    return {
        "data_version": version["version"] if version else None,
        "last_runs": runs,
    }


def doctor(shape: Shape = None) -> int:
    """Confere a máquina e os mínimos documentados. Sai com 1 se há aviso, 2 se algo é crítico."""
    from atalaia.serve.local.doctor import examine, worst

    found = examine(layout())
    show([asdict(finding) for finding in found], shape)
    return worst(found)


def handoff(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Escreve a página aqui; padrão: na tela.")
    ] = None,
    shape: Shape = None,
) -> int:
    """Passagem de plantão: tudo o que está em aberto, numa página. Sai com 1 se há algo."""
    from atalaia.kernel.watch.handoff import as_markdown, gather

    found = gather()
    if out is not None:
        with full_disk_is_told(), renamed_when_whole(out.absolute()) as file:
            file.write(as_markdown(found).encode())
        say(f"Escrito em {out}.")
    elif shape is None:
        print(as_markdown(found), end="")
    else:
        show_one(found, shape)
    return WARNING if any(section["lines"] for section in found["sections"]) else OK


def conformance(shape: Shape = None) -> int:
    """Cada promessa da lista: pass, fail ou untested, segundo as últimas execuções dos testes."""
    report = project_dir() / "tests" / "conformance" / "report.py"
    if not report.exists():
        raise NotFound("O relatório só existe numa cópia do repositório.")
    done = subprocess.run(
        [sys.executable, str(report), "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    show(json.loads(done.stdout), shape)
    return OK
