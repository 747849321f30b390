"""How the process and what it stands on are doing: for people, for probes, for Prometheus."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry

from atalaia.kernel.base.errors import AtalaiaError, NotFound
from atalaia.kernel.base.settings import settings
from atalaia.kernel.watch import metrics
from atalaia.serve.api import problems, refusals, state
from atalaia.serve.api.follower import DataVersion
from atalaia.serve.api.journal import Journal

router = APIRouter()
# A probe is answered in the same form when what it asks after is away.
_ALSO_AWAY: dict[int | str, dict[str, Any]] = {
    503: {
        "description": "O mesmo, com o que está fora do ar",
        "content": {"application/json": {}},
        "headers": refusals.WAIT,
    }
}


@dataclass(frozen=True, slots=True)
class Serving:
    """What this process keeps while it serves; `app.state.serving` holds it."""

    data: DataVersion
    registry: CollectorRegistry
    journal: Journal


def _serving(request: Request) -> Serving:
    found: Serving = request.app.state.serving
    return found


def _json(body: Any, status: int = 200) -> Response:
    headers = {"retry-after": str(problems.RETRY_AFTER_SECONDS)} if status == 503 else None
    return Response(orjson.dumps(body), status, headers, "application/json")


@router.get(
    "/v1/health", tags=["saúde"], summary="A API e o banco respondem?", responses=_ALSO_AWAY
)
async def health(request: Request) -> Response:
    """Exactly `{"api":"ok","db":"ok"}`; 503 with `"db":"down"` within the connection's time."""
    away = _serving(request).data.away
    try:
        async with asyncio.timeout(settings().connect_timeout_seconds):
            up = await asyncio.to_thread(state.database_answers, directly=away)
    except TimeoutError:  # it accepts connections and says nothing
        up = False
    return _json({"api": "ok", "db": "ok" if up else "down"}, 200 if up else 503)


@router.get("/livez", tags=["saúde"], summary="O processo vive?")
async def livez() -> Response:
    """The process only: nothing it stands on is asked."""
    return _json({"status": "ok"})


@router.get(
    "/readyz",
    tags=["saúde"],
    summary="Pronto para responder? Se não, por quê",
    responses=_ALSO_AWAY,
)
def readyz(request: Request) -> Response:
    """Ready unless a part fails; every part is told, with the reason when it does not hold."""
    data = _serving(request).data
    parts = state.parts(away=data.away, version=data.version)
    ready = all(part.status != "fail" for part in parts)
    body = {"ready": ready, "parts": [part.as_dict() for part in parts]}
    return _json(body, 200 if ready else 503)


@router.get(
    "/health", tags=["saúde"], summary="Tudo o que o Atalaia é, num quadro", responses=_ALSO_AWAY
)
def overview(request: Request) -> Response:
    """Status of the API, database, Redis, the last run of each job, and the services."""
    up = state.database_answers(directly=_serving(request).data.away)
    redis = state.redis_part()
    workers = state.workers()
    pipelines = _pipelines() if up else None
    status = "ok" if up and redis.status == "ok" and pipelines is not None else "degraded"
    body = {
        "status": status if up else "down",
        "api": "ok",
        "db": "ok" if up else "down",
        "redis": "ok" if redis.status == "ok" else "down",
        "pipelines": pipelines or {},
        "services": {
            "worker": "unknown" if workers is None else ("ok" if workers else "down"),
            **{part.name: part.status for part in [state.domains_part()]},
        },
    }
    return _json(body, 200 if up else 503)


def _pipelines() -> dict[str, Any] | None:
    """The last run of each job; and of each domain's own pipelines how they stand, with it."""
    try:
        runs = state.pipelines()
        own = state.domain_pipelines()
        return runs | {name: one | {"last_run": runs.get(name)} for name, one in own.items()}
    except (AtalaiaError, psycopg.Error):  # away again, or not migrated yet
        return None


@router.get(
    "/metrics",
    tags=["saúde"],
    summary="Métricas no formato do Prometheus",
    response_class=PlainTextResponse,
)
def scrape(request: Request) -> Response:
    """Counters of this process, and the ledger's numbers as of now."""
    serving = _serving(request)
    serving.journal.settle()  # what was answered up to now is counted now
    text = metrics.exposition(serving.registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


@router.get("/problems/{slug}", tags=["saúde"], summary="O que um tipo de problema quer dizer")
async def problem(slug: str) -> Response:
    """The meaning of a problem's `type`."""
    found = problems.catalogue().get(slug)
    if found is None:
        raise NotFound(
            "Não há tipo de problema com esse nome.", todo="A lista está em docs/api.md."
        )
    return _json({"type": f"/problems/{slug}", "status": found[0], "title": found[1]})
