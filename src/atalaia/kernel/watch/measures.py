"""What the platform's rules measure in the database: one question each, and its figures in words.

Each asks only of what there is: a job that never ran, or a table of a room that is not installed,
is no subject. Limits that depend on the size of an installation are settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import anchor, standing
from atalaia.kernel.keep.audit import DEFAULT_TENANT
from atalaia.kernel.keep.guard import MAX_AGE_HOURS
from atalaia.kernel.watch import slo
from atalaia.kernel.watch.rules import Ground, Measure

_GRACE_HOURS = 24  # beside what a source's own cadence is
_IN_A_ROW = 2  # of what goes wrong: the third is worse
_BUDGET_PERCENT = 75.0
_ANCHORS_MISSED = 3


def source_failed(ground: Ground) -> Iterator[Measure]:
    """How many runs in a row, up to the last, the source itself failed; by job."""
    for row in _in_a_row(ground, "verdict = 'source_failed'"):
        says = f"execuções seguidas de {row['job_name']} em que a fonte falhou: {row['times']}"
        yield _job(row, f"{says}; a última: {row['error'] or 'sem mensagem'}")


def run_failing(ground: Ground) -> Iterator[Measure]:
    """How many runs in a row, up to the last, failed and not by a source's fault; by job."""
    # One that went well on what was kept may say that we could not get out: nothing is lost.
    wrong: LiteralString = """run_status <> 'success' AND (verdict = 'we_failed'
        OR run_status = 'failed' AND verdict IS DISTINCT FROM 'source_failed')"""
    for row in _in_a_row(ground, wrong):
        says = f"execuções seguidas de {row['job_name']} que não deram certo: {row['times']}"
        yield _job(row, f"{says}; a última: {row['error'] or 'sem mensagem'}")


def _job(row: dict[str, Any], says: str) -> Measure:
    arguments = {
        "job": row["job_name"],
        "source": row["source"] or row["job_name"],
        "reference_period": row["reference_period"],
    }
    said = says if row["times"] else f"a última execução de {row['job_name']} não tem esse problema"
    return Measure(row["job_name"], row["times"], 0, said, severe=_IN_A_ROW, arguments=arguments)


def _in_a_row(ground: Ground, wrong: LiteralString) -> list[dict[str, Any]]:
    """How many of each job's newest runs (20 at most, of 30 days) ended `wrong` in a row."""
    return ground.connection.execute(
        """WITH ended AS ("""  # noqa: S608  constants
        """
               SELECT job_name, reference_period, error, coalesce("""
        + wrong
        + """, false) AS wrong,
                      row_number() OVER (PARTITION BY job_name ORDER BY started_at_utc DESC) AS n
               FROM ops.pipeline_runs
               WHERE started_at_utc > %s - interval '30 days'
                 AND run_status NOT IN ('running', 'cancelled'))
           SELECT job_name, coalesce(min(n) FILTER (WHERE NOT wrong) - 1, count(*))::int AS times,
                  (array_agg(reference_period ORDER BY n))[1] AS reference_period,
                  (array_agg(error ORDER BY n))[1] AS error,
                  (SELECT min(r.source) FROM ops.connector_registry r
                   WHERE r.job_name = ended.job_name) AS source
           FROM ended WHERE n <= 20 GROUP BY job_name ORDER BY job_name""",
        (ground.moment,),
    ).fetchall()


def source_late(ground: Ground) -> Iterator[Measure]:
    """Hours since a source's last good run, of those that are asked over the network. One that
    never had any is not late: the registry shows it as never run."""
    good = {
        row["job_name"]: row
        for row in ground.connection.execute(
            """SELECT job_name, max(finished_at_utc) AS at,
                      (array_agg(reference_period ORDER BY finished_at_utc DESC))[1] AS period,
                      extract(epoch FROM %s - max(finished_at_utc))::float8 / 3600 AS hours
               FROM ops.pipeline_runs WHERE run_status = 'success' GROUP BY job_name""",
            (ground.moment,),
        )
    }
    for source in ground.around.sources:
        last = good.get(source.job_name)
        if last is None:
            continue
        says = (
            f"a última execução boa de {source.job_name} foi em {last['at']:%Y-%m-%d %H:%M} UTC, "
            f"há {last['hours']:.0f} h; esperam-se no máximo {source.expected_hours:g} h e um dia"
        )
        arguments = {
            "job": source.job_name,
            "source": source.name,
            "reference_period": last["period"],
        }
        limit = source.expected_hours + _GRACE_HOURS
        yield Measure(source.job_name, last["hours"], limit, says, bad="late", arguments=arguments)


def dead_letters_growing(ground: Ground) -> Iterator[Measure]:
    """Letters of the last hour that nobody decided about, by domain. What the bundled files hold is
    known, and no news: the rows that 'up' puts aside are not counted."""
    limit = settings().watch_dead_letters_per_hour
    for row in ground.connection.execute(
        """SELECT letter.domain, count(*) AS letters,
                  mode() WITHIN GROUP (ORDER BY letter.entity_type) AS source
           FROM ops.dead_letters AS letter LEFT JOIN ops.pipeline_runs AS run USING (run_id)
           WHERE NOT letter.resolved AND letter.created_at_utc > %s - interval '1 hour'
             AND run.trigger IS DISTINCT FROM 'up'
           GROUP BY letter.domain ORDER BY letter.domain""",
        (ground.moment,),
    ):
        says = f"{row['letters']} na última hora; as mais comuns são de {row['source']}"
        yield Measure(
            row["domain"], row["letters"], limit, says, arguments={"source": row["source"]}
        )


def queue_growing(ground: Ground) -> Iterator[Measure]:
    """How long the oldest due item waits, and how many wait."""
    row = ground.connection.execute(
        """SELECT count(*) AS items,
                  coalesce(extract(epoch FROM %(now)s - min(due_at)), 0)::float8 AS seconds,
                  coalesce((array_agg(kind ORDER BY due_at))[1], '') AS kind
           FROM ops.work_items WHERE status = 'queued' AND due_at <= %(now)s""",
        {"now": ground.moment},
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate gives its row
    oldest = f"{row['items']} itens esperam; o mais velho ({row['kind']}) há {row['seconds']:.0f} s"
    says, arguments = oldest if row["items"] else "nada espera", {"kind": row["kind"]}
    known = settings()
    yield Measure(
        "espera", row["seconds"], known.watch_queue_seconds, says, bad="late", arguments=arguments
    )
    yield Measure(
        "itens", row["items"], known.watch_queue_items, says, bad="late", arguments=arguments
    )


def check_failing(ground: Ground) -> Iterator[Measure]:
    """Open corrective actions by check; how a run ended has rules of its own."""
    for row in ground.connection.execute(
        """SELECT check_name, count(*) AS actions,
                  (array_agg(concat_ws(': ', nullif(subject, ''), action)
                             ORDER BY opened_at_utc))[1] AS first
           FROM ops.corrective_actions
           WHERE closed_at_utc IS NULL AND check_name <> 'run_outcome'
           GROUP BY check_name ORDER BY check_name"""
    ):
        says = f"{row['actions']} respostas em fail; a primeira: {row['first']}"
        yield Measure(
            row["check_name"], row["actions"], 0, says, arguments={"check": row["check_name"]}
        )


def slo_burning(ground: Ground) -> Iterator[Measure]:
    """Per cent of the error budget that is spent. Runs without data because a source was away are
    the source's rules' business; SLO-3 allows nothing, so each run without a check is 100 %."""
    jobs = slo.counted(ground.connection, ground.moment)
    if not sum(job.ended for job in jobs):
        return
    ended = sum(job.ended for job in jobs)
    first = slo.budget(ended, sum(job.other for job in jobs), slo.SLO_1_MIN_SUCCESS_PCT)
    spent = 100.0 * (first.burn_rate or 0.0)
    says = (
        f"{first.spent} de {first.ended} execuções de 7 dias falharam: {spent:.0f} % do orçamento"
    )
    yield Measure("SLO-1", spent, _BUDGET_PERCENT, says, severe=100.0)
    third = slo.budget_3(jobs)
    says = f"{third.spent} de {third.ended} execuções de 7 dias não têm nenhum check"
    yield Measure("SLO-3", 100.0 * third.spent, 0.0, says, severe=100.0)


def backup_late(ground: Ground) -> Iterator[Measure]:
    """Hours since the newest verified backup or, without any, since there is something to lose."""
    row = ground.connection.execute(
        """SELECT extract(epoch FROM %(now)s - coalesce(backup, work))::float8 / 3600 AS hours,
                  backup
           FROM (SELECT (SELECT max(created_at_utc) FROM ops.backups
                         WHERE verified_at_utc IS NOT NULL AND problem IS NULL
                           AND removed_at_utc IS NULL) AS backup,
                        (SELECT min(started_at_utc) FROM ops.pipeline_runs) AS work) AS known""",
        {"now": ground.moment},
    ).fetchone()
    if row is None or row["hours"] is None:
        return
    newest = (
        f"o último é de {row['backup']:%Y-%m-%d %H:%M} UTC" if row["backup"] else "não há nenhum"
    )
    says = f"backup verificado: {newest}; precisa haver um de menos de {MAX_AGE_HOURS} horas"
    yield Measure("", row["hours"], MAX_AGE_HOURS, says, severe=3.0 * MAX_AGE_HOURS, bad="late")


def audit_broken(_ground: Ground) -> Iterator[Measure]:
    """How many chains, anchors or guards do not hold; unknown where nothing can be compared."""
    report = standing.report()
    broken = [one for one in report.chains if one.state == "fail"]
    problems = [f"{one.stream}, linha {one.bad_seq}: {one.problem}" for one in broken]
    if report.state == "fail":
        said = "; ".join([*problems, *report.problems]) or "não confere"
        streams = {"stream": broken[0].stream} if broken else {}
        yield Measure("", max(1, len(problems)), 0, said, arguments=streams)
    elif report.chains and not anchor.has_key():
        yield Measure("", None, 0, "; ".join(report.problems) or "não há com que comparar")
    else:
        yield Measure("", 0, 0, f"{len(report.chains)} cadeias conferem")


def anchor_late(_ground: Ground) -> Iterator[Measure]:
    """Seconds since the anchors were brought up to date, where they are kept at all."""
    if not anchor.has_key():
        return
    silent = anchor.seconds_since_written()
    limit = float(_ANCHORS_MISSED * settings().audit_anchor_seconds)
    told = "nunca" if silent == float("inf") else f"há {silent:.0f} s"
    yield Measure(
        "", min(silent, 1e12), limit, f"a última vez foi {told}; o normal é a cada "
        f"{settings().audit_anchor_seconds} s", bad="late",
    )  # fmt: skip


def delivery_exhausted(ground: Ground) -> Iterator[Measure]:
    """Deliveries of the last day that were given up, by channel; asked for again, they are not."""
    for row in ground.connection.execute(
        """SELECT c.channel_id::text, c.tenant_id, c.name, count(*) AS deliveries,
                  max(d.reason) AS reason
           FROM ops.deliveries d JOIN ops.channels c USING (channel_id)
           WHERE d.status IN ('exhausted', 'failed')
             AND d.finished_at > %s - interval '24 hours'
           GROUP BY c.channel_id ORDER BY c.tenant_id, c.name""",
        (ground.moment,),
    ):
        says = (
            f"{row['deliveries']} entregas desistidas; a razão: {row['reason'] or 'sem registro'}"
        )
        tenant = "" if row["tenant_id"] == DEFAULT_TENANT else f"{row['tenant_id']}/"
        arguments = {"channel": row["channel_id"], "tenant": row["tenant_id"]}
        yield Measure(tenant + row["name"], row["deliveries"], 0, says, arguments=arguments)
