"""The runbook's alerts, on the kernel's watch: each measures, `rules.judge` and `alerting` decide.

Limits are read from the configuration in each round's process; at its limit all is well.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from atalaia.domains.cattle import sla
from atalaia.domains.cattle.colours import share
from atalaia.domains.cattle.config import config
from atalaia.kernel.watch.rules import Ground, Measure, Rule
from atalaia.kernel.watch.severity import Severity

OWNER = "equipe ETL"


def idle(ground: Ground) -> Iterator[Measure]:
    """Minutes since anything began or ended, while files wait; with none waiting, nothing is idle.
    A file that waits for a person's answer waits for no worker."""
    row = ground.connection.execute(
        """SELECT count(*) FILTER (WHERE waits) AS waiting,
                  extract(epoch FROM %(now)s - greatest(
                      min(uploaded_at) FILTER (WHERE waits), max(processing_started_at),
                      max(completed_at)))::float8 / 60 AS minutes
           FROM (SELECT uploaded_at, processing_started_at, completed_at,
                        status IN ('uploaded', 'processing') AND state <> 'awaiting_mapping'
                            AND uploaded_at <= %(now)s AS waits
                 FROM etl.etl_file) AS f""",
        {"now": ground.moment},
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate gives its row
    minutes = max(row["minutes"] or 0.0, 0.0) if row["waiting"] else 0.0
    says = f"{row['waiting']} arquivos esperam, nenhum processado há {minutes:.0f} min"
    yield Measure(
        "", minutes, config().alerts.idle_minutes, says if row["waiting"] else "a fila está vazia"
    )


def error_rate(ground: Ground) -> Iterator[Measure]:
    """Per cent of the files that ended in the window which are in error."""
    known = config().alerts
    row = ground.connection.execute(
        """SELECT count(*) FILTER (WHERE status = 'error') AS failed, count(*) AS ended,
                  mode() WITHIN GROUP (ORDER BY error_class) AS class
           FROM etl.etl_file
           WHERE status IN ('loaded', 'error') AND completed_at > %(now)s - %(window)s
             AND completed_at <= %(now)s""",
        {"now": ground.moment, "window": timedelta(minutes=known.error_window_minutes)},
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate gives its row
    percent = share(row["failed"], row["ended"]) or 0
    word, action = sla.ERROR_ACTIONS.get(row["class"], ("sem classe", "Ver o registro."))
    says = f"{row['failed']} de {row['ended']} arquivos com erro ({float(percent):.1f} %)"
    if row["failed"]:
        says += f"; o mais comum é {word}: {action}"
    yield Measure("", float(percent), known.error_rate_percent, says)


def dead_letters(ground: Ground) -> Iterator[Measure]:
    """How many dead letters nobody decided about."""
    row = ground.connection.execute(
        """SELECT count(*) AS letters,
                  count(*) FILTER (WHERE error_type <> 'permanent') AS passing
           FROM etl.etl_dead_letter_queue WHERE NOT resolved"""
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate gives its row
    says = f"{row['letters']} sem decisão; {row['passing']} podem passar se tentadas de novo"
    yield Measure("", row["letters"], config().alerts.dlq_entries, says)


def slow(ground: Ground) -> Iterator[Measure]:
    """How many times as long as normal a layout's files take: the median of the window, and any
    that is in hand still, by the median of the days before it."""
    known = config().alerts
    for row in ground.connection.execute(
        """WITH took AS (
               SELECT layout, completed_at,
                      extract(epoch FROM completed_at - processing_started_at)::float8 AS seconds
               FROM etl.etl_file
               WHERE status = 'loaded' AND state <> 'duplicate' AND layout IS NOT NULL
                 AND processing_started_at IS NOT NULL
                 AND completed_at > %(now)s - %(window)s - %(days)s AND completed_at <= %(now)s),
           usual AS (
               SELECT layout, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds
               FROM took WHERE completed_at <= %(now)s - %(window)s
               GROUP BY layout HAVING count(*) >= %(files)s),
           lately AS (
               SELECT layout, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS seconds
               FROM took WHERE completed_at > %(now)s - %(window)s GROUP BY layout),
           in_hand AS (
               SELECT layout, max(extract(epoch FROM %(now)s - processing_started_at))::float8
                          AS seconds
               FROM etl.etl_file WHERE status = 'processing' AND state = 'processing'
               GROUP BY layout)
           SELECT layout, usual.seconds AS usual,
                  greatest(coalesce(lately.seconds, 0), coalesce(in_hand.seconds, 0)) AS lately
           FROM usual LEFT JOIN lately USING (layout) LEFT JOIN in_hand USING (layout)
           ORDER BY layout""",
        {
            "now": ground.moment,
            "window": timedelta(minutes=known.slow_window_minutes),
            "days": timedelta(days=known.slow_baseline_days),
            "files": known.slow_baseline_files,
        },
    ):
        times = row["lately"] / row["usual"] if row["usual"] else 0.0
        says = (
            f"{row['lately']:.1f} s por arquivo, quando o normal é {row['usual']:.1f} s "
            f"({times:.1f}×)"
        )
        yield Measure(
            row["layout"], times, known.slow_factor, says, bad="late",
            arguments={"layout": row["layout"]},
        )  # fmt: skip


def breach(ground: Ground) -> Iterator[Measure]:
    """What of the service level is breached: success, time, availability, recovery."""
    known, now = config(), ground.moment
    found = sla.uploaded(ground.connection, known, now)
    ended = sla.figures(ground.connection, known, now)
    missed = share(found.total - found.loaded - _in_hand(ground), found.total)
    worst = 100 - known.sla.success_warning_percent
    told = f"{found.loaded} de {found.total} arquivos de 24 h carregados"
    yield Measure("sucesso", float(missed or 0), worst, told if found.total else "sem dados")
    minutes = ended.minutes or 0.0
    says = f"{known.sla.processing_share_percent:g} % dos arquivos em até {minutes:.1f} min"
    yield Measure("tempo", minutes, known.sla.processing_minutes, says, bad="late")
    month = sla.month(ground.connection, now)
    allowed = _MONTH_HOURS * 60 * (100 - known.sla.availability_percent) / 100
    says = f"{month.down} min fora do ar neste mês, de {allowed:.0f} permitidos"
    yield Measure("disponibilidade", month.down, allowed, says)
    says = f"a parada mais longa deste mês durou {month.longest} min"
    yield Measure("recuperação", month.longest, known.sla.recovery_minutes, says, bad="late")


_MONTH_HOURS = 720  # the runbook's: 99.5 % are 3.6 hours


def _in_hand(ground: Ground) -> int:
    """Files of the window that have not ended: not failed yet."""
    row = ground.connection.execute(
        """SELECT count(*) AS files FROM etl.etl_file
           WHERE status IN ('uploaded', 'processing')
             AND uploaded_at > %s - %s AND uploaded_at <= %s""",
        (ground.moment, timedelta(hours=config().dashboard.window_hours), ground.moment),
    ).fetchone()
    return int(row["files"]) if row else 0


RULES = (
    Rule(
        id="etl-idle",
        title="Nenhum arquivo é processado",
        fires="há arquivos na fila e nenhum começou ou terminou há mais de 30 minutos; com a fila "
        "vazia, nunca",
        owner=OWNER,
        severity=Severity.CRITICAL,
        runbook="cattle/pipeline-stopped",
        measure=idle,
    ),
    Rule(
        id="etl-error-rate",
        title="Taxa de erro alta",
        fires="mais de 10 % dos arquivos que terminaram nas últimas 4 horas estão em erro",
        owner=OWNER,
        severity=Severity.HIGH,
        runbook="cattle/error-rate",
        measure=error_rate,
    ),
    Rule(
        id="etl-dlq",
        title="Dead letter queue cheia",
        fires="mais de 100 dead letters do domínio sem decisão",
        owner=OWNER,
        severity=Severity.NORMAL,
        runbook="cattle/dlq-full",
        measure=dead_letters,
    ),
    Rule(
        id="etl-slow",
        title="Processamento lento: {subject}",
        fires="os arquivos de um layout levam mais de 2 vezes o normal (mediana da última hora, ou "
        "o que está em curso, contra a mediana dos 30 dias antes)",
        owner=OWNER,
        severity=Severity.NORMAL,
        runbook="cattle/slow",
        measure=slow,
    ),
    Rule(
        id="etl-sla-breach",
        title="SLA violado: {subject}",
        fires="em 24 horas, menos de 95 % dos arquivos sem erro, ou 95 % deles em mais de 2 horas; "
        "no mês, mais de 0,5 % fora do ar, ou uma parada de mais de 15 minutos",
        owner=OWNER,
        severity=Severity.HIGH,
        runbook="cattle/error-rate",
        measure=breach,
    ),
)
