"""`atalaia files` and `atalaia cattle`: feeding files and what they say, on the command line.

They print through `ctx.obj`, which is the command line's own output."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from atalaia.domains.cattle import deviations as sums
from atalaia.domains.cattle import listing, service
from atalaia.domains.cattle.service import Bringer
from atalaia.kernel.base.clock import now
from atalaia.kernel.base.errors import FileRefused, UsageError
from atalaia.kernel.ingest import bronze
from atalaia.kernel.ingest.names import shown
from atalaia.kernel.work.runner import whoami

Tenant = Annotated[str, typer.Option("--tenant", help="De qual organização.")]
Why = Annotated[str, typer.Option("--reason", help="Por quê; fica no registro.")]
Shape = Annotated[str | None, typer.Option("--format", "-f", help="table, json, csv ou ndjson.")]
FileId = Annotated[str, typer.Argument(help="O identificador que 'files list' mostra.")]
_COLUMNS = ("id", "filename", "status", "state", "layout", "rows_loaded", "rows_rejected")
_SUMS = ("key", "planned_kg", "fed_kg", "deviation_kg", "deviation_pc", "status", "rows")

files = typer.Typer(add_completion=False, help="Arquivos de trato: enviar, ver, reprocessar.")


def _shape(ctx: typer.Context, shape: str | None) -> Any:
    try:
        return ctx.obj.Format(shape) if shape else None
    except ValueError:
        raise UsageError(f"'{shape}' não é um formato.", todo="table, json, csv, ndjson.") from None


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise UsageError(f"'{text}' não é o identificador de um arquivo.") from None


@files.command("list")
def list_files(
    ctx: typer.Context,
    status: Annotated[str | None, typer.Option(help="uploaded, processing, loaded, error")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    tenant: Tenant = "default",
    shape: Shape = None,
) -> int:
    """Os arquivos, o mais novo primeiro."""
    if status not in (None, "uploaded", "processing", "loaded", "error"):
        raise UsageError(
            f"'{status}' não é uma situação.", todo="uploaded, processing, loaded, error"
        )
    asked = dict.fromkeys(("state", "layout", "q", "since", "until"))
    found = listing.files({**asked, "tenant": tenant, "status": status, "size": limit, "skip": 0})[
        :limit
    ]
    ctx.obj.show(found, _shape(ctx, shape), _COLUMNS)
    return 0


@files.command("show")
def show_file(
    ctx: typer.Context, file_id: FileId, tenant: Tenant = "default", shape: Shape = None
) -> int:
    """Um arquivo: o que se achou nele, contagens, checks e a sua história."""
    ctx.obj.show_one(listing.shown_file(_id(file_id), tenant), _shape(ctx, shape))
    return 0


@files.command("upload")
def upload(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="CSV ou XLSX.")],
    tenant: Tenant = "default",
    reason: Why = "enviado pela linha de comando",
    shape: Shape = None,
) -> int:
    """Entrega arquivos; são carregados em seguida. 1 quando algum foi recusado."""
    by = Bringer(tenant, whoami(), "cli", "cli", reason)
    taken: list[dict[str, Any]] = []
    refused = 0
    for number, path in enumerate(paths, 1):
        if not path.is_file():
            raise UsageError(f"{path} não é um arquivo. Os anteriores foram entregues.")
        ctx.obj.say(f"[{number}/{len(paths)}] {shown(path.name)} · {path.stat().st_size} bytes")
        try:
            with bronze.scratch() as copy:
                shutil.copyfile(path, copy)
                one = service.receive(copy, path.name, by)
        except FileRefused as error:
            refused += 1
            one = {"filename": shown(path.name), "status": "error", "error_message": str(error)}
        taken.append(one)
    ctx.obj.show(taken, _shape(ctx, shape), ("id", "filename", "status", "state", "error_message"))
    return 1 if refused else 0


@files.command("reprocess")
def reprocess(
    ctx: typer.Context,
    file_id: FileId,
    reason: Why,
    tenant: Tenant = "default",
    shape: Shape = None,
) -> int:
    """Pede que um arquivo seja carregado de novo; linhas não se repetem."""
    by = Bringer(tenant, whoami(), "cli", "cli", reason)
    ctx.obj.show([service.reprocess(_id(file_id), by)], _shape(ctx, shape), _COLUMNS)
    return 0


def deviations(
    ctx: typer.Context,
    by: Annotated[str, typer.Option(help="diet, pen, wagon, operator, ingredient")] = "diet",
    since: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"])] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"])] = None,
    tenant: Tenant = "default",
    shape: Shape = None,
) -> int:
    """Previsto e realizado, o pior primeiro."""
    if by not in ("diet", "pen", "wagon", "operator", "ingredient"):
        raise UsageError(
            f"'{by}' não é uma divisão.", todo="diet, pen, wagon, operator, ingredient"
        )
    last: date = until.date() if until else now().date()
    first: date = since.date() if since else last - timedelta(days=30)
    found = sums.deviations(tenant, by, first, last)  # type: ignore[arg-type]
    ctx.obj.show(found["items"], _shape(ctx, shape), _SUMS)
    return 0


def add_to(app: typer.Typer) -> None:
    """Put what is of the rows under `atalaia cattle`."""
    app.command("deviations")(deviations)
