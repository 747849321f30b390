"""What a loaded file says of itself: checks that put no row aside."""

from __future__ import annotations

from collections import Counter
from typing import Any

from psycopg import sql

from atalaia.domains.cattle import limits
from atalaia.domains.cattle.layout import Layout
from atalaia.kernel.base.database import Connection
from atalaia.kernel.watch.checks import Result

_SUM = "ingredientes_somam_a_carga"
_WORDS = {
    "consumo_fora_da_faixa": "linhas em que a matéria seca comida não é de 1 a 4 % do peso vivo",
    "desvio_recalculado": "linhas cujo desvio escrito não é realizado − previsto; vale a conta",
    "percentual_sem_previsto": "linhas com um % de nada previsto; o % não foi guardado",
}


def results(
    connection: Connection,
    layout: Layout,
    one: dict[str, Any],
    warned: Counter[str],
    *,
    weighed: bool,
) -> list[Result]:
    """One answer for each thing that could be asked of this file; `weighed`: it has the column of
    what a whole load weighed."""
    subject = f"{layout.name}/{one['id']}"
    found = [
        Result(
            name,
            "warn" if warned[name] else "pass",
            str(warned[name]),
            "0",
            {"reason": f"{warned[name]} {words}"} if warned[name] else {},
            subject,
        )
        for name, words in _WORDS.items()
        if warned[f"{name}.asked"]
    ]
    if layout.name in ("desvio_carregamento", "itens_trato"):
        found.append(_loads(connection, layout, one, subject) if weighed else _unweighed(subject))
    if layout.name == "historico_consumo":
        found.append(_head_counts(connection, one, subject))
    return found


def _loads(connection: Connection, layout: Layout, one: dict[str, Any], subject: str) -> Result:
    """Do the ingredients of each load sum to what the load weighed?"""
    limit = limits.number("warnings", "load_sum_pc")
    rows = connection.execute(
        sql.SQL(
            """SELECT data, carregamento, sum(realizado_kg) AS parts, max(carga_kg) AS whole
               FROM {} WHERE tenant_id = %(tenant)s AND file_seq = %(seq)s
               GROUP BY data, carregamento, coalesce(vagao, '') HAVING max(carga_kg) IS NOT NULL"""
        ).format(sql.Identifier("etl", layout.name)),
        {"tenant": one["tenant_id"], "seq": one["seq"]},
    ).fetchall()
    if not rows:
        return _unweighed(subject)
    off = [r for r in rows if abs(r["parts"] - r["whole"]) * 100 > limit * float(r["whole"])]
    details: dict[str, Any] = {}
    if off:
        details = {
            "reason": f"{len(off)} de {len(rows)} cargas não somam o que pesaram",
            "sample": [{k: str(v) for k, v in r.items()} for r in off[:10]],
        }
    return Result(_SUM, "warn" if off else "pass", str(len(off)), "0", details, subject)


def _unweighed(subject: str) -> Result:
    limit = limits.number("warnings", "load_sum_pc")
    why = {"reason": "o arquivo não traz o peso da carga inteira: não há com que comparar"}
    return Result(_SUM, "pass", "", f"<= {limit:g} %", why, subject)


def _head_counts(connection: Connection, one: dict[str, Any], subject: str) -> Result:
    """Does the number of animals of a lot change from one day to the next with no movement told?"""
    rows = connection.execute(
        """SELECT curral, lote, data, before, qtd_animais FROM (
               SELECT *, lag(qtd_animais) OVER lot AS before, lag(data) OVER lot AS day_before
               FROM etl.historico_consumo WHERE tenant_id = %(tenant)s AND file_seq = %(seq)s
               WINDOW lot AS (PARTITION BY curral, lote ORDER BY data)) AS days
           WHERE before <> qtd_animais AND day_before = data - 1 AND movimento IS NULL
           ORDER BY data, curral, lote""",
        {"tenant": one["tenant_id"], "seq": one["seq"]},
    ).fetchall()
    details: dict[str, Any] = {}
    if rows:
        details = {
            "reason": f"{len(rows)} vezes o lote mudou de tamanho sem movimento informado",
            "sample": [{k: str(v) for k, v in r.items()} for r in rows[:10]],
        }
    return Result(
        "animais_sem_movimento", "warn" if rows else "pass", str(len(rows)), "0", details, subject
    )
