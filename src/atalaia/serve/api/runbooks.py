"""Runbooks over HTTP: read by a viewer, executed by an operator, approved by another one.

They are the house's, that is, the default tenant's. A run is durable work: 202, then followed.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from pydantic import Field

from atalaia.kernel.base.database import pooled
from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.keep.doors import Caller
from atalaia.kernel.watch import runbook as texts
from atalaia.kernel.watch import runbook_runs as runs
from atalaia.kernel.watch.runbook import Runbook
from atalaia.kernel.watch.runbook_approval import Approver, approve
from atalaia.serve import runbooks
from atalaia.serve.api.access import Body, needs
from atalaia.serve.api.answers import Page, PageSize, answer
from atalaia.serve.api.work import Decision, Words
from atalaia.serve.worker import wake

router = APIRouter(prefix="/v1", tags=["operação"])
Viewer = Annotated[Caller, Depends(needs("viewer"))]
Operator = Annotated[Caller, Depends(needs("operator"))]
Key = Annotated[str, Header(min_length=8, max_length=200, pattern=r"^[\x21-\x7e]+$")]
Name = Annotated[str, Path(max_length=120, pattern=r"^[a-z0-9/_-]+$")]
_CELL = r"^[a-z][a-z0-9-]{0,62}$"


class Wanted(Body):
    """Which runbook, with which arguments; `confirmed` says that whoever asks has seen the commands
    that ask for confirmation."""

    runbook: str = Field(max_length=120, pattern=r"^[a-z0-9/_-]+$")
    arguments: dict[str, Annotated[str, Field(max_length=200)]] = Field({}, max_length=20)
    cell: str | None = Field(None, pattern=_CELL)
    start: str | None = Field(None, pattern=_CELL)
    confirmed: bool = False
    reason: Words


@router.get("/runbooks", summary="Os runbooks: de quem são e a que alertas respondem")
def listed(_who: Viewer) -> Response:
    """Every runbook that is well formed; `broken` names the others."""
    found: list[dict[str, Any]] = []
    broken: list[str] = []
    for name in texts.names():
        try:
            found.append(_told(texts.find(name)))
        except UsageError as error:
            broken.append(error.message)
    return answer({"items": found, "count": len(found), "broken": broken})


@router.get("/runbooks/{runbook:path}", summary="Um runbook: texto, argumentos e células")
def shown(runbook: Name, _who: Viewer) -> Response:
    """The text as Markdown, and each cell as it would be executed."""
    found = texts.find(runbook)
    arguments = [argument.model_dump() for argument in found.head.arguments]
    cells = [
        {
            "name": cell.name,
            "source": cell.source.strip(),
            "confirm": cell.confirm,
            "danger": cell.danger,
            "optional": cell.optional,
            "timeout_seconds": cell.timeout,
            "line": cell.line,
        }
        for cell in found.cells
    ]
    body = found.text.partition("\n---\n")[2].lstrip("\n")
    told = _told(found) | {"arguments": arguments, "cells": cells, "text": body}
    return answer(told)


def _told(found: Runbook) -> dict[str, Any]:
    return {
        "name": found.name,
        "title": found.head.title,
        "severity": found.head.severity,
        "owner": found.head.owner,
        "alerts": list(found.head.alerts),
        "place": found.head.place,
        "danger": any(cell.danger for cell in found.cells),
        "sha256": found.sha256,
    }


@router.post("/runbook-runs", status_code=202, summary="Pede a execução de um runbook")
def ask(wanted: Wanted, idempotency_key: Key, who: Operator) -> Response:
    """It will be executed by a worker, whatever dies now. The same Idempotency-Key with the same
    request is the same run; with another request, 409."""
    with pooled() as connection, connection.transaction():
        run_id = runbooks.ask(
            connection,
            wanted.runbook,
            wanted.arguments,
            actor=who.actor,
            reason=wanted.reason,
            key=f"api {who.subject} {idempotency_key}",
            confirmed=wanted.confirmed,
            only=wanted.cell,
            start=wanted.start,
        )
    wake()
    return answer({"id": run_id, "status": "queued"}, 202)


@router.get("/runbook-runs", summary="As execuções de runbooks, a mais nova primeiro")
def run_list(
    _who: Viewer,
    runbook: Annotated[str | None, Query(max_length=120)] = None,
    page: Page = 1,
    page_size: PageSize = 50,
) -> Response:
    """Who, when, why and how it ended. `interrupted`: nobody is at it any more."""
    with pooled() as connection:
        found = runs.listed(connection, page_size + 1, (page - 1) * page_size, runbook)
    items = found[:page_size]
    listed = {"items": items, "count": len(items), "page": page, "page_size": page_size}
    return answer(listed | {"more": len(found) > page_size})


@router.get("/runbook-runs/{runbook_run_id}", summary="Uma execução: o que cada célula disse")
def run_shown(runbook_run_id: UUID, _who: Viewer) -> Response:
    """Each cell's output as it is kept, redacted, with its SHA-256; and who approved what."""
    with pooled() as connection:
        found = runs.one(connection, str(runbook_run_id))
    if found is None:
        raise NotFound("Não há essa execução de um runbook.")
    return answer(found)


@router.post("/runbook-runs/{runbook_run_id}/approve", summary="Aprova a célula que espera")
def run_approve(runbook_run_id: UUID, decision: Decision, who: Operator) -> Response:
    """By a second person: not who started it. One that the API started goes on at once; one that a
    terminal started is resumed there."""
    approver = Approver(who.name, who.subject, who.role)
    done = approve(str(runbook_run_id), approver, reason=decision.reason, trigger="api")
    goes_on = done["trigger"] == "api"
    if goes_on:
        runbooks.ask_to_go_on(str(runbook_run_id), actor=who.actor, reason=decision.reason)
    return answer({"id": runbook_run_id, "cell": done["cell"], "goes_on": goes_on})


@router.post("/runbook-runs/{runbook_run_id}/resume", status_code=202, summary="Segue uma execução")
def run_resume(runbook_run_id: UUID, decision: Decision, who: Operator) -> Response:
    """From the cell at which it stopped."""
    runbooks.ask_to_go_on(str(runbook_run_id), actor=who.actor, reason=decision.reason)
    return answer({"id": runbook_run_id, "status": "queued"}, 202)
