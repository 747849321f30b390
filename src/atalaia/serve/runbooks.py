"""A runbook asked for over HTTP: durable work, executed by a worker like any other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import AlreadyRunning, UsageError
from atalaia.kernel.watch import runbook_evidence as evidence
from atalaia.kernel.watch import runbook_run as running
from atalaia.kernel.watch.runbook import find
from atalaia.kernel.work.items import Item, accept

KIND = "runbook"


def ask(
    connection: Connection,
    name: str,
    arguments: Mapping[str, str],
    *,
    actor: str,
    reason: str,
    key: str,
    confirmed: bool,
    only: str | None = None,
    start: str | None = None,
) -> str:
    """Write the run and accept its execution, in one transaction; the same `key` gives the same
    run. Returns the run's id. Raises UsageError for what a worker cannot execute."""
    runbook = find(name)
    if runbook.head.place == "terminal":
        raise UsageError(
            f"{runbook.name} para partes do Atalaia, e por isso só se executa no terminal.",
            todo=f"atalaia runbook run {runbook.name} --reason …",
        )
    state = running.begin(
        runbook, arguments, actor=actor, trigger="api", reason=reason, only=only, start=start
    )
    asking = _asking(state)
    if asking and not confirmed:
        raise UsageError(
            f"{', '.join(asking)} pede confirmação. Nada foi executado.",
            todo="Mostre os comandos a quem pede, e envie confirmed=true.",
        )
    state.run_id = str(uuid5(NAMESPACE_OID, f"runbook {actor} {key}"))
    asked = {
        "runbook_run_id": state.run_id,
        "confirmed": confirmed,
        "runbook": runbook.name,
        "arguments": state.arguments,
        "cells": [cell.name for cell in state.cells if cell.status == "pending"],
    }
    accepted = accept(connection, KIND, [asked], actor=actor, trigger="api", reason=reason, key=key)
    if not accepted.again:
        evidence.write(connection, state)
    return state.run_id


def _asking(state: evidence.RunState) -> list[str]:
    """The cells still to be executed that ask for confirmation."""
    left = {cell.name for cell in state.cells if cell.status not in ("passed", "skipped")}
    return [c.name for c in find(state.runbook).cells if c.confirm and c.name in left]


def ask_to_go_on(run_id: str, *, actor: str, reason: str) -> None:
    """Have a worker go on with a run of the API's that stopped. Raises NotFound, AlreadySo, and
    UsageError for one that was started at a terminal."""
    from atalaia.serve.worker import wake

    state = evidence.load(run_id)
    if state.trigger != "api":
        raise UsageError(
            "Essa execução foi iniciada no terminal, e é lá que segue. Nada foi mudado.",
            todo=f"atalaia runbook resume {run_id} --reason …",
        )
    running.resume(state, actor=actor, reason=reason)
    again = {"runbook_run_id": run_id, "confirmed": True, "resumed_by": actor}
    with transaction() as connection:
        accept(connection, KIND, [again], actor=actor, trigger="api", reason=reason)
        evidence.write(connection, state)
    wake()


def execute(item: Item, _connection: Connection) -> dict[str, Any]:
    """What a worker does with such an item: what is left of the run. A second delivery of it finds
    nothing left, or the cell that was interrupted."""
    state = evidence.load(item.payload["runbook_run_id"])
    if state.status == "running":
        hearing = running.Hearing(confirm=lambda _cell: bool(item.payload["confirmed"]))
        try:
            running.proceed(state, hearing)
        except AlreadyRunning as error:
            return {"dropped": str(error)}
    return {"runbook_run_id": state.run_id, "status": state.status}
