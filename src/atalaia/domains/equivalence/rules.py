"""What alerts of the service measure: a mapper that is away, a batch that is late, an item that
could not be done. A worker, Redis or the API that is away is the platform's to tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import NotPublished, SourceError, TimedOut
from atalaia.kernel.base.outbound import download
from atalaia.kernel.base.settings import settings
from atalaia.kernel.watch.rules import Ground, Measure, Rule
from atalaia.kernel.watch.severity import Severity

OWNER = "equivalência"
_PROBE_SECONDS = 3.0
_RECENT_MINUTES = 5
_PROMISED_SECONDS, _PROMISED_ITEMS = 600.0, 10_000  # a batch of so many is done within so long


def mappers_away(ground: Ground) -> Iterator[Measure]:
    """Whether a mapper that is configured answers, and how many evaluations had to do without."""
    for name, url in (("embeddings", settings().embed_url), ("llm", settings().llm_url)):
        if url:
            away = not answers(url)
            says = "não responde" if away else "responde"
            yield Measure(name, float(away), 0, f"o mapper {name} {says}")
    row = ground.connection.execute(
        """SELECT count(*) FILTER (WHERE degraded) AS degraded, count(*) AS total
           FROM equivalence.equivalence_results
           WHERE created_at > clock_timestamp() - make_interval(mins => %s)""",
        (_RECENT_MINUTES,),
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate gives its row
    yield Measure(
        "avaliacoes",
        row["degraded"],
        0,
        f"avaliações degradadas nos últimos {_RECENT_MINUTES} min: {row['degraded']} de "
        f"{row['total']}; nenhuma foi deferida sozinha",
    )


def answers(url: str) -> bool:
    """Whether there is anybody at the address; what it says of itself matters not."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    with TemporaryDirectory() as folder:
        try:
            download(
                f"{origin}/health", Path(folder) / "answer", deadline=Deadline(_PROBE_SECONDS),
                timeout_seconds=_PROBE_SECONDS, inside=origin,
            )  # fmt: skip
        except NotPublished:
            return True
        except SourceError as error:
            return error.status is not None and error.status < 500
        except TimedOut:
            return False
    return True


def batches_late(ground: Ground) -> Iterator[Measure]:
    """How much of its promised time the slowest batch in hand has used, in percent."""
    row = ground.connection.execute(
        """SELECT b.batch_id, b.total,
                  extract(epoch FROM clock_timestamp() - b.created_at)::float8 AS seconds,
                  100 * extract(epoch FROM clock_timestamp() - b.created_at)::float8
                      / (%(seconds)s * greatest(1.0, b.total / %(items)s::float8)) AS percent
           FROM ops.batches b
           WHERE b.kind = 'equivalence.evaluate' AND EXISTS (
               SELECT FROM ops.work_items i
               WHERE i.batch_id = b.batch_id AND i.finished_at IS NULL)
           ORDER BY percent DESC LIMIT 1""",
        {"seconds": _PROMISED_SECONDS, "items": _PROMISED_ITEMS},
    ).fetchone()
    if row is None:
        yield Measure("", 0, 100, "nenhum lote em andamento", bad="late")
        return
    yield Measure(
        "",
        row["percent"],
        100,
        f"o lote {row['batch_id']}, de {row['total']} itens, está em andamento há "
        f"{row['seconds']:.0f} s: {row['percent']:.0f} % do prazo",
        bad="late",
        arguments={"batch": str(row["batch_id"])},
    )


def items_failed(ground: Ground) -> Iterator[Measure]:
    """How many items wait for a decision, having failed for good."""
    row = ground.connection.execute(
        """SELECT count(*) AS n, min(dead_letter_id) AS first FROM ops.dead_letters
           WHERE domain = 'equivalence' AND NOT resolved"""
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate gives its row
    yield Measure("", row["n"], 0, f"itens que não puderam ser avaliados, sem decisão: {row['n']}")


RULES = (
    Rule(
        id="equivalence-degraded",
        title="Um mapper não responde: {subject}",
        fires="um mapper configurado (EMBED_URL, LLM_URL) não responde, ou uma avaliação dos "
        "últimos 5 minutos saiu degradada",
        owner=OWNER,
        severity=Severity.NORMAL,
        runbook="equivalence/mapper-down",
        measure=mappers_away,
    ),
    Rule(
        id="equivalence-late",
        title="Um lote passou do prazo",
        fires="um lote está em andamento há mais de 10 minutos por 10.000 itens",
        owner=OWNER,
        severity=Severity.NORMAL,
        runbook="equivalence/batch-late",
        measure=batches_late,
        depends_on=("worker-dead", "redis-lost"),
    ),
    Rule(
        id="equivalence-item-failed",
        title="Itens que não puderam ser avaliados",
        fires="há itens de lotes dos quais se desistiu, ainda sem decisão",
        owner=OWNER,
        severity=Severity.LOW,
        runbook="equivalence/item-failed",
        measure=items_failed,
    ),
)
