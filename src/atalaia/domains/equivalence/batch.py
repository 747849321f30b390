"""A batch: read from the wire without being held in memory, accepted, and done in groups.

An item is a request like any other: the same request_id and the same body have the same answer,
whether they came alone or in a batch, once or again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any

import orjson
from pydantic import ValidationError

from atalaia.domains.equivalence import catalog, service, store
from atalaia.domains.equivalence.catalog import Chosen
from atalaia.domains.equivalence.mapping import mappers
from atalaia.domains.equivalence.service import Asker
from atalaia.domains.equivalence.store import Evaluation
from atalaia.domains.equivalence.wire import Request
from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import AtalaiaError, UsageError
from atalaia.kernel.keep import audit
from atalaia.kernel.work.drain import Handler
from atalaia.kernel.work.items import Item, Lines, together

KIND = "equivalence.evaluate"
MOST_ITEMS = 100_000
MOST_BYTES = 512 << 20
MOST_ARRAY_BYTES = 64 << 20  # a JSON array is read whole; beyond this, JSON lines
_GROUP = 50
_MOST_TOLD = 20


class Refused(UsageError):
    """The batch has what cannot be accepted; nothing of it was."""

    def __init__(self, errors: Sequence[dict[str, Any]]) -> None:
        super().__init__("Nada do lote foi aceito.")
        self.errors = list(errors)


@dataclass(frozen=True, slots=True)
class Read:
    """A body that was read: its items as JSON lines in a file that is gone with the process."""

    file: IO[bytes]
    total: int
    sha256: bytes

    def lines(self) -> Lines:
        """As they are accepted."""
        self.file.seek(0)
        return Lines((line.decode() for line in self.file), self.total, self.sha256)


@contextmanager
def read(body: IO[bytes]) -> Iterator[Read]:
    """Check every item of a JSON array or of JSON lines. Raises UsageError for what is neither, and
    Refused, which tells the first things that are wrong, with where."""
    sha256, seen, total = hashlib.sha256(), set[str](), 0
    errors: list[dict[str, Any]] = []
    with TemporaryFile() as kept:
        for total, said in enumerate(_items(body), start=1):
            if total > MOST_ITEMS:
                raise UsageError(f"Um lote tem no máximo {MOST_ITEMS} itens. Nada foi aceito.")
            request = _checked(said, total - 1, seen, errors)
            if request is not None and not errors:
                line = orjson.dumps(request.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
                sha256.update(line + b"\n")
                kept.write(line + b"\n")
            if len(errors) >= _MOST_TOLD:
                break
        if errors:
            raise Refused(errors[:_MOST_TOLD])
        if not total:
            raise UsageError("O lote não tem nenhum item. Nada foi aceito.")
        yield Read(kept, total, sha256.digest())


def _checked(
    said: Any, position: int, seen: set[str], errors: list[dict[str, Any]]
) -> Request | None:
    try:
        request = (
            Request.model_validate_json(said)
            if isinstance(said, bytes)
            else Request.model_validate(said)
        )
    except ValidationError as error:
        errors.extend(
            {**wrong, "loc": ("body", position, *wrong["loc"])}
            for wrong in error.errors(include_url=False, include_input=False)
        )
        return None
    if request.request_id in seen:
        place = ("body", position, "request_id")
        errors.append({"type": "repeated", "loc": place})
        return None
    seen.add(request.request_id)
    return request


def _items(body: IO[bytes]) -> Iterator[Any]:
    """The items: of an array as they were parsed, of lines as bytes."""
    body.seek(0)
    first = body.read(1)
    while first.isspace():
        first = body.read(1)
    body.seek(0)
    if first != b"[":
        yield from (line for line in body if not line.isspace())
        return
    whole = body.read(MOST_ARRAY_BYTES + 1)
    if len(whole) > MOST_ARRAY_BYTES:
        raise UsageError(
            f"Um array tem no máximo {MOST_ARRAY_BYTES >> 20} MB. Nada foi aceito.",
            todo="Mande o lote como JSON lines: um item por linha.",
        )
    try:
        found = orjson.loads(whole)
    except orjson.JSONDecodeError as error:
        raise UsageError("O corpo não é JSON válido. Nada foi aceito.") from error
    yield from found


def one(item: Item, _connection: Connection) -> dict[str, Any]:
    """Do one item: what its request_id was answered before, when it was. Raises Conflict."""
    request = Request.model_validate(item.payload)
    said = service.answer(request, _asker(item), mappers())
    found: dict[str, Any] = json.loads(said)
    return found


def group(items: Sequence[Item], connection: Connection) -> None:
    """Do many: judged first, then kept and recorded in one transaction. What was evaluated before,
    here or meanwhile, and what cannot be, is left to `one`."""
    made: dict[int, tuple[Evaluation, Asker]] = {}
    choose = _remembering(connection)
    for item, request in _fresh(items, connection):
        asker = _asker(item)
        try:
            chosen = choose(request, asker.tenant_id)
            made[item.item_id] = service.judged(request, chosen, asker, mappers()), asker
        except AtalaiaError:
            continue  # `one` says why
    with together(connection, items) as held:
        ours = [made[item.item_id] for item in held.items if item.item_id in made]
        kept = store.keep(connection, [evaluation for evaluation, _ in ours])
        for item in held.items:
            if item.item_id in made and made[item.item_id][0].evaluation_id in kept:
                held.results[item.item_id] = json.loads(made[item.item_id][0].answer)
        done = [pair for pair in ours if pair[0].evaluation_id in kept]
        if done:
            audit.append_all(connection, stream=catalog.STREAM, entries=service.entries(done))


def _fresh(items: Sequence[Item], connection: Connection) -> Iterator[tuple[Item, Request]]:
    """Those whose request_id was not answered before; of two with one, the first."""
    wanted: dict[tuple[str, str], tuple[Item, Request]] = {}
    for item in items:
        request = Request.model_validate(item.payload)
        wanted.setdefault((item.tenant_id, request.request_id), (item, request))
    for tenant in {tenant for tenant, _ in wanted}:
        asked = [request_id for of, request_id in wanted if of == tenant]
        for request_id in store.kept(connection, tenant, asked):
            del wanted[tenant, request_id]
    yield from wanted.values()


def _remembering(connection: Connection) -> Callable[[Request, str], Chosen]:
    """`chosen_for` that asks once for those of a group that name the same."""
    known: dict[tuple[Any, ...], Chosen] = {}

    def choose(request: Request, tenant_id: str) -> Chosen:
        named = (
            tenant_id, request.curso, request.policy, request.versions.politica,
            request.versions.taxonomia, request.destino.area,
            request.destino.area or (request.destino.nome, request.destino.ementa),
        )  # fmt: skip
        if named not in known:
            known[named] = service.chosen_for(connection, request, tenant_id)
        return known[named]

    return choose


def _asker(item: Item) -> Asker:
    return Asker(item.tenant_id, item.actor, item.trigger, item.trace_id, item.batch_id)


WORK = {KIND: Handler(one, _GROUP, group)}
