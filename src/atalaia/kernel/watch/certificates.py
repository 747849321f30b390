"""What the platform's rules measure of the certificates sources show: whether one was refused, how
long the newest one is good for, and whether it was replaced before its time.

What a source showed is kept beside each payload it sent; a refused one sent none, and is known by
how the run says it ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from atalaia.kernel.base.transport import UNTRUSTED
from atalaia.kernel.watch.rules import Ground, Measure

_DAYS_LEFT = 7.0  # below it, nobody renewed it: most are renewed 30 days before
_RENEWED_DAYS = 45.0  # one that was good for longer than that was not simply renewed
_TOLD_HOURS = 72  # how long such a change is news


def certificate_refused(ground: Ground) -> Iterator[Measure]:
    """1 for each source whose last run ended because its certificate could not be trusted."""
    for row in ground.connection.execute(
        """SELECT DISTINCT ON (job_name) job_name, reference_period, error,
                  (coalesce(verdict = 'source_failed', false)
                   AND starts_with(coalesce(error, ''), %s))::int AS refused
           FROM ops.pipeline_runs
           WHERE started_at_utc > %s - interval '30 days'
             AND run_status NOT IN ('running', 'cancelled')
           ORDER BY job_name, started_at_utc DESC""",
        (UNTRUSTED, ground.moment),
    ):
        fine = f"a última execução de {row['job_name']} não tem esse problema"
        says = row["error"] if row["refused"] else fine
        yield Measure(row["job_name"], row["refused"], 0, says, arguments=_arguments(row))


def certificate_changing(ground: Ground) -> Iterator[Measure]:
    """How near a source's certificate is to its end, in days past the seventh before it; and, for
    three days, how much of its life one had left that was replaced by another."""
    for source in ground.around.sources:
        shown = _shown(ground, source.folder, source.datasets)
        if not shown:
            continue
        last, *before = shown
        arguments = _arguments({"job_name": source.job_name, **last})
        if last["hours"] <= _TOLD_HOURS and before and before[0]["left"] > _RENEWED_DAYS:
            says = (
                f"{source.name} mostra outro certificado desde {last['first_seen']:%Y-%m-%d}, e o "
                f"de antes ainda valia por {before[0]['left']:.0f} dias"
            )
            yield Measure(source.job_name, before[0]["left"], _RENEWED_DAYS, says, bad="late",
                          arguments=arguments)  # fmt: skip
            continue
        says = f"o certificado de {source.name} vale até {last['expires']:%Y-%m-%d}"
        yield Measure(source.job_name, _DAYS_LEFT - last["days"], 0, says, bad="late",
                      arguments=arguments)  # fmt: skip


def _arguments(row: dict[str, Any]) -> dict[str, str]:
    return {"job": row["job_name"], "reference_period": row["reference_period"]}


def _shown(ground: Ground, folder: str, datasets: tuple[str, ...]) -> list[dict[str, Any]]:
    """The two newest certificates of a source: when each was first seen, the days it has left now,
    and those it had left when the next one came."""
    return ground.connection.execute(
        """WITH shown AS (
               SELECT exchange #>> '{certificate,sha256}' AS sha256,
                      min(extracted_at) AS first_seen,
                      max((exchange #>> '{certificate,expires_at}')::timestamptz) AS expires,
                      (array_agg(reference_period ORDER BY extracted_at DESC))[1]
                          AS reference_period
               FROM bronze.manifest
               WHERE source = %(folder)s AND dataset = ANY(%(datasets)s)
                 AND exchange #>> '{certificate,sha256}' IS NOT NULL
               GROUP BY 1)
           SELECT reference_period, first_seen, expires,
                  extract(epoch FROM %(now)s - first_seen)::float8 / 3600 AS hours,
                  extract(epoch FROM expires - %(now)s)::float8 / 86400 AS days,
                  extract(epoch FROM expires - lead(first_seen, 1, first_seen)
                          OVER (ORDER BY first_seen))::float8 / 86400 AS left
           FROM shown ORDER BY first_seen DESC LIMIT 2""",
        {"folder": folder, "datasets": list(datasets), "now": ground.moment},
    ).fetchall()
