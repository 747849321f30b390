"""The cascade: the source itself → bronze cache → manual folder → blocked. It never guesses: the
layer that answered and the verdict on those that did not are part of the result.

A payload younger than the connector's `refresh_hours` is used as it is; older, or with force, the
source is asked first and what bronze has is the next best answer.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from atalaia.kernel.base.disk import sha256_of
from atalaia.kernel.base.errors import NotPublished, SourceError, SourceFailed, TooMuchAsked
from atalaia.kernel.base.outbound import download
from atalaia.kernel.base.settings import settings
from atalaia.kernel.ingest import bronze
from atalaia.kernel.ingest.bronze import Arrival, BronzeObject
from atalaia.kernel.ingest.connector import Connector, Request
from atalaia.kernel.ingest.gate import admit
from atalaia.kernel.ingest.names import own, shown
from atalaia.kernel.ingest.pace import Place, at_source
from atalaia.kernel.work.job import Run
from atalaia.kernel.work.retry import attempted, source_may_recover

_KEPT_HEADERS = ("etag", "last-modified", "content-type", "content-length", "date")

Layer = Literal["remote", "bronze_cache", "manual"]


@dataclass(slots=True)
class Catch:
    """What the cascade brought, from which layer, and what the layers above it answered."""

    objects: list[BronzeObject]
    source_type: str
    verdict: str | None = None
    warnings: list[str] = field(default_factory=list)


def order(*, has_remote: bool, cache_is_fresh: bool, force: bool) -> list[Layer]:
    """The layers to try, first to last."""
    if cache_is_fresh and not force:
        return ["bronze_cache"]
    return ["remote", "bronze_cache", "manual"] if has_remote else ["bronze_cache", "manual"]


def fetch(connector: Connector, run: Run) -> Catch:
    """Bring the payloads of one connector and period. Each remote request is tried as often as
    the run allows; raises the first layer's SourceError when every layer is empty."""
    cached = bronze.newest(connector.folder, list(connector.datasets), run.reference_period)
    fresh = cached is not None and cached.age_hours < connector.refresh_hours
    requests = connector.requests(run.reference_period)
    failures: list[SourceError] = []
    for layer in order(has_remote=bool(requests), cache_is_fresh=fresh, force=run.force):
        run.checkpoint()
        try:
            objects, source_type = _ask(layer, connector, run, requests, cached)
        except SourceError as error:
            failures.append(error)
            continue
        if objects:
            return Catch(
                objects,
                source_type,
                failures[0].verdict if failures else None,
                [f"{error}" for error in failures],
            )
    raise (
        failures[0]
        if failures
        else NotPublished(
            f"Não há nada de {run.reference_period} no bronze nem em "
            f"data/manual/{connector.folder}/.",
            todo=f"Ponha o arquivo em data/manual/{connector.folder}/{run.reference_period}/"
            f"{connector.datasets[0]}/.",
        )
    )


def _ask(
    layer: Layer,
    connector: Connector,
    run: Run,
    requests: Sequence[Request],
    cached: BronzeObject | None,
) -> tuple[list[BronzeObject], str]:
    if layer == "remote":
        return _remote(connector, run, requests), requests[0].source_type
    if layer == "bronze_cache":
        return (_from_cache(cached, connector.datasets) if cached else []), "bronze_cache"
    return _manual(connector, run), "manual"


def _remote(connector: Connector, run: Run, requests: Sequence[Request]) -> list[BronzeObject]:
    """Every request, or none: a source of several files enters bronze only when all have come,
    for the newest files in bronze are taken as a whole by whoever reads them next."""
    with ExitStack() as scratches:
        place = scratches.enter_context(at_source(connector.folder, connector.pace, run))
        arrivals: list[Arrival] = []
        for number, request in enumerate(requests):
            run.progress.rows(number, len(requests))
            arrivals += _asked(connector, run, request, scratches, place)
        return bronze.store_all(arrivals)


def _asked(
    connector: Connector, run: Run, request: Request, scratches: ExitStack, place: Place
) -> list[Arrival]:
    """One request, or its parts when the source says that it is too much at once."""
    run.checkpoint()
    scratch = scratches.enter_context(bronze.scratch())
    ask = partial(_one, connector, run, request, scratch, place)
    try:
        return [attempted(run, source_may_recover, ask)]
    except TooMuchAsked:
        if not request.parts:
            raise
    return [a for part in request.parts for a in _asked(connector, run, part, scratches, place)]


def _one(
    connector: Connector, run: Run, request: Request, scratch: Path, place: Place, _attempt: int
) -> Arrival:
    place.wait_for_turn(run)
    url, params = f"{connector.base}{request.path}", dict(request.params)
    try:
        exchange, _, _ = download(
            url,
            scratch,
            deadline=run.deadline,
            params=params,
            timeout_seconds=request.timeout_seconds,
            inside=connector.inside,
            redirects=request.redirects,
        )
        _refuse_html(scratch, request)
        request.judge(scratch)
    except SourceFailed as error:
        if request.too_much and re.search(request.too_much, error.answer):
            raise TooMuchAsked(status=error.status, answer=error.answer) from error
        raise
    told = {k: v for k, v in asdict(exchange).items() if v is not None}
    kept = {k: v for k, v in exchange.headers.items() if k in _KEPT_HEADERS}
    return Arrival(
        file=scratch,
        source=connector.folder,
        dataset=request.dataset,
        reference_period=run.reference_period,
        filename=request.filename,
        exchange={
            **told,
            "fetched_at": exchange.fetched_at.isoformat(),
            "headers": kept,
        },
    )


def _refuse_html(path: Path, request: Request) -> None:
    """Firewalls of official hosts answer 200 with a page; that is a failure, not data."""
    with path.open("rb") as file:
        head = file.read(256).lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")) and not request.filename.endswith("html"):
        raise SourceFailed("A fonte respondeu com uma página da web no lugar dos dados.")


def _from_cache(newest: BronzeObject, datasets: Sequence[str]) -> list[BronzeObject]:
    objects = bronze.same_extraction(newest, list(datasets))
    for found in objects:
        found.verify()
    return objects


def _manual(connector: Connector, run: Run) -> list[BronzeObject]:
    """What a person put in data/manual/{folder}/{period}/{dataset}/, if the gate lets it pass. It
    is copied first and judged then: what is judged is what will be read."""
    folder = settings().data_dir / "manual" / connector.folder / run.reference_period
    with ExitStack() as scratches:
        arrivals = []
        for number, path in enumerate(sorted(folder.glob("*/*")) if folder.is_dir() else []):
            if path.parent.name in connector.datasets and not path.is_dir():
                scratch = scratches.enter_context(bronze.scratch())
                name = _admitted(path, scratch, number)
                run.warnings.append(f"'{shown(path.name)}' foi guardado como {name}.")
                arrivals.append(
                    Arrival(
                        file=scratch,
                        source=connector.folder,
                        dataset=path.parent.name,
                        reference_period=run.reference_period,
                        filename=name,
                    )
                )
        return bronze.store_all(arrivals)


def _admitted(path: Path, scratch: Path, number: int) -> str:
    """Copy a file a person brought, judge the copy, and name it. Raises FileRefused."""
    if path.is_symlink() or path.stat().st_size > settings().upload_max_bytes:
        admit(path, path.name)  # refuses, before anything is copied
    shutil.copyfile(path, scratch, follow_symlinks=False)
    admit(scratch, path.name)
    return own(number, sha256_of(scratch), path.name)
