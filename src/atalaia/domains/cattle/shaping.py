"""What the business asks of a row: which are put aside, and which only make the file say so. What
can be worked out from a row's own weights is worked out, whatever the file says it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import reduce
from zoneinfo import ZoneInfo

import polars as pl

from atalaia.domains.cattle import identifiers, limits
from atalaia.domains.cattle.layout import Layout
from atalaia.kernel.ingest.connector import Shaped
from atalaia.kernel.ingest.contract import REASON, ROW
from atalaia.kernel.work.recurrence import ZONE

_FAULTS: dict[str, Callable[[str], str | None]] = {
    "sisbov": identifiers.sisbov_fault,
    "gta": identifiers.gta_fault,
    "car": identifiers.car_fault,
}
_EARLIEST = pl.date(2000, 1, 1)


class FeedingRows:
    """Rows of one layout, shaped; `warned` counts what the file is to say."""

    def __init__(self, layout: Layout, present: Sequence[str]) -> None:
        self._layout, self._present = layout, frozenset(present)
        self.warned: Counter[str] = Counter()
        self._today = datetime.now(ZoneInfo(ZONE)).date()
        self._texts = [
            name
            for name, one in layout.read.items()
            if one.column.type == "text" and name in self._present
        ]
        self._out = [one.name for one in layout.fields if not one.told]

    def shape(self, _dataset: str, accepted: pl.DataFrame) -> Shaped:
        """The rows for the table, and the places and reasons of those that cannot be any."""
        frame = accepted.with_columns(_filled(name) for name in self._texts)
        frame = _with_deviation(frame) if "previsto_kg" in frame.columns else frame
        frame = self._with_intake(frame)
        reasons = pl.concat_str(self._reasons(frame), separator="; ", ignore_nulls=True)
        judged = frame.with_columns(reasons.alias(REASON))
        bad = judged.filter(pl.col(REASON) != "").select(ROW, REASON)
        good = judged.filter(pl.col(REASON) == "") if bad.height else judged
        self._warn(good)
        return Shaped(
            good.select(*self._out, pl.col(ROW).alias("file_row")), bad if bad.height else None
        )

    def finish(self) -> Shaped | None:
        """Nothing is held back."""
        return None

    def _reasons(self, frame: pl.DataFrame) -> list[pl.Expr]:
        rules = [
            (pl.col("data") > self._today, "data: no futuro"),
            (pl.col("data") < _EARLIEST, "data: antes de 2000"),
        ]
        lost = [pl.col(name).str.contains("\ufffd", literal=True) for name in self._texts]
        if lost:
            rules.append((reduce(lambda a, b: a | b, lost), "caractere que se perdeu (\ufffd)"))
        found: list[pl.Expr] = [pl.when(bad).then(pl.lit(why)) for bad, why in rules]
        found += [_fault(frame, name) for name in _FAULTS if name in self._present]
        return found

    def _with_intake(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Dry matter eaten in % of live weight, from the row's own figures where both are there."""
        if not {"cms_realizado_kg", "peso_estimado_kg"} <= set(frame.columns):
            return frame
        computed = (pl.col("cms_realizado_kg") / pl.col("peso_estimado_kg") * 100).round(2)
        return frame.with_columns(pl.coalesce(computed, "cms_pv_pc").alias("cms_pv_pc"))

    def _warn(self, good: pl.DataFrame) -> None:
        asked: list[tuple[str, pl.Expr]] = []
        if "cms_pv_pc" in good.columns:
            least, most = limits.span("warnings", "intake_pc_of_weight")
            asked.append(("consumo_fora_da_faixa", ~pl.col("cms_pv_pc").is_between(least, most)))
        if "desvio_kg_lido" in self._present:
            off = (pl.col("desvio_kg_lido").abs() - pl.col("desvio_kg").abs()).abs()
            asked.append(
                ("desvio_recalculado", off > limits.number("warnings", "deviation_told_kg"))
            )
        if "desvio_pc_lido" in self._present:
            told = pl.col("desvio_pc_lido").is_not_null()
            asked.append(("percentual_sem_previsto", told & (pl.col("previsto_kg") == 0)))
        if asked:
            counts = good.select(bad.fill_null(value=False).sum().alias(n) for n, bad in asked)
            self.warned.update({name: int(counts[name][0]) for name, _ in asked})
            self.warned.update({f"{name}.asked": 1 for name, _ in asked})


def _filled(name: str) -> pl.Expr:
    text = pl.col(name).str.strip_chars()
    return pl.when(text != "").then(text).alias(name)


def _with_deviation(frame: pl.DataFrame) -> pl.DataFrame:
    """desvio = realizado − previsto; no percentage of nothing planned."""
    kg = (pl.col("realizado_kg") - pl.col("previsto_kg")).round(3)
    percent = pl.when(pl.col("previsto_kg") > 0).then((kg / pl.col("previsto_kg") * 100).round(2))
    frame = frame.with_columns(kg.alias("desvio_kg"), percent.alias("desvio_pc"))
    return frame.with_columns(colour(pl.col("desvio_pc")).alias("status"))


def colour(percent: pl.Expr) -> pl.Expr:
    """VERDE, AMARELO or VERMELHO of a deviation in %; null of none."""
    green, yellow = limits.number("status", "green_pc"), limits.number("status", "yellow_pc")
    return (
        pl.when(percent.is_null())
        .then(None)
        .when(percent.abs() <= green)
        .then(pl.lit("VERDE"))
        .when(percent.abs() <= yellow)
        .then(pl.lit("AMARELO"))
        .otherwise(pl.lit("VERMELHO"))
    )


def _fault(frame: pl.DataFrame, name: str) -> pl.Expr:
    """What is wrong with an identifier, asked once for each that occurs."""
    faults = {}
    for value in frame[name].drop_nulls().unique().to_list():
        fault = _FAULTS[name](value) if value else None
        if fault:
            faults[value] = f"{name}: {fault}"
    return pl.col(name).replace_strict(faults, default=None, return_dtype=pl.String)
