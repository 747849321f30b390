"""The quality suite of the territory: eight named checks and the job that asks them.

An empty table is a warn, never a pass; so is a planned connector and a source whose last verdict is
source_failed. A fail means that what should be here is not, or is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, LiteralString

from atalaia.kernel.base.database import Connection
from atalaia.kernel.watch import ops_checks
from atalaia.kernel.watch.checks import (
    Check,
    Limits,
    Result,
    Status,
    at_least,
    at_most,
    once_held,
    suite,
)
from atalaia.kernel.watch.row_rules import RowRule, ask_rows
from atalaia.kernel.work.job import Job

DOMAIN = "territory"
THRESHOLDS = Path(__file__).with_name("quality_thresholds.yml")
_ADMIN = "Recarregar: atalaia run ibge_admin --reference-period AAAA --force"
_MESH = "Recarregar: atalaia run ibge_geometries --reference-period AAAA --force"
_RELOAD = "Recarregar a fonte com --force; ver o run_id da amostra em 'atalaia explain'"


def _dim_territory(connection: Connection, limits: Limits) -> Iterator[Result]:
    name, section = "check_dim_territory", "dim_territory"
    focus = str(limits.section(section).get("focus_municipality", ""))
    counted = connection.execute(_TERRITORIES, {"focus": focus}).fetchone()
    if not counted or not counted["everything"]:
        for subject in ("municipalities", "focus_municipality", "mesh", "districts", "geometry"):
            yield Result(name, "warn", "0", details={"reason": "tabela vazia"}, subject=subject)
        return
    least = partial(limits.number, section)
    count = counted["municipalities"]
    words = "há menos municípios em vigor que o mínimo"
    yield at_least(name, "municipalities", count, least("min_municipalities"), words, todo=_ADMIN)
    words = f"o município em foco {focus} não existe"
    yield at_least(name, "focus_municipality", counted["focus"], 1, words, todo=_ADMIN)
    minimum = least("min_municipalities_with_mesh")
    words = "há menos municípios com malha que o mínimo"
    mesh = at_least(name, "mesh", counted["with_mesh"], minimum, words, todo=_MESH)
    yield _loss_or_never(connection, mesh, "nenhuma malha carregada até hoje")
    minimum = least("min_districts")
    words = "os distritos do município em foco sumiram"
    districts = at_least(name, "districts", counted["districts"], minimum, words, todo=_ADMIN)
    yield _loss_or_never(
        connection,
        districts,
        "nenhum distrito carregado até hoje: o pacote de dados não os traz",
    )
    yield _geometry(connection, name, counted["geometries"], least("max_invalid_geometries"))


_TERRITORIES = """
SELECT count(*) AS everything, count(*) FILTER (WHERE in_force) AS municipalities,
       count(*) FILTER (WHERE in_force AND geometry IS NOT NULL) AS with_mesh,
       count(*) FILTER (WHERE in_force AND territory_id = %(focus)s) AS focus,
       count(*) FILTER (WHERE level = 'district' AND parent_id = %(focus)s) AS districts,
       count(geometry) AS geometries
FROM (SELECT *, level = 'municipality' AND kind = 'land' AND valid_to IS NULL AS in_force
      FROM silver.dim_territory) AS t
"""


def _loss_or_never(connection: Connection, answer: Result, never: str) -> Result:
    """A fail with nothing at all there is a warn while there never was anything: what was not
    loaded is not lost. Once an earlier answer of this check saw it, its absence is a loss."""
    if answer.observed != "0" or answer.status == "pass":
        return answer
    if once_held(connection, answer.check_name, answer.subject):
        return answer
    return replace(answer, status="warn", details={"reason": never})


def _geometry(connection: Connection, name: str, count: int, maximum: float) -> Result:
    if not count:
        return Result(name, "warn", "0", details={"reason": "nenhuma malha"}, subject="geometry")
    invalid = connection.execute(
        """SELECT territory_id, name, ST_IsValidReason(geometry) AS reason
           FROM silver.dim_territory WHERE NOT ST_IsValid(geometry) ORDER BY territory_id"""
    ).fetchall()
    words = "geometrias inválidas"
    return at_most(name, "geometry", len(invalid), maximum, words, todo=_MESH, samples=invalid[:5])


_UNKNOWN_TERRITORY = (
    "t.territory_id IS NULL "
    "OR t.territory_id NOT IN (SELECT territory_id FROM silver.dim_territory)"
)
_BAD_REFERENCE = r"coalesce(t.reference_period, '') !~ '^(19|20)\d{2}(-(0[1-9]|1[0-2])(-\d{2})?)?$'"

_TERRITORY_RULE = RowRule(
    "territory_id",
    _UNKNOWN_TERRITORY,
    "max_unknown_territory_rows",
    "território vazio ou que não existe em dim_territory",
    _RELOAD,
)
_REFERENCE_RULE = RowRule(
    "reference_period",
    _BAD_REFERENCE,
    "max_invalid_reference_rows",
    "período de referência vazio ou fora do formato",
    _RELOAD,
)
_INDICATOR_RULES = (
    RowRule(
        "indicator_code",
        # a probe has its own rule; counting it here too would name one fault twice
        r"coalesce(t.indicator_code, '') !~ '^[a-z][a-z0-9_]*$' "
        r"AND coalesce(t.indicator_code, '') !~* '_SOURCE_PROBE$'",
        "max_invalid_code_rows",
        "código de indicador vazio ou fora do formato",
        _RELOAD,
    ),
    _REFERENCE_RULE,
    RowRule(
        "value",
        "(t.value IS NULL) = (t.marker IS NULL) OR t.value IN ('NaN', 'Infinity', '-Infinity')",
        "max_invalid_value_rows",
        "valor ausente sem marcador, com marcador, ou que não é número",
        _RELOAD,
    ),
    _TERRITORY_RULE,
    RowRule(
        "probe_rows",
        r"t.indicator_code ~* '_SOURCE_PROBE$'",
        "max_probe_rows",
        "linhas de sonda da fonte gravadas como dado",
        "Apagar as linhas *_SOURCE_PROBE e recarregar a fonte com --force",
    ),
)


def _amount_rules(negative: LiteralString) -> tuple[RowRule, ...]:
    amount = RowRule(
        "non_negative", negative, "max_negative_rows", "quantidade negativa ou vazia", _RELOAD
    )
    return amount, _REFERENCE_RULE, _TERRITORY_RULE


def _rows(
    check: str, table: str, source: str, rules: tuple[RowRule, ...]
) -> Callable[[Connection, Limits], list[Result]]:
    """A question about every row of one silver table, named like its section of limits."""

    def ask(connection: Connection, limits: Limits) -> list[Result]:
        return ask_rows(
            connection,
            check,
            ("silver", table),
            rules,
            limits,
            section=table,
            when_empty=_why_empty(connection, source),
        )

    return ask


def _why_empty(connection: Connection, source: str) -> str:
    planned = connection.execute(
        """SELECT string_agg(connector, ', ' ORDER BY connector) AS names
           FROM ops.connector_registry
           WHERE domain = %s AND source = %s AND status = 'planned'""",
        (DOMAIN, source),
    ).fetchone()
    names = planned and planned["names"]
    return f"tabela vazia: {names} ainda não implementados" if names else "tabela vazia"


def _source_rows(connection: Connection, limits: Limits) -> Iterator[Result]:
    name, section = "check_fact_indicator_source_rows", "fact_indicator_source_rows"
    configured = [key for key in limits.section(section) if key.startswith("min_rows_")]
    minimum = {key.removeprefix("min_rows_").upper(): key for key in configured}
    known = {row["source"]: row for row in connection.execute(_SOURCES, {"domain": DOMAIN})}
    for source in sorted({*minimum, *known}):
        needed = limits.number(section, minimum.get(source, "other_sources"))
        status, reason = judge_source(known.get(source), needed)
        details = {"reason": reason} if reason else {}
        if status == "fail":
            details["todo"] = _RELOAD
        count = known[source]["rows"] if source in known else 0
        yield Result(name, status, str(count), f">= {needed:g}", details, subject=source)


# A source's rows may stand in any of the three fact tables (TSE fills two of them); rows loaded
# before count only from connectors whose contract names one of those (ibge_admin fills another).
_SOURCES = """
WITH facts AS (
    SELECT source, count(*) AS rows FROM silver.fact_indicator GROUP BY source
    UNION ALL SELECT source, count(*) FROM silver.fact_electorate GROUP BY source
    UNION ALL SELECT source, count(*) FROM silver.fact_election_result GROUP BY source
), runs AS (
    SELECT job_name, sum(rows_loaded) FILTER (WHERE run_status = 'success') AS loaded,
           (array_agg(verdict ORDER BY started_at_utc DESC)
                FILTER (WHERE run_status <> 'running'))[1] AS verdict
    FROM ops.pipeline_runs GROUP BY job_name
)
SELECT r.source, bool_or(r.status IN ('implemented', 'partial')) AS implemented,
       coalesce(sum(runs.loaded) FILTER (WHERE c.table_name LIKE 'silver.fact%%'), 0) > 0
           AS loaded_before,
       coalesce(bool_or(runs.verdict = 'source_failed'), false) AS source_failed,
       (SELECT coalesce(sum(rows), 0) FROM facts WHERE facts.source = r.source)::bigint AS rows,
       EXISTS (SELECT FROM facts) AS any_fact
FROM ops.connector_registry r
LEFT JOIN runs USING (job_name)
LEFT JOIN ops.source_schema_contracts c ON c.connector = r.connector AND c.active
WHERE r.domain = %(domain)s AND r.source <> '' AND r.status <> 'retired'
GROUP BY r.source
"""


def judge_source(source: Mapping[str, Any] | None, needed: float) -> tuple[Status, str]:
    """(status, reason) of one source of the registry: a pure decision, first rule that holds."""
    if source is None:
        return "fail", "fonte configurada que o registro de conectores não conhece"
    if not source["implemented"]:
        return "warn", "conector planejado, ainda não implementado"
    if source["source_failed"]:
        return "warn", ops_checks.SOURCE_FAILED
    if source["rows"] >= needed:
        return "pass", ""
    if not source["any_fact"] and not source["loaded_before"]:
        return "warn", "tabela vazia"
    if not source["loaded_before"]:
        return "warn", "implementada, nunca carregada nesta instalação"
    return "fail", "a fonte já teve linhas aqui e agora tem menos que o mínimo"


CHECKS = (
    Check("check_dim_territory", "Territórios: existem e têm geometria válida", _dim_territory),
    Check(
        "check_fact_electorate",
        "Eleitorado: não negativo, com período e território",
        _rows(
            "check_fact_electorate",
            "fact_electorate",
            "TSE",
            _amount_rules("t.voters < 0 OR t.voters IS NULL"),
        ),
    ),
    Check(
        "check_fact_election_result",
        "Resultado eleitoral: não negativo, com período e território",
        _rows(
            "check_fact_election_result",
            "fact_election_result",
            "TSE",
            _amount_rules("t.value < 0 OR t.value IS NULL"),
        ),
    ),
    Check(
        "check_fact_indicator",
        "Indicadores: código, período, valor e território válidos, sem sondas",
        _rows("check_fact_indicator", "fact_indicator", "", _INDICATOR_RULES),
    ),
    Check("check_fact_indicator_source_rows", "Cada fonte tem o mínimo de linhas", _source_rows),
    ops_checks.schema_contracts(DOMAIN),
    ops_checks.schema_drift(DOMAIN),
    ops_checks.pipeline_runs(DOMAIN),
)


def quality_suite(limits: Path = THRESHOLDS) -> Job:
    """The job that asks the eight checks, with the limits of a file."""
    return suite(
        CHECKS,
        limits,
        name="quality_suite",
        domain=DOMAIN,
        title="Pergunta os oito checks e registra as respostas",
        wave="MVP-1",
    )
