"""Silver to gold: the job `dbt_build`.

dbt runs as a process of its own, with the run's remaining time as its limit, and is ended when the
run is cancelled. Its tests stand between its steps and gold: when one fails, gold keeps what it had
and the run fails. Nothing is written into the source tree, no network is used.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from atalaia.domains.territory import dbt_process
from atalaia.domains.territory.dbt_process import PROJECT, Node
from atalaia.domains.territory.indicators import catalogue
from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import statements, transaction
from atalaia.kernel.base.errors import AlreadyRunning, AtalaiaError
from atalaia.kernel.keep.holdings import Holding, register
from atalaia.kernel.watch import checks
from atalaia.kernel.work.job import Job, Run
from atalaia.kernel.work.runner import as_function

TABLES = ("indicator_derived", "indicator_missing")
VIEWS = ("mv_map_choropleth", "mv_territory_ranking", "mv_territory_map_summary")
_STATUS: dict[str, checks.Status] = {  # dbt's word → ours; any other is a fail
    "pass": "pass",
    "success": "pass",
    "warn": "warn",
    "skipped": "warn",
}
# Right after a load PostgreSQL still plans for the tables as they were before it.
_ANALYZE = "ANALYZE silver.dim_territory, silver.dim_territory_geometry, silver.fact_indicator"
_REFRESH = "SELECT gold.refresh_materialized_views() AS version"


def build(run: Run) -> None:
    """Body of `dbt_build`: catalogue → dbt → checks → refresh of the materialized views."""
    with statements() as guard:
        # Two periods may be asked for at once; the tables are the same ones.
        got = guard.execute("SELECT pg_try_advisory_lock(hashtext('dbt_build')) AS got").fetchone()
        if not got or not got["got"]:
            raise AlreadyRunning("Outro dbt_build está em andamento.", todo="Espere que termine.")
        with run.step("catalogue") as detail:
            detail["indicators"] = sync_catalogue()
            guard.execute(_ANALYZE)
        with run.step("dbt") as detail:
            nodes = dbt_process.build(run)
            detail["nodes"] = len(nodes)
        rows = _count_rows()
        with run.step("checks"):
            checks.record(run, [*map(as_check, nodes), *_row_checks(rows)])
        _refuse_failures(nodes)
        run.counts.read = run.counts.loaded = sum(rows.values())
        refresh(run)


def refresh(run: Run) -> None:
    """Refresh the materialized views, then VACUUM them so that maps are read from the index."""
    with run.step("refresh") as detail:
        with transaction() as connection:
            limit = str(max(1, int(run.deadline.remaining * 1000)))
            connection.execute("SELECT set_config('statement_timeout', %s, true)", (limit,))
            found = connection.execute(_REFRESH).fetchone()
        detail["data_version"] = found and found["version"]
    with run.step("vacuum"), statements() as connection:
        for name in (*TABLES, *VIEWS):
            connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier("gold", name)))


def sync_catalogue() -> int:
    """Bring `gold.indicator_catalogue` to what indicators.yml says; returns how many entries."""
    entries = list(catalogue().indicators.values())
    with transaction() as connection:
        connection.execute(
            "DELETE FROM gold.indicator_catalogue WHERE indicator_code <> ALL (%s)",
            ([entry.code for entry in entries],),
        )
        connection.cursor().executemany(
            """INSERT INTO gold.indicator_catalogue AS c
                   (indicator_code, polarity, ranked, unranked_years, sum_rule)
               VALUES (%s, %s, %s, %s, %s)
               ON CONFLICT (indicator_code) DO UPDATE
               SET (polarity, ranked, unranked_years, sum_rule) =
                   (excluded.polarity, excluded.ranked, excluded.unranked_years, excluded.sum_rule)
               WHERE c IS DISTINCT FROM excluded""",
            [
                (
                    entry.code,
                    entry.polarity,
                    entry.ranked,
                    list(entry.unranked_years),
                    entry.sum_rule,
                )
                for entry in entries
            ],
        )
    return len(entries)


def as_check(node: Node) -> checks.Result:
    """What dbt says of one model or test, as a check: an error is a fail, a skipped test a warn."""
    status = _STATUS.get(node.status, "fail")
    kind = "dbt_test" if node.is_test else "dbt_model"
    if node.is_test:
        observed, threshold = "" if node.failures is None else str(node.failures), "0"
    else:
        observed, threshold = "" if node.rows is None else str(node.rows), ""
    details: dict[str, Any] = {"dbt": node.unique_id, "seconds": round(node.seconds, 3)}
    if node.status == "skipped":
        details["reason"] = "Não foi executado: um passo anterior falhou."
    elif status != "pass":
        details |= {"reason": node.message, "todo": "Ver o modelo e o arquivo dbt.log."}
    return checks.Result(kind, status, observed, threshold, details, subject=node.name)


def _count_rows() -> dict[str, int]:
    with transaction() as connection:
        return {
            name: found["n"]
            for name in TABLES
            for found in connection.execute(
                sql.SQL("SELECT count(*) AS n FROM {}").format(sql.Identifier("gold", name))
            )
        }


def _row_checks(rows: dict[str, int]) -> list[checks.Result]:
    """An empty table is a warn, never a pass."""
    return [
        checks.Result(
            "gold_rows",
            "pass" if count else "warn",
            str(count),
            ">= 1",
            {} if count else {"reason": f"gold.{name} está vazia."},
            subject=name,
        )
        for name, count in rows.items()
    ]


def _refuse_failures(nodes: list[Node]) -> None:
    failed = [node for node in nodes if node.status not in _STATUS]
    if failed:
        first = failed[0]
        raise AtalaiaError(
            f"dbt: {len(failed)} de {len(nodes)} passos falharam; o primeiro, {first.name}: "
            f"{first.message}. O mapa continua com a versão anterior.",
            todo="As verificações desta execução nomeiam cada um; corrija os dados ou o modelo e "
            "execute de novo.",
        )


def plan(run: Run) -> dict[str, Any]:
    """What `dbt_build` would do: its models by folder, its own tests, the refresh."""
    return {
        "catalogue": list(catalogue().indicators),
        "models": [
            {"name": path.stem, "schema": schema, "replaces": f"{schema}.{path.stem}"}
            for schema, folder in (("gold_steps", "steps"), ("gold", "gold"))
            for path in sorted((PROJECT / "models" / folder).glob("*.sql"))
        ],
        "tests": sorted(path.stem for path in (PROJECT / "tests").glob("*.sql")),
        "then": _REFRESH.removesuffix(" AS version"),
        "views": [f"gold.{name}" for name in VIEWS],
        "timeout_seconds": run.deadline.seconds,
    }


JOB = Job(
    name="dbt_build",
    domain="territory",
    title="Prata para ouro: somas, áreas, excesso e visões do mapa",
    body=build,
    plan=plan,
    wave="MVP-1",
    default_periods=lambda: [str(now().year)],
)
run = as_function(JOB)


def _carry_version(before: psycopg.Connection[Any], restored: psycopg.Connection[Any]) -> None:
    """The data of a restored database are another version than any the API has shown: answers it
    keeps, and those browsers keep, are of the old one."""
    query = "SELECT version FROM gold.data_version"
    last = before.cursor(row_factory=tuple_row).execute(query).fetchone()
    restored.execute(
        "UPDATE gold.data_version SET version = greatest(version, %s) + 1", last or (0,)
    )


register(Holding("territory", carry=_carry_version))
