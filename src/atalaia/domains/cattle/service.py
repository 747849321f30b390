"""The intake: a file is judged at the gate, kept in bronze, and its work accepted in one
transaction with its row; a worker then finds out what it is and has its layout's job load it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from atalaia.domains.cattle import reading, store
from atalaia.domains.cattle.layout import BY_NAME
from atalaia.domains.cattle.loading import BY_LAYOUT, FOLDER
from atalaia.domains.cattle.mapping import NONE, plain
from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.disk import sha256_of
from atalaia.kernel.base.errors import (
    AlreadyRunning,
    AlreadySo,
    AtalaiaError,
    Busy,
    ContractBroken,
    FileRefused,
    NoSpace,
    NotFound,
    UsageError,
)
from atalaia.kernel.ingest import bronze
from atalaia.kernel.ingest.gate import admit
from atalaia.kernel.ingest.names import own, shown, suffix_of
from atalaia.kernel.keep import audit
from atalaia.kernel.work.items import Item, accept
from atalaia.kernel.work.runner import run_job

KIND = "cattle.file"
ACCEPTED = (".csv", ".tsv", ".txt", ".xlsx")
_STREAM = "files"
_RUN_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Bringer:
    """Who brings a file, for whom, by which way, and why."""

    tenant_id: str
    actor: str
    origin: str  # http | resumable | folder | cli
    trigger: str = "api"
    reason: str | None = None

    @property
    def who(self) -> dict[str, Any]:
        """For records and work."""
        return {
            "tenant_id": self.tenant_id,
            "actor": self.actor,
            "trigger": self.trigger,
            "reason": self.reason,
        }


def receive(path: Path, name: str, by: Bringer) -> store.File:
    """Take the file at `path`, which is the caller's and is moved to bronze. Returns its row: the
    very bytes a second time are a row in state 'duplicate' (and, if the first one had failed, its
    work is accepted again). Raises FileRefused, having kept a row that says so and no byte."""
    sha256, size = sha256_of(path), path.stat().st_size
    new = {
        "id": uuid4(),
        "tenant_id": by.tenant_id,
        "filename": shown(name),
        "origin": by.origin,
        "sha256": sha256,
        "size_bytes": size,
        "changed_by": by.actor,
        "change_reason": by.reason,
    }
    try:
        _judge(path, name)
    except FileRefused as error:
        _keep_refused(new, error, by)
        raise
    with transaction() as connection:
        first = store.same_bytes(connection, sha256, by.tenant_id)
        if first:
            return _again(connection, first, new, by)
    kept = bronze.store(
        path,
        source=FOLDER,
        dataset="file",
        reference_period=str(new["id"]),
        filename=own(0, sha256, name),
    )
    with transaction() as connection:
        added = store.add(connection, {**new, "state": "received", "bronze_id": kept.bronze_id})
        if added is None:  # the same bytes came by another door meanwhile
            first = store.same_bytes(connection, sha256, by.tenant_id)
            assert first is not None  # noqa: S101  that is what ON CONFLICT met
            return _again(connection, first, new, by)
        _accept(connection, added, by)
        _record(connection, "received", added, by, {"sha256": sha256})
        return store.file(connection, added["id"], by.tenant_id) or added


def _judge(path: Path, name: str) -> None:
    if suffix_of(name) not in ACCEPTED:
        raise FileRefused(
            f"'{shown(name)}' foi recusado: o tipo não é um dos que se aceitam. Nada dele foi "
            "lido.",
            todo="Envie CSV ou XLSX.",
        )
    admit(path, name)


def _keep_refused(new: store.File, error: FileRefused, by: Bringer) -> None:
    told = {"state": "refused", "error_message": error.message, "error_class": "validation"}
    with transaction() as connection:
        added = store.add(connection, {**new, **told})
        if added:
            _record(connection, "refused", added, by, {"sha256": new["sha256"]})


def _again(connection: Connection, first: store.File, new: store.File, by: Bringer) -> store.File:
    added = store.add(connection, {**new, "state": "duplicate", "duplicate_of": first["id"]})
    assert added is not None  # noqa: S101  nothing of a duplicate is unique but its id
    if first["status"] == "error":
        store.move(connection, first["id"], "requeued", actor=by.actor, reason=by.reason)
        _accept(connection, first, by)
    _record(connection, "duplicate", added, by, {"duplicate_of": str(first["id"])})
    return added


def _accept(connection: Connection, one: store.File, by: Bringer) -> UUID:
    accepted = accept(connection, KIND, [{"file_id": str(one["id"])}], **by.who)
    connection.execute(
        "UPDATE etl.etl_file SET batch_id = %s WHERE id = %s", (accepted.batch_id, one["id"])
    )
    return accepted.batch_id


def _record(
    connection: Connection, what: str, one: store.File, by: Bringer, details: Mapping[str, Any]
) -> None:
    """Without the file's name, which may be a person's: what is audited cannot be taken back."""
    audit.append(
        connection,
        stream=_STREAM,
        action=f"file.{what}",
        subject=str(one["id"]),
        details=details,
        **by.who,
    )


def reprocess(file_id: UUID, by: Bringer) -> store.File:
    """Have a file loaded again; one that waits or is in hand already is left so. Raises NotFound,
    and AlreadySo for one that has no bytes, or waits for a person."""
    with transaction() as connection:
        one = store.held(connection, file_id, by.tenant_id)
        if one is None:
            raise NotFound("Não há esse arquivo.", todo="A lista está em /files.")
        if one["state"] == "duplicate":
            raise AlreadySo(f"É o mesmo arquivo que {one['duplicate_of']}: reprocesse aquele.")
        if one["bronze_id"] is None:
            raise AlreadySo("Ele foi recusado na entrada e não foi guardado: envie-o corrigido.")
        if one["state"] == "awaiting_mapping":
            raise AlreadySo("Ele espera que alguém diga o que são as suas colunas.")
        if one["status"] not in ("uploaded", "processing"):
            store.move(connection, one["id"], "requeued", actor=by.actor, reason=by.reason)
            _accept(connection, one, by)
            _record(connection, "reprocessed", one, by, {})
        return store.file(connection, file_id, by.tenant_id) or one


def answer(
    file_id: UUID,
    by: Bringer,
    *,
    columns: Mapping[str, str],
    formats: Mapping[str, str],
    layout: str | None,
) -> store.File:
    """What a person says of a file's headers (header → column, '' for none), of its formats, and of
    its layout; remembered for the tenant's later files, and the file is taken up again. Raises
    NotFound, UsageError for a column the layout does not have."""
    with transaction() as connection:
        one = store.held(connection, file_id, by.tenant_id)
        if one is None or one["bronze_id"] is None:
            raise NotFound("Não há esse arquivo, ou ele não foi guardado.")
        if one["status"] == "processing":
            raise AlreadySo("Ele está sendo processado agora: espere terminar.")
        wanted = BY_NAME.get(layout or one["layout"] or "")
        if wanted is None:
            raise UsageError("Falta dizer qual é o layout.", todo=", ".join(BY_NAME))
        if unknown := set(columns.values()) - set(wanted.read) - {NONE}:
            raise UsageError(
                f"{wanted.title} não tem a coluna {', '.join(sorted(unknown))}.",
                todo=f"Há: {', '.join(wanted.read)}.",
            )
        answers = [(wanted.name, "column", plain(h), c) for h, c in columns.items()]
        answers += [(wanted.name, "format", name, said) for name, said in formats.items()]
        if layout:
            headers = [entry["header"] for entry in one["mapping"]]
            answers.append(("", "layout", reading.signature(headers), layout))
        store.remember(
            connection, by.tenant_id, answers, actor=by.actor, reason=by.reason or "mapeamento"
        )
        if one["state"] != "received":
            store.move(connection, one["id"], "requeued", actor=by.actor, reason=by.reason)
            _accept(connection, one, by)
        details = {"layout": wanted.name, "columns": dict(columns), "formats": dict(formats)}
        _record(connection, "mapping_said", one, by, details)
        return store.file(connection, file_id, by.tenant_id) or one


def process(item: Item, _connection: Connection) -> dict[str, Any]:
    """What a worker does with a file: find out what it is, and run its layout's job. Raises what
    the run failed of, so that the item is tried again or becomes a dead letter."""
    file_id = item.payload["file_id"]
    with transaction() as connection:
        one = store.file(connection, file_id, item.tenant_id)
        if one is None or one["bronze_id"] is None or one["state"] == "duplicate":
            raise NotFound(f"O arquivo {file_id} não está guardado.")
        held, said = store.bronze_of(connection, one), store.said(connection, item.tenant_id)
    try:
        layout = _recognise(one, held, said, item)
        if layout is None:
            return {"file_id": file_id, "state": "awaiting_mapping"}
        done = run_job(
            BY_LAYOUT[layout],
            reference_period=file_id,
            force=True,
            timeout_seconds=_RUN_SECONDS,
            actor=item.actor,
            trigger=item.trigger,
            reason=item.reason,
            tenant_id=item.tenant_id,
        )
    except AlreadyRunning as error:
        raise Busy(str(error)) from error
    if done["run_status"] != "success":
        _raise_failure(item, file_id)
    return {"file_id": file_id, "run_id": done["run_id"], "run_status": done["run_status"]}


def _recognise(
    one: store.File, held: bronze.BronzeObject, said: reading.Said, item: Item
) -> str | None:
    """The layout; None when a person must say something first, and the file then says what."""
    try:
        held.verify()
        with reading.opened(held.file) as source:
            found = reading.detect(source, said)
    except ContractBroken as error:
        with transaction() as connection:
            if one["status"] != "error":
                _pass_through(connection, one, item)
                told = {"error_message": str(error), "error_class": "validation"}
                store.move(connection, one["id"], "refused", actor=item.actor, **told)
        raise
    with transaction() as connection:
        store.keep_detected(connection, one["id"], found)
        if not found.questions:
            return found.layout.name
        _pass_through(connection, one, item)
        asked = {"actor": item.actor, "reason": "espera que uma pessoa diga o que falta"}
        store.move(connection, one["id"], "awaiting_mapping", **asked)
    return None


def _pass_through(connection: Connection, one: store.File, item: Item) -> None:
    """From any state that a file in hand may be in, to the one in which it is in hand."""
    if one["state"] != "processing":
        store.move(connection, one["id"], "processing", actor=item.actor, reason=item.reason)


def _raise_failure(item: Item, file_id: str) -> None:
    """Tell the queue why the run failed; a file that will be tried again is put back in line."""
    with transaction() as connection:
        one = store.held(connection, file_id, item.tenant_id)
        assert one is not None  # noqa: S101  its run has just ended
        kind, told = one["error_class"], one["error_message"] or "interrompida"
        passing = kind in ("connection", "resource")
        if passing and item.attempt < item.max_attempts and one["state"] == "failed":
            why = f"tentativa {item.attempt} de {item.max_attempts}: {told}"
            store.move(connection, file_id, "requeued", actor=item.actor, reason=why)
    errors: dict[str, type[AtalaiaError]] = {"connection": Busy, "resource": NoSpace}
    raise errors.get(kind or "", ContractBroken)(told)


def take_up_again(connection: Connection, batches: list[UUID]) -> None:
    """Files whose dead work was accepted again are in line again, by that work."""
    connection.execute(
        """UPDATE etl.etl_file f
           SET batch_id = i.batch_id,
               state = CASE WHEN f.state IN ('refused', 'failed') THEN 'requeued' ELSE f.state END
           FROM ops.work_items i
           WHERE i.batch_id = ANY(%s) AND i.kind = %s AND f.id::text = i.payload ->> 'file_id'""",
        (batches, KIND),
    )


def bury_dead(connection: Connection) -> int:
    """Files whose work died with its workers say so; returns how many."""
    return connection.execute(
        """UPDATE etl.etl_file f
           SET state = 'failed', changed_by = 'scheduler', error_class = 'resource',
               error_message = 'O trabalho não terminou em nenhuma das tentativas: '
                   || coalesce(i.error, 'o worker morreu')
           FROM ops.work_items i
           WHERE i.batch_id = f.batch_id AND i.status IN ('dead', 'cancelled')
             AND f.state IN ('received', 'requeued', 'processing', 'retrying')"""
    ).rowcount
