"""The one application: kernel routes, every domain's routes, the front end, and the cache outside.

It starts without a database and stays up without one; see `follower` for how it finds it again.
"""

from __future__ import annotations

import gc
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from atalaia.kernel.base import telemetry, trace
from atalaia.kernel.base.settings import project_dir, settings
from atalaia.kernel.keep.doors import PUBLIC_MARK
from atalaia.kernel.watch import metrics
from atalaia.kernel.work import bell
from atalaia.serve import catalog
from atalaia.serve.api import (
    access,
    alerts,
    audit,
    backups,
    deliveries,
    health,
    incidents,
    jobs,
    keys,
    live,
    maintenance,
    ops,
    problems,
    reconcile,
    refusals,
    runbooks,
    schedule,
    session,
    sources,
    webhooks,
    work,
)
from atalaia.serve.api.cache import CacheHeaderMiddleware
from atalaia.serve.api.follower import DataVersion
from atalaia.serve.api.journal import Journal
from atalaia.serve.api.shelf import Shelf
from atalaia.serve.api.site import Site
from atalaia.serve.worker import wake

_OWN = (
    health.router,
    ops.router,
    live.router,
    sources.router,
    work.router,
    schedule.router,
    jobs.router,
    alerts.router,
    incidents.router,
    maintenance.router,
    webhooks.router,
    deliveries.router,
    audit.router,
    backups.router,
    keys.router,
    session.router,
    runbooks.router,
    reconcile.router,
)

_MOST_BODY_BYTES = 1_000_000  # of a route that names no limit of its own (max_body_size)


def create(front_end: Path | None = None) -> CacheHeaderMiddleware:
    """The application of this process. `front_end` is the folder of the built front end."""
    bell.hang(wake)
    shelf = Shelf(settings().api_cache_max_bytes)
    data, journal, answers = DataVersion(shelf.renew), Journal(), metrics.Answers()
    access.describe(_api_routes(_OWN))
    brought = _domain_routers()
    routers = [*_OWN, *brought]
    api = FastAPI(
        title="Atalaia",
        version=version("atalaia"),
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        max_body_size=_MOST_BODY_BYTES,
        lifespan=_lifespan(data, journal),
    )
    for router in _OWN:
        api.include_router(router)
    for router in brought:
        api.include_router(router, dependencies=[Depends(access.domain_door)])
    problems.install(api)
    refusals.install(api)
    hub = live.Hub()
    site = Site(front_end or project_dir() / "frontend" / "dist")
    cached = CacheHeaderMiddleware(
        _Door(api, site, routers),
        is_public=_public_paths(routers),
        shelf=shelf,
        data=data,
        journal=journal,
        answers=answers,
    )
    gauges = metrics.Gauges(
        {
            "atalaia_data_version": ("Version of the data", lambda: data.version or 0),
            "atalaia_cache_bytes": ("Bytes of kept answers", lambda: shelf.size),
            "atalaia_cache_entries": ("Kept answers", lambda: len(shelf)),
            "atalaia_cache_hits_total": ("Kept answers given", lambda: answers.count("hit")),
            "atalaia_cache_misses_total": ("Answers made anew", lambda: answers.count("miss")),
            "atalaia_live_listeners": ("Screens told of changes", lambda: len(hub)),
            "atalaia_log_dropped_lines_total": ("Lines not written", lambda: journal.dropped),
        }
    )
    registry = metrics.registry(answers, gauges, metrics.Ledger())
    api.state.live = hub
    api.state.wake = wake  # for routes of domains: work they accepted is due
    api.state.serving = health.Serving(data, registry, journal)
    return cached


def _domain_routers() -> list[APIRouter]:
    """The router of every domain that has one; one that cannot be imported is logged, not fatal."""
    found = []
    for one in catalog.domains():
        if not one.router:
            continue
        module, _, name = one.router.partition(":")
        try:
            router = getattr(import_module(module), name)
            access.describe_domain(router)
            found.append(router)
        except Exception as error:
            trace.log("ERROR", f"domain {one.name} has no routes", error=type(error).__name__)
    return found


def _api_routes(routers: Iterable[APIRouter]) -> list[APIRoute]:
    return [r for router in routers for r in router.routes if isinstance(r, APIRoute)]


def _public_paths(routers: Iterable[APIRouter]) -> Callable[[str], bool]:
    patterns = [
        route.path_regex.pattern
        for route in _api_routes(routers)
        if (route.openapi_extra or {}).get(PUBLIC_MARK)
    ]
    # The names of the groups repeat from route to route, which one pattern may not have.
    union = re.sub(r"\?P<\w+>", "?:", "|".join(patterns) or r"(?!)")
    matches = re.compile(union).match
    return lambda path: matches(path) is not None


class _Door:
    """Sends what begins like an API path to the API, and the rest to the front end."""

    def __init__(self, api: FastAPI, site: Site, routers: Iterable[APIRouter]) -> None:
        self._api, self._site = api, site
        self._first = {route.path.split("/")[1] for route in _api_routes(routers)}
        self._first.add("openapi.json")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page = scope["type"] == "http" and scope["path"].split("/")[1] not in self._first
        app = self._site if is_page else self._api
        await app(scope, receive, send)


def _lifespan(
    data: DataVersion, journal: Journal
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        _log_as_one()
        catalog.begin("api")
        journal.start()
        data.start()
        # What was imported stays: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        trace.log("INFO", "the API is up")
        yield
        trace.log("INFO", "the API is stopping")
        await data.stop()
        journal.stop()
        telemetry.stop()

    return lifespan


def _log_as_one() -> None:
    """All of the process's lines as JSON: uvicorn's too, and its access log is ours already."""
    trace.configure("api", settings().log_level)
    telemetry.start("api")
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # the follower says it once
