"""One path for every source: fetch → bronze → parse → contract → shape → load, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

import polars as pl

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import AtalaiaError, NotPublished
from atalaia.kernel.ingest import bronze, cascade
from atalaia.kernel.ingest.bronze import BronzeObject
from atalaia.kernel.ingest.connector import Connector, Shaped
from atalaia.kernel.ingest.contract import REASON, ROW
from atalaia.kernel.ingest.corrections import corrected, corrections_of
from atalaia.kernel.ingest.dead_letters import Rejected, rejected_rows
from atalaia.kernel.ingest.load import load
from atalaia.kernel.ingest.merge import Loaded
from atalaia.kernel.work.job import Counts, Run

_CONTRADICTING = "linhas da mesma chave se contradizem"


def ingest(connector: Connector, run: Run) -> None:
    """Bring one connector's payload for the run's period into its table."""
    with run.step("fetch", connector=connector.name) as detail:
        catch = cascade.fetch(connector, run)
        run.source_type, run.verdict = catch.source_type, catch.verdict
        run.warnings += catch.warnings
        run.bronze += [found.as_dict() for found in catch.objects]
        detail |= {"source_type": catch.source_type, "files": len(catch.objects)}
    load_objects(connector, run, catch.objects)


def load_objects(connector: Connector, run: Run, objects: list[BronzeObject]) -> None:
    """Bring payloads that are in bronze already into the connector's table."""
    with run.step("load", connector=connector.name, table=connector.table.name) as detail:
        counts = _load(connector, run, objects)
        run.counts.add(counts)
        detail |= {"read": counts.read, "loaded": counts.loaded, "rejected": counts.rejected}


def plan(connector: Connector, run: Run) -> dict[str, Any]:
    """What `ingest` would do, without doing it: layers in order, addresses, table, scope."""
    datasets = list(connector.datasets)
    cached = bronze.newest(connector.folder, datasets, run.reference_period)
    requests = connector.requests(run.reference_period)
    fresh = cached is not None and cached.age_hours < connector.refresh_hours
    scope = connector.scope(run.reference_period)
    return {
        "connector": connector.name,
        "layers": cascade.order(has_remote=bool(requests), cache_is_fresh=fresh, force=run.force),
        "requests": [
            {"url": f"{connector.base}{r.path}", "params": dict(r.params)} for r in requests
        ],
        "bronze": cached.as_dict() if cached else None,
        "table": connector.table.name,
        "replaces": dict(scope.among) if scope else None,
        "contract_version": connector.contract.version,
    }


def _load(connector: Connector, run: Run, objects: list[BronzeObject]) -> Counts:
    with rejected_rows() as rejected, transaction() as connection:
        stream = _Stream(connector, run, objects, rejected)
        loaded = load(
            connection, connector.table, connector.scope(run.reference_period), stream.batches, run
        )
        _reject_contradicting(connector, loaded, rejected, stream)
        connector.after(connection, run)
        rejected.write(connection, run, connector.name)
        for found in objects:
            connection.execute(
                "INSERT INTO ops.run_bronze (run_id, bronze_id, connector) VALUES (%s, %s, %s) "
                "ON CONFLICT DO NOTHING",
                (run.run_id, found.bronze_id, connector.name),
            )
        return _accounted(connector, stream.balance(loaded, rejected))


def _accounted(connector: Connector, counts: Counts) -> Counts:
    """`counts`, if every row read is accounted for; else the transaction is undone."""
    if counts.read == 0:
        raise NotPublished(f"O arquivo de {connector.name} não tem nenhuma linha. Nada foi mudado.")
    if not counts.balance:
        raise AtalaiaError(f"As linhas não fecham, e nenhuma foi carregada: {counts}.")
    return counts


def _reject_contradicting(
    connector: Connector, loaded: Loaded, rejected: Rejected, stream: _Stream
) -> None:
    """Put them aside: as they came, where the table keeps their places; else as they were shaped,
    under their key."""
    if connector.table.place:
        stream.put_aside_again({row[connector.table.place] for row in loaded.contradicting})
        return
    for row in loaded.contradicting:
        place = "/".join(str(row[column]) for column in connector.table.key if column in row)
        rejected.add_row(row, _CONTRADICTING, place)


class _Stream:
    """Batches on their way from payload to table, counted as they pass; can be started again."""

    def __init__(
        self, connector: Connector, run: Run, objects: list[BronzeObject], rejected: Rejected
    ) -> None:
        self._connector, self._run, self._objects = connector, run, objects
        self._rejected = rejected
        self._read = self._represented = 0

    def batches(self) -> Iterator[pl.DataFrame]:
        """Rows for the table, batch by batch. A pass that was broken off leaves nothing behind."""
        self._read = self._represented = 0
        self._rejected.clear()
        shaper = self._connector.shaper(self._run)
        for dataset, raw in self._raw():
            self._read += raw.height
            if REASON in raw.columns:  # what the reader itself could make no row of
                self._put_aside(raw.filter(pl.col(REASON).is_not_null()), dataset)
                raw = raw.filter(pl.col(REASON).is_null()).drop(REASON)
            accepted, bad = self._connector.contract.split(dataset, raw)
            self._put_aside(bad, dataset)
            shaped = shaper.shape(dataset, accepted)
            if shaped.rejected is not None and set(shaped.rejected.columns) == {ROW, REASON}:
                shaped.rejected = raw.join(shaped.rejected, on=ROW)
            yield from self._pass_on(shaped, dataset)
        last = shaper.finish()
        if last is not None:
            yield from self._pass_on(last, "")

    def _raw(self) -> Iterator[tuple[str, pl.DataFrame]]:
        corrections = corrections_of(self._connector.name, self._run.reference_period)
        for dataset, came in self._connector.parse(self._objects):
            yield dataset, corrected(dataset, came, corrections)

    def put_aside_again(self, places: Set[int]) -> None:
        """Read the payload once more for the rows at `places`, which contradict each other."""
        if not places:
            return
        for dataset, raw in self._raw():
            if REASON in raw.columns:
                continue
            found = raw.filter(pl.col(ROW).is_in(list(places)))
            self._put_aside(found.with_columns(pl.lit(_CONTRADICTING).alias(REASON)), dataset)

    def _put_aside(self, bad: pl.DataFrame, dataset: str) -> None:
        if bad.height:
            self._rejected.add(bad, dataset)

    def _pass_on(self, shaped: Shaped, dataset: str) -> Iterator[pl.DataFrame]:
        if shaped.rejected is not None:
            self._put_aside(shaped.rejected, dataset)
        rows = shaped.rows
        self._represented += rows.height if shaped.sources is None else shaped.sources
        if rows.height:
            yield rows

    def balance(self, loaded: Loaded, rejected: Rejected) -> Counts:
        """The run's counts. `loaded` comes from what shapers say their rows stand for, not from a
        subtraction, so a row lost on the way leaves the ledger unbalanced and the run fails."""
        contradicting = len(loaded.contradicting)
        return Counts(
            read=self._read,
            loaded=self._represented - loaded.duplicate - contradicting,
            rejected=rejected.count,
            duplicate=loaded.duplicate,
            inserted=loaded.inserted,
            updated=loaded.updated,
            unchanged=loaded.unchanged,
            deleted=loaded.deleted,
        )
