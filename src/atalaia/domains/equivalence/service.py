"""Evaluating: what is judged by what, answered once per request_id, and recorded.

The answer is kept byte for byte, with one record of the audit log, in one transaction. The record
has hashes and versions, and no text: neither a subject's nor a person's.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson

from atalaia.domains.equivalence import catalog, store
from atalaia.domains.equivalence.catalog import Chosen
from atalaia.domains.equivalence.store import Evaluation
from atalaia.domains.equivalence.wire import Destination, Origin, Request
from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import Connection, pooled
from atalaia.kernel.base.errors import Conflict
from atalaia.kernel.base.trace import new_trace_id, trace_id
from atalaia.kernel.keep import audit
from atalaia.kernel.match.engine import evaluate
from atalaia.kernel.match.mappers import Mappers
from atalaia.kernel.match.subjects import Subject
from atalaia.kernel.match.verdict import Verdict

_DETAILS = ("itens", "evidence", "justificativa_detalhada", "trechos_ignorados")


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose question it is, and under which trace it is answered."""

    tenant_id: str
    actor: str
    trigger: str
    trace_id: str = ""
    batch_id: UUID | None = None


def digest(request: Request) -> str:
    """By what the same request is known again: SHA-256 of all it says, defaults filled in."""
    said = orjson.dumps(request.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(said).hexdigest()


def answer(request: Request, asker: Asker, mappers: Mappers) -> str:
    """The answer to one request, as JSON: the one that was given before, when it was asked before.
    Raises Conflict when that request_id came with another request, and NotFound for a policy, a
    version or a taxonomy that is named and not there."""
    with pooled() as connection:
        before = earlier(connection, request, asker.tenant_id)
        if before:
            return before
        chosen = chosen_for(connection, request, asker.tenant_id)
    made = judged(request, chosen, asker, mappers)  # with no connection in hand: it may take long
    with pooled() as connection:
        with connection.transaction():
            kept = store.keep(connection, [made])
            if kept:
                audit.append_all(connection, stream=catalog.STREAM, entries=[entry(made, asker)])
        if kept:
            return made.answer
        again = earlier(connection, request, asker.tenant_id)  # asked twice at the same moment
        assert again is not None  # noqa: S101  what stood in its way stays
        return again


def earlier(connection: Connection, request: Request, tenant_id: str) -> str | None:
    """What was answered to that request before. Raises Conflict."""
    found = store.kept(connection, tenant_id, [request.request_id]).get(request.request_id)
    return found and same(request, *found)


def same(request: Request, sha256: str, answer: str) -> str:
    """The answer, when it was one to this request. Raises Conflict."""
    if sha256 != digest(request):
        raise Conflict(
            "Esse request_id já foi usado para outro pedido. Nada foi avaliado agora.",
            todo="Repita o pedido igual, ou use um request_id novo.",
        )
    return answer


def chosen_for(connection: Connection, request: Request, tenant_id: str) -> Chosen:
    """The policy and the taxonomy of a request."""
    return catalog.choose(
        connection,
        tenant_id,
        course=request.curso,
        policy=request.policy,
        policy_version=request.versions.politica,
        area=request.destino.area,
        taxonomy_version=request.versions.taxonomia,
        destination=(request.destino.nome, request.destino.ementa),
    )


def judged(request: Request, chosen: Chosen, asker: Asker, mappers: Mappers) -> Evaluation:
    """Evaluate it; nothing is written."""
    began = time.perf_counter()
    verdict = evaluate(
        [_subject(one) for one in request.origins],
        _subject(request.destino),
        policy=chosen.policy,
        taxonomy=chosen.taxonomy,
        mappers=mappers,
        year=now().year,
    )
    milliseconds = round((time.perf_counter() - began) * 1000, 2)
    evaluation_id = uuid4()
    body = _body(request, chosen, verdict) | {
        "evaluation_id": str(evaluation_id),
        "timings_ms": {"avaliacao": milliseconds},
    }
    return Evaluation(
        evaluation_id=evaluation_id,
        request_id=request.request_id,
        request_sha256=digest(request),
        tenant_id=asker.tenant_id,
        batch_id=asker.batch_id,
        curso=request.curso,
        origem=" + ".join(one.nome for one in request.origins),
        destino=request.destino.nome,
        decisao=verdict.decisao,
        score=verdict.score,
        degraded=verdict.degraded_mode,
        mapper=verdict.mapper,
        policy=chosen.policy.code,
        policy_version=chosen.policy.version,
        taxonomy=chosen.taxonomy.area if chosen.taxonomy else None,
        taxonomy_version=chosen.taxonomy.version if chosen.taxonomy else None,
        answer=orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode(),
        actor=asker.actor,
        trace_id=asker.trace_id or trace_id() or new_trace_id(),
    )


def _subject(one: Origin | Destination) -> Subject:
    return Subject.from_dict(one.model_dump())


def _body(request: Request, chosen: Chosen, verdict: Verdict) -> dict[str, Any]:
    """The answer but for what differs between two times it is given: its id and its timings."""
    said = verdict.as_dict() | {
        "request_id": request.request_id,
        "policy": {"code": chosen.policy.code, "version": chosen.policy.version},
        "taxonomy": chosen.taxonomy
        and {"code": chosen.taxonomy.area, "version": chosen.taxonomy.version},
    }
    if not request.options.detalhes:
        said = {name: value for name, value in said.items() if name not in _DETAILS}
    return said


def entry(made: Evaluation, asker: Asker) -> audit.Entry:
    """Its record: who, and by hashes and versions what; no text."""
    return audit.Entry(
        action="evaluation.decided",
        actor=asker.actor,
        trigger=asker.trigger,
        subject=str(made.evaluation_id),
        tenant_id=made.tenant_id,
        trace_id=made.trace_id,
        details={
            "request_sha256": made.request_sha256,
            "answer_sha256": hashlib.sha256(made.answer.encode()).hexdigest(),
            "decisao": made.decisao,
            "score": made.score,
            "degraded": made.degraded,
            "mapper": made.mapper,
            "policy": f"{made.policy}@{made.policy_version}",
            "taxonomy": made.taxonomy and f"{made.taxonomy}@{made.taxonomy_version}",
            "batch_id": made.batch_id and str(made.batch_id),
        },
    )


def entries(made: Sequence[tuple[Evaluation, Asker]]) -> list[audit.Entry]:
    """The records of many, in their order."""
    return [entry(one, asker) for one, asker in made]
