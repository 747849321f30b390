"""The jobs of the five layouts: each run is of one file, by its id, through the kernel's pipeline.

The file's state changes in the transactions that open and close its run, so that neither ever says
what the other does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import polars as pl
import psycopg

from atalaia.domains.cattle import store
from atalaia.domains.cattle.findings import results
from atalaia.domains.cattle.layout import DATASET, LAYOUTS, Layout
from atalaia.domains.cattle.reading import Detected, Source, batches, detect, opened
from atalaia.domains.cattle.shaping import FeedingRows
from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import (
    AlreadySo,
    AtalaiaError,
    ContractBroken,
    NoSpace,
    NotFound,
    TimedOut,
    Unavailable,
    UsageError,
)
from atalaia.kernel.ingest import pipeline
from atalaia.kernel.ingest.bronze import BronzeObject
from atalaia.kernel.ingest.connector import Connector, Scope
from atalaia.kernel.ingest.rows import Ragged
from atalaia.kernel.watch import checks
from atalaia.kernel.work.job import Job, Run

DOMAIN, FOLDER = "cattle", "cattle"
_SWAPPED = r"^[0-9]{1,2}[/.-](1[3-9]|2[0-9]|3[01])[/.-]"  # MM/DD, where DD/MM is read
_SWAPPED_SHARE, _SWAPPED_LEAST = 0.01, 20


def _connector(layout: Layout) -> Connector:
    """The layout's connector, as the catalog lists it; a run has one of its own file."""
    return Connector(
        name=layout.name,
        source="CONECTA BOI",
        folder=FOLDER,
        datasets=(DATASET,),
        contract=layout.contract(),
        table=layout.table(),
        parse=lambda _objects: iter(()),
        shaper=lambda _run: FeedingRows(layout, ()),
        scope=lambda _file: None,
        refresh_after_hours=10**6,
    )


CONNECTORS = tuple(map(_connector, LAYOUTS))


def _of_file(
    connector: Connector, layout: Layout, one: store.File, source: Source, found: Detected
) -> tuple[Connector, list[FeedingRows]]:
    """The connector of one file, and the shapers its run makes, the last one the one that counts"""
    made: list[FeedingRows] = []
    present = list(found.recognised.columns)

    def shaper(_run: Run) -> FeedingRows:
        made.append(FeedingRows(layout, present))
        return made[-1]

    def parse(_objects: Sequence[BronzeObject]) -> Iterator[tuple[str, pl.DataFrame]]:
        return _parsed(source, found)

    own = replace(
        connector,
        contract=layout.contract(found.written),
        table=layout.table(one["tenant_id"], one["seq"]),
        parse=parse,
        shaper=shaper,
        scope=lambda _file: Scope({"file_seq": [one["seq"]]}, only_removes=True),
    )
    return own, made


def _parsed(source: Source, found: Detected) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows as they came; those that are not as wide as the header as rows with a reason."""
    ragged, rows, swapped = Ragged(), 0, 0
    day_first = found.formats.date_format.startswith("DD")
    for frame in batches(source, found, ragged):
        rows += frame.height
        if day_first:
            swapped += int(frame["data"].str.contains(_SWAPPED).sum() or 0)
        yield DATASET, frame
        if ragged.rows:
            yield DATASET, ragged.frame(list(found.layout.read))
    if ragged.rows:
        yield DATASET, ragged.frame(list(found.layout.read))
    if swapped > max(_SWAPPED_LEAST, rows * _SWAPPED_SHARE):
        raise ContractBroken(
            f"{swapped} datas só existem como MM/DD, e outras como DD/MM: não se sabe o que são as "
            "demais. Nada foi carregado; o arquivo está guardado.",
            todo="Diga em /files/{id}/mapping qual é a ordem (date_order), ou exporte de novo.",
        )


def _body(connector: Connector, layout: Layout, run: Run) -> None:
    with transaction() as connection:
        one = store.file(connection, run.reference_period, run.tenant_id)
        if one is None or one["bronze_id"] is None:
            raise NotFound("Esse arquivo não existe, ou não foi guardado.")
        if one["run_id"] != run.run_id or one["state"] != "processing":
            raise AlreadySo(f"O arquivo está '{one['state']}': não é hora de carregá-lo.")
        found, said = store.bronze_of(connection, one), store.said(connection, one["tenant_id"])
    with run.step("fetch", connector=connector.name):
        found.verify()
        run.source_type = "manual"
        run.bronze.append(found.as_dict())
    with opened(found.file) as source:
        with run.step("detect") as detail:
            detected = detect(source, said, layout.name)
            detail |= {"encoding": detected.encoding, "notes": detected.notes}
            _keep(one, detected)
            run.warnings += detected.notes
        own, shapers = _of_file(connector, layout, one, source, detected)
        pipeline.load_objects(own, run, [found])
    with run.step("checks"), transaction() as connection:
        answers = checks.after_load(run)
        weighed = "carga_kg" in detected.recognised.columns
        answers += results(connection, layout, one, shapers[-1].warned, weighed=weighed)
        checks.record(run, answers)


def _keep(one: store.File, detected: Detected) -> None:
    with transaction() as connection:
        store.keep_detected(connection, one["id"], detected)
    if detected.questions:
        raise ContractBroken(
            "O arquivo tem algo que uma pessoa precisa dizer antes. Nada foi carregado.",
            todo=f"Responda em /files/{one['id']}/mapping.",
        )


def _noted(connection: Connection, run: Run) -> None:
    """The file, as its run has it."""
    if run.status == "running":
        store.run_began(connection, run)
        return
    if run.status != "success":
        kind = error_class(run.failure)
        state = "refused" if kind in ("validation", "data") else "failed"
        store.run_ended(connection, run, state, run.error or "interrompida", kind)
    elif run.counts.loaded == 0 and run.counts.rejected:
        why = f"Nenhuma das {run.counts.read} linhas serviu; cada uma diz por quê."
        store.run_ended(connection, run, "refused", why, "data")
    else:
        state = "partly_loaded" if run.counts.rejected else "loaded"
        store.run_ended(connection, run, state, None, None)


def error_class(error: Exception | None) -> str:
    """Which of the runbook's four kinds of error it is."""
    if isinstance(error, ContractBroken | UsageError):
        return "validation"
    if isinstance(error, NoSpace | TimedOut | MemoryError | psycopg.errors.DiskFull):
        return "resource"
    if isinstance(error, Unavailable | psycopg.OperationalError | OSError):
        return "connection"
    if isinstance(error, AtalaiaError):
        return "data"
    return "resource"


def _job(connector: Connector, layout: Layout) -> Job:
    return Job(
        name=layout.name,
        domain=DOMAIN,
        title=f"{layout.number} {layout.title}, por arquivo",
        body=partial(_body, connector, layout),
        plan=lambda run: {"file": run.reference_period, "table": connector.table.name},
        wave="cattle",
        source=connector.source,
        default_periods=lambda: (),
        period_kind="file",
        noted=_noted,
    )


JOBS = tuple(_job(c, one) for c, one in zip(CONNECTORS, LAYOUTS, strict=True))
BY_LAYOUT = {job.name: job for job in JOBS}
